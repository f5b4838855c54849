"""The wheel and the sdist carry the generator templates; what is installed uses them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT.parent / "tasker-cli-plugin"
SHIPPED = {str(path.relative_to(PLUGIN)) for path in PLUGIN.glob("templates/*/*")} | {
    "tasker-plugin.toml"
}


def build(source: Path, target: str, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    [made] = out.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def names_in_wheel(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_from_the_checkout_and_from_the_sdist(sdist: Path, tmp_path: Path) -> None:
    direct = build(ROOT, "wheel", tmp_path / "direct")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    assert not (unpacked.parent / "tasker-cli-plugin").exists()
    second = build(unpacked, "wheel", tmp_path / "second")
    names = names_in_wheel(direct)
    assert names == names_in_wheel(second)
    assert {f"tasker_contrib/_plugin/{name}" for name in SHIPPED} <= names
    assert "tasker_contrib/py.typed" in names

    # What is installed has only what is in the wheel: no checkout beside it.
    site = tmp_path / "site"
    zipfile.ZipFile(direct).extractall(site)
    project = tmp_path / "project"
    project.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import tasker_contrib as package\n"
        f"assert package.__file__.startswith({str(site)!r}), package.__file__\n"
        "from tasker_contrib.cli import generate\n"
        "kind = generate.HandlerType.BASE\n"
        "for file in generate.handler('charge', kind, None, 'app.handlers'):\n"
        "    print(file.path)"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith("TASKER_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == ["app/handlers/charge.py", "tests/test_charge.py"]
