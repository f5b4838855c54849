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
        command = [
            helm,
            "template",
            release["name"],
            str(charts / release["chart"].split("/")[-1]),
            "--namespace",
            release["namespace"],
            "--api-versions",
            "keda.sh/v1alpha1",
        ]
        for number, values in enumerate(release["values"]):
            file = Path(folder) / f"{number}.yaml"
            file.write_text(values)
            command += ["--values", str(file)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout if ran.returncode == 0 else "", ran.stderr.strip()


def is_scaled_by_keda(release: Values) -> bool:
    """Whether values of a release ask for KEDA."""
    return any(re.search(r"keda:\s*\{ enabled: true", values) for values in release["values"])


def opened(objects: str) -> int:
    """How many connections a release opens at most, with the pods that a rollout starts besides. 0 if that cannot be read from its objects."""
    deployment = next((each for each in objects.split("\n---") if re.search(r"^        - name: (server|worker)$", each, re.M) and "kind: Deployment" in each), "")
    most = re.search(r"^  max(?:Replicas|ReplicaCount): (\d+)$", objects, re.M) or re.search(r"^  replicas: (\d+)$", deployment, re.M)
    surge = re.search(r"^      maxSurge: (\d+)$", deployment, re.M)
    pool = re.search(r"^ +\[common\.database\.pool\]\n +max_connections = (\d+)$", objects, re.M)
    api = re.search(r"^ +web_api_max_connections = (\d+)$", objects, re.M)
    worker = re.search(r'name: TASKER_DATABASE__POOL_SIZE\n +value: "(\d+)"', deployment)
    each = int(pool[1]) + int(api[1]) + 5 if pool and api else int(worker[1]) + 3 if worker else 0
    return (int(most[1]) + int(surge[1])) * each if most and surge else 0


def accepted(made: list[Values]) -> int:
    """How many connections the database of an example accepts."""
    found = 0
    for kind, values in ((resource["type"], resource["values"]) for resource in made):
        if kind == "aws_db_parameter_group":
            found = next(int(each["value"]) for each in values["parameter"] if each["name"] == "max_connections")
        elif kind == "google_sql_database_instance":
            found = next(int(each["value"]) for each in policy.first(values, "settings")["database_flags"] if each["name"] == "max_connections")
        elif kind == "azurerm_postgresql_flexible_server_configuration" and values["name"] == "max_connections":
            # Azure keeps 15 for itself.
            found = int(values["value"]) - 15
    return found


def problems(helm: str, made: list[Values], charts: Path) -> Iterator[str]:
    """What is wrong with the releases of an example."""
    releases = [each["values"] for each in made if each["type"] == "helm_release"]
    if {each["chart"].split("/")[-1] for each in releases} != {"tasker-orchestration", "tasker-worker"}:
        yield "it installs no server, or no worker"
    connections = 0
    for release in releases:
        objects, said = rendered(helm, release, charts)
        host = re.search(r'"host": "([^"]+)"', release["values"][0])
        secret = re.search(r'"name": "([a-z-]+-database)"', release["values"][0])
        wanted = [f'value: "{host and host[1]}"', f"secretName: {secret and secret[1]}"]
        if release["chart"].endswith("tasker-orchestration"):
            wanted += ['value: "tasker_migrate"', f"secretName: {release['name']}-migrate"]
        if not objects:
            yield f"{release['name']}: {said}"
        elif missing := [text for text in wanted if text not in objects]:
            yield f"{release['name']}: no object has {' and '.join(missing)}"
        elif not opened(objects):
            yield f"{release['name']}: its objects do not say how many pods there may be, and how many connections each of them opens"
        if is_scaled_by_keda(release) != ("kind: ScaledObject" in objects):
            yield f"{release['name']}: KEDA scales it unasked, or does not though it was asked to"
        connections += opened(objects)
    if connections > accepted(made):
        yield f"its servers and workers open up to {connections} connections, and its database accepts {accepted(made)}"


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
