"""Renders with Helm what the examples of a cloud install: `charts.py HELM FOLDER CHARTS`. What the modules write must be values that the charts take."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check
import policy
import providers

Values = dict[str, Any]


def rendered(helm: str, release: Values, charts: Path) -> tuple[str, str]:
    """The objects of a release, and what Helm says if there are none."""
    with tempfile.TemporaryDirectory() as folder:
        command = [helm, "template", release["name"], str(charts / release["chart"].split("/")[-1]), "--namespace", release["namespace"]]
        for number, values in enumerate(release["values"]):
            file = Path(folder) / f"{number}.yaml"
            file.write_text(values)
            command += ["--values", str(file)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout if ran.returncode == 0 else "", ran.stderr.strip()


def problems(helm: str, made: list[Values], charts: Path) -> Iterator[str]:
    """What is wrong with the releases of an example."""
    releases = [each["values"] for each in made if each["type"] == "helm_release"]
    if {each["chart"].split("/")[-1] for each in releases} != {"tasker-orchestration", "tasker-worker"}:
        yield "it installs no server, or no worker"
    for release in releases:
        objects, said = rendered(helm, release, charts)
        host = re.search(r'"host": "([^"]+)"', release["values"][0])
        secret = re.search(r'"name": "([a-z-]+-database)"', release["values"][0])
        wanted = [f'value: "{host and host[1]}"', f"secretName: {secret and secret[1]}"]
        if release["chart"].endswith("tasker-orchestration"):
            wanted += ["value: tasker_migrate", f"secretName: {release['name']}-migrate"]
        if not objects:
            yield f"{release['name']}: {said}"
        elif missing := [text for text in wanted if text not in objects]:
            yield f"{release['name']}: no object has {' and '.join(missing)}"


def main(helm: str, folder: Path, charts: Path) -> int:
    terraform = shutil.which("terraform") or "terraform"
    with providers.attached(check.required_providers(folder), terraform) as environment:
        subprocess.run([terraform, "init", "-input=false", "-backend=false"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
        made = policy.states(terraform, folder, environment)
    examples = {each.name for each in (folder / "examples").iterdir()}
    found = [f"{name}: tests/examples.tftest.hcl has no run of that name that succeeds" for name in sorted(examples - made.keys())]
    found += [f"{name}: {problem}" for name, all_of_it in made.items() for problem in problems(helm, all_of_it, charts)]
    for problem in found:
        print(f"charts: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()))
