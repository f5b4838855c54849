"""The template, and a project made from it outside of this repository."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import copier
import pytest

ROOT = Path(__file__).parents[1]
REPOSITORY = ROOT.parents[1]
BIN = Path(sys.executable).parent
NAME = "claims-desk"

Copy = Callable[[Path, str], None]


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """`copier copy`, without a process for each."""
    template = tmp_path_factory.mktemp("template") / ROOT.name
    # As in a fresh clone: Copier looks at every file of an environment, too, and takes its time.
    left_out = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", ".coverage*")
    shutil.copytree(ROOT, template, ignore=left_out)

    def run(folder: Path, name: str) -> None:
        data = {"project_name": name}
        copier.run_copy(str(template), folder, data=data, defaults=True, unsafe=True, quiet=True)

    return run


@pytest.fixture(scope="session")
def project(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / NAME
    copy(folder, NAME)
    return folder
