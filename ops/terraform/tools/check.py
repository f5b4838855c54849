"""Tests the modules and examples of one cloud, or of Datadog: `check.py FOLDER`. It reaches no cloud, and ends with `tests: N passed, N failed`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import contract
import graph
import inputs
import policy
import providers


def required_providers(folder: Path) -> list[str]:
    """The sources of the providers that a folder's modules name, as Terraform writes them: in lower case."""
    return sorted({source.lower() for source in re.findall(r'source\s*=\s*"(\w+/[a-z]+)"', (folder / "versions.tf").read_text())})


def run(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[bool, str]:
    """Runs Terraform and shows what it says; whether it succeeded, and what it said."""
    print(f"$ {' '.join(words)}  # in {folder}", flush=True)
    process = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        print(line, end="", flush=True)
    return process.wait() == 0, "".join(said)


def invalid(terraform: str, folder: Path, environment: dict[str, str]) -> int:
    """How many of the folder and its examples are not valid."""
    folders = [*sorted((folder / "examples").iterdir()), folder]
    return sum(
        not run([terraform, "init", "-no-color", "-input=false", "-backend=false"], each, environment)[0]
        or not run([terraform, "validate", "-no-color"], each, environment)[0]
        for each in folders
    )


def main(folder: Path) -> int:
    terraform = shutil.which("terraform")
    if terraform is None:
        print("error: terraform is not on PATH\nfix: `cargo xtask doctor` says how to get it", file=sys.stderr)
        return 1
    passed = failed = 0
    try:
        with providers.attached(required_providers(folder), terraform) as environment:
            failed += invalid(terraform, folder, environment)
            _, said = run([terraform, "test", "-no-color"], folder, environment)
            closing = re.search(r"^(?:Success|Failure)! (\d+) passed, (\d+) failed", said, re.M)
            passed += int(closing.group(1)) if closing else 0
            failed += int(closing.group(2)) if closing else 1
            for checked in (policy, graph):
                held, broken = checked.check(terraform, folder, environment)
                passed, failed = passed + held, failed + broken
            if folder.name in inputs.CLOUDS:
                kept, differing = contract.check()
                passed, failed = passed + kept, failed + differing
            documented = inputs.main(["--check"]) == 0
            passed, failed = passed + documented, failed + (not documented)
    except providers.Missing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    print(f"tests: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
