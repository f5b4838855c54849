"""What is published: the wheel, built from the sdist, in a fresh environment from the lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "tasker-contrib"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def uv() -> str | None:
    tools = [p for parent in ROOT.parents for p in parent.glob(".xtask/tools/uv-*/**/uv")]
    found = [str(p) for p in tools if p.is_file() and os.access(p, os.X_OK)]
    return shutil.which("uv") or next(iter(found), None)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("dist"))


def built(root: Path, folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=root)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    source = next(path for path in folder.iterdir() if path.is_dir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=source)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_types_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "tasker_contrib_fastapi/py.typed" in names
    assert "tasker_contrib_fastapi/cli/skeleton/app/main.py.j2" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_wheel_asks_for_the_shared_package_by_version(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        lines = archive.read(name).decode().splitlines()
    needs = [line for line in lines if line.startswith("Requires-Dist: tasker-contrib")]
    assert "Requires-Dist: tasker-contrib~=0.1.0" in needs
    assert not [line for line in needs if "@" in line or "/" in line]


def test_the_wheel_works_in_a_fresh_environment_from_the_lock(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    python = environment / "bin" / "python"
    lock = ROOT / "requirements.lock"
    tool = uv()
    if tool is not None:
        install = [tool, "pip", "install", "-q", "--python", str(python)]
        run(tool, "venv", "-q", "--python", sys.executable, environment)
    else:
        install = [str(python), "-m", "pip", "install", "-q"]
        run(sys.executable, "-m", "venv", environment)
    run(*install, "--require-hashes", "-r", lock)
    run(*install, "--no-deps", built(SHARED, tmp_path), wheel)
    code = (
        "import tasker_contrib_fastapi as t, tasker_contrib_fastapi.testing, fastapi;"
        "fastapi.FastAPI(lifespan=t.lifespan()).include_router(t.router(tasks=True));"
        "print(t.__file__)"
    )
    assert str(environment) in run(python, "-c", code, cwd=tmp_path)
    command = environment / "bin" / "tasker"
    assert "worker" in run(command, "--help", cwd=tmp_path)
    project = tmp_path / "shop"
    run(command, "init", project, cwd=tmp_path)
    run(command, "generate", "handler", "charge", cwd=project)
    assert (project / "app/handlers/charge.py").is_file()
    plugins = run(python, "-m", "pytest", "--fixtures", "-q", cwd=tmp_path)
    assert "tasker_stack" in plugins
