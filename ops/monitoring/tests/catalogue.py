"""The catalogue, and the programs of Debian that the tests use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import tomli

UNIT = Path(__file__).resolve().parents[1]
ROOT = UNIT.parents[1]
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a file of the catalogue."""
    (found,) = tomli.loads((UNIT / f"catalogue/{name}.toml").read_text()).values()
    return list(found)


ALERTS = rows("alerts")
RULES = rows("rules")
DASHBOARDS = [tomli.loads(path.read_text()) for path in sorted((UNIT / "catalogue/dashboards").glob("*.toml"))]
SETTINGS = tomli.loads((UNIT / "catalogue/settings.toml").read_text())


def metrics() -> dict[str, dict[str, Any]]:
    """Every metric, those of the queries included, by name."""
    found = {row["name"]: row for row in rows("metrics")}
    for query in rows("queries"):
        for value in query["values"]:
            name = f"tasker_{query['name']}_{value['name']}"
            found[name] = {"name": name, "kind": "gauge", "labels": query["labels"], "from": "postgres"}
    return found


def program(name: str) -> str:
    """A program of Debian's Prometheus packages: on PATH, or unpacked below `.xtask` by `proof/programs-of-debian`."""
    script = UNIT / "proof/programs-of-debian"
    found = shutil.which(name)
    if found:
        return found
    folder = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True, env=os.environ).stdout.strip()
    return f"{folder}/{name}"
