"""A project made from the template passes its own checks, and a wrong request makes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from copying.finish import OLD, title
from tests_template.conftest import BIN, NAME, ROOT, Copy


def files(folder: Path) -> list[Path]:
    parts = ("__pycache__", "_cache")
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if not any(part in str(path) for part in parts)]


def run(project: Path, *command: str) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=project,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_has_the_old_name(project: Path) -> None:
    old = {OLD, OLD.replace("-", "_"), title(OLD), title(OLD).lower()}
    for path in files(project):
        text = path.read_text()
        assert not [name for name in old if name in text], path
    assert f'name = "{NAME}"' in (project / "pyproject.toml").read_text()
    assert f'title="{title(NAME)}"' in (project / "app/main.py").read_text()


def test_nothing_of_the_template_itself_is_left(project: Path) -> None:
    left = {path.name for path in project.iterdir()}
    assert not left & {"copier.yml", "copying", "tests_template", "proof", "requirements.dev.lock"}
    for name in ("pyproject.toml", "requirements.lock"):
        text = (project / name).read_text()
        assert not [
            word for word in ("copier", "xtask", "tool.uv", "template only") if word in text
        ]


def test_what_is_run_can_be_run(project: Path) -> None:
    for name in ("entrypoint", "setup"):
        assert os.access(project / "bin" / name, os.X_OK)


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "format", "--no-cache", "--check", "."],
        ["ruff", "check", "--no-cache", "."],
        # Packages are the same, so what mypy knows of them is.
        ["mypy", "--cache-dir", str(ROOT / ".mypy_cache")],
        ["pytest", "--no-cov", "-m", "not stack", "-p", "no:cacheprovider"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_project_passes_its_own_checks(project: Path, command: list[str]) -> None:
    run(project, *command)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "is not a name for a project"),
        ("Claims", "is not a name for a project"),
        ("a--b", "is not a name for a project"),
        ("x" * 41, "is not a name for a project"),
        ("", "is not a name for a project"),
        ("class", "is a reserved word"),
        ("tests", "is a reserved word"),
    ],
)
def test_a_wrong_name_makes_nothing(copy: Copy, tmp_path: Path, name: str, why: str) -> None:
    folder = tmp_path / "new"
    with pytest.raises(ValueError, match=why) as refused:
        copy(folder, name)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["README.md", ".env", "deep/notes.txt"])
def test_a_folder_with_files_is_left_alone(copy: Copy, tmp_path: Path, file: str) -> None:
    there = tmp_path / file
    there.parent.mkdir(exist_ok=True)
    there.write_text("mine")
    with pytest.raises(ValueError, match="exists and is not empty: name a folder"):
        copy(tmp_path, NAME)
    assert files(tmp_path) == [there]
    assert there.read_text() == "mine"


def test_a_file_is_left_alone(copy: Copy, tmp_path: Path) -> None:
    there = tmp_path / NAME
    there.write_text("mine")
    with pytest.raises(ValueError, match="exists and is not empty: name a folder"):
        copy(there, NAME)
    assert there.read_text() == "mine"
