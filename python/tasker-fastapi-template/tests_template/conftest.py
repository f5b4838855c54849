"""The template, and a project made from it outside of this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REPOSITORY = ROOT.parents[1]
BIN = Path(sys.executable).parent
NAME = "claims-desk"

Copy = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Runs `copier copy` with a folder and a name."""
    template = tmp_path_factory.mktemp("template") / ROOT.name
    # As in a fresh clone: Copier looks at every file, also of an environment that it then leaves out.
    left_out = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", ".coverage*")
    shutil.copytree(ROOT, template, ignore=left_out)

    def run(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
        words = ["copy", "--trust", "--defaults", "--quiet", "--data", f"project_name={name}"]
        return subprocess.run(
            [str(BIN / "copier"), *words, str(template), str(folder)],
            # No settings of the person who runs this.
            env={"PATH": os.environ["PATH"], "HOME": str(template.parent)},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="session")
def project(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / NAME
    done = copy(folder, NAME)
    assert done.returncode == 0, done.stderr
    return folder
