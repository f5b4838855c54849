from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tasker_contrib_django._internal.generate import TEMPLATES, TYPES

from .support import environment, manage

SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "x"
INSTALLED_APPS = ["tasker_contrib_django", "shop"]
DATABASES = {}
USE_TZ = True
"""
MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """manage.py of a small project with the app `shop`, as `startapp` makes it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "shop/tests.py").write_text("# Create your tests here.\n")
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (tmp_path / "manage.py").write_text(MANAGE)
    return tmp_path / "manage.py"


def run(script: Path, *words: str, code: int = 0) -> str:
    done = manage(*words, script=script)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_generated_handlers_are_found_checked_and_tested(script: Path) -> None:
    folder = script.parent
    for kind in TYPES:
        run(script, "tasker_handler", f"do_{kind}", "--type", kind, "--namespace", "shop")
    assert (folder / "shop/step_handlers/__init__.py").exists()
    run(script, "tasker_template", "order", "--namespace", "shop", "--steps", "do_base")
    assert "shop.do_api" in run(script, "check")  # W002: no template names it yet
    tests = subprocess.run(
        [sys.executable, str(script), "test"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert tests.returncode == 0, tests.stderr
    assert "Ran 9 tests" in tests.stderr
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "100", "shop"]
    found = subprocess.run(lint, cwd=folder, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    style = [*lint[:3], "format", "--isolated", "--check", "--line-length", "100", "shop"]
    found = subprocess.run(style, cwd=folder, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_a_template_of_its_steps(script: Path) -> None:
    text = run(
        script, "tasker_template", "order", "--namespace", "shop", "--steps", "charge,ship:charge"
    )
    assert "create  config/tasks/order.yaml" in text
    assert "tasker.E003" in run(script, "tasker", "check", code=1)  # nobody handles the steps
    for step in ("charge", "ship"):
        run(script, "tasker_handler", step, "--namespace", "shop")
    assert "no issues" in run(script, "tasker", "check")


def test_nothing_is_lost(script: Path) -> None:
    target = script.parent / "shop/step_handlers/charge.py"
    assert "would create" in run(script, "tasker_handler", "charge", "--dry-run")
    assert not target.exists()
    run(script, "tasker_handler", "charge")
    assert "unchanged" in run(script, "tasker_handler", "charge")
    target.write_text("mine\n")
    refused = run(script, "tasker_handler", "charge", code=1)
    assert "exist with other content, nothing was written" in refused
    assert "skip" in run(script, "tasker_handler", "charge", "--skip")
    assert target.read_text() == "mine\n"
    assert "edited" in run(script, "tasker_handler", "charge", "--undo")
    assert target.exists()
    assert "overwrite" in run(script, "tasker_handler", "charge", "--force")
    assert "remove" in run(script, "tasker_handler", "charge", "--undo")
    assert not (script.parent / "shop/step_handlers").exists()
    assert "exclude each other" in run(
        script, "tasker_handler", "charge", "--force", "--skip", code=1
    )


def test_undo_keeps_the_package_of_other_handlers(script: Path) -> None:
    run(script, "tasker_handler", "charge")
    run(script, "tasker_handler", "ship")
    run(script, "tasker_handler", "charge", "--undo")
    assert (script.parent / "shop/step_handlers/__init__.py").exists()
    assert (script.parent / "shop/step_handlers/ship.py").exists()


def test_an_app_with_one_file_of_handlers(script: Path) -> None:
    (script.parent / "shop/step_handlers.py").write_text("# mine\n")
    text = run(script, "tasker_handler", "charge", code=1)
    assert "mkdir shop/step_handlers && git mv shop/step_handlers.py" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tasker_handler", "../x"), "is not valid"),
        (("tasker_handler", "class"), "a Python keyword"),
        (("tasker_handler", "x", "--namespace", "No"), "namespace 'No' is not valid"),
        (("tasker_handler", "x", "--app", "nothing"), "No installed app with label 'nothing'"),
        (("tasker_template", "x", "--steps", "a:b"), "which --steps does not define"),
    ],
)
def test_bad_names(script: Path, words: tuple[str, ...], message: str) -> None:
    assert message in run(script, *words, code=1)


def test_every_type_has_a_handler_and_a_test() -> None:
    names = {path.name for path in TEMPLATES.iterdir() if path.suffix == ".py-tpl"}
    assert names == {f"{kind}{part}.py-tpl" for kind in TYPES for part in ("", "_test")}
    _ = ast
