"""A generated project lints, type-checks, and its tests pass, and fail when it is broken."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tasker_contrib_fastapi.cli.app import run
from tasker_contrib_fastapi.cli.project import next_steps

# Kept between runs: a cold type check of FastAPI and pydantic takes most of a minute.
MYPY_CACHE = Path(__file__).parents[2] / ".mypy_cache" / "generated"

HANDLERS = {"charge_card": "base", "fetch_rate": "api", "decide": "decision", "add_up": "batchable"}

# What a slip of the hand would do to each handler; its generated test must notice.
BREAK = {
    "charge_card": ("done=True", "done=False"),
    "fetch_rate": ('f"/items/{item_id}"', 'f"/item/{item_id}"'),
    "decide": ("score >= threshold", "score > threshold"),
    "add_up": ("batch.start : batch.end]", "batch.start : batch.end - 1]"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("generated") / "My Shop"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TASKER_CTL", raising=False)
        patch.setenv("PATH", "/usr/bin:/bin")
        assert run(["init", "--framework", "fastapi", str(root)]) == 0
        patch.chdir(root)
        for name, kind in HANDLERS.items():
            command = ["generate", "handler", name, "--type", kind, "--namespace", "my_shop"]
            assert run(command) == 0
        assert (
            run(["generate", "template", "daily", "--steps", "charge_card,decide:charge_card"]) == 0
        )
        (root / "config/tasks/daily.yaml").unlink()
    return root


def tool(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, capture_output=True, text=True, check=False
    )


def test_it_is_linted_and_formatted(project: Path) -> None:
    strict = ["check", "--select", "E,W,N,RUF,PT", "."]
    documented = ["check", "--select", "D1", "app"]
    for arguments in (["check", "."], strict, documented, ["format", "--check", "."]):
        done = tool(project, "ruff", *arguments, "--no-cache")
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_type_checks_strictly(project: Path) -> None:
    done = tool(project, "mypy", "--strict", "--cache-dir", str(MYPY_CACHE))
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tests_pass(project: Path) -> None:
    done = tool(project, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tests_fail_when_a_handler_is_broken(project: Path, tmp_path: Path) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(project, broken)
    for name, (good, bad) in BREAK.items():
        file = broken / f"app/handlers/{name}.py"
        text = file.read_text()
        assert text.count(good) == 1
        file.write_text(text.replace(good, bad))
    report = tmp_path / "report.xml"
    tool(broken, "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}")
    failed = {
        case.get("classname", "").removeprefix("tests.test_")
        for case in ET.parse(report).iter("testcase")
        if case.find("failure") is not None
    }
    assert failed == set(BREAK)


def test_it_says_how_to_get_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = "cargo install --path ops/dev-server --locked"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install in next_steps(tmp_path)
    (tmp_path / "tasker-dev").touch(0o755)
    assert install not in next_steps(tmp_path)
    assert "tasker-dev up" in next_steps(tmp_path)


def test_names_come_from_the_folder(project: Path) -> None:
    assert 'name = "my-shop"' in (project / "pyproject.toml").read_text()
    assert "namespace_name: my_shop" in (project / "config/tasks/count_words.yaml").read_text()
    assert (project / ".gitignore").read_text().startswith(".venv/")
    assert (project / ".env.example").is_file()
