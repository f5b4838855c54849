"""Projects that others made, with the app added: they stay as they were, and a handler runs."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from importlib.util import find_spec
from pathlib import Path

import django
import pytest
from tasker_contrib.testing import TaskerStack

from ..support import environment, manage, program, running

pytestmark = pytest.mark.xdist_group("stack")

SETTINGS = """
INSTALLED_APPS = [*INSTALLED_APPS, "tasker_contrib_django"]
TASKER = {"HANDLERS": ["steps"], "TEMPLATES": TASKER_FOLDER}
"""
HANDLER = """
from typing import Any

from django.contrib.contenttypes.models import ContentType
from tasker_contrib_django import step_handler


@step_handler("real.count")
def count() -> dict[str, Any]:
    return {"content_types": ContentType.objects.count()}
"""
TEMPLATE = """
name: count
namespace_name: {namespace}
version: 1.0.0
description: Counts rows of the project

steps:
  - name: count
    handler:
      callable: real.count
    timeout_seconds: 30
"""
CREATE = (
    "import tasker_contrib_django as t; r = t.create_task('count', {}, namespace='%s'); "
    "e = t.client.wait(r.task_uuid); print('END', e.status, t.client.steps(e)[0].result)"
)


#: What makes each, before its folder, and which of its tests are run: all of Spirit's take minutes.
PROJECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
if django.VERSION >= (5,):  # the wagtail of the lock file supports no older one
    PROJECTS["wagtail"] = (("wagtail", "start", "site_of_others"), ())
# Spirit supports no newer Django, and the lock file has it for the Pythons that have no newer one.
if django.VERSION < (6,) and find_spec("spirit"):
    own_tests = ("spirit.topic.favorite", "spirit.comment.like")
    PROJECTS["spirit"] = (("spirit", "startproject", "site_of_others", "--path"), own_tests)


def make(folder: Path, name: str, *words: str) -> None:
    """Run the program that these projects bring for it."""
    folder.mkdir()
    path = f"{Path(program(name)).parent}{os.pathsep}{os.environ['PATH']}"  # it calls django-admin
    command = [program(name), *words, str(folder)]
    env = environment(PATH=path)
    done = subprocess.run(command, capture_output=True, env=env, text=True)
    assert done.returncode == 0, done.stderr


def findings(script: Path, tests: tuple[str, ...]) -> list[str]:
    """What the project's own commands say, without what differs from run to run."""
    said = []
    for words in (
        ("check",),
        ("makemigrations", "--check", "--dry-run"),
        ("showmigrations", "--plan"),
        ("test", *tests),
    ):
        done = manage(*words, script=script)
        text = re.sub(r"in \d+\.\d+s|/tmp/\S+", "", done.stdout + done.stderr)
        said.append(f"{words[0]}: {done.returncode}\n{text}")
    return said


@pytest.mark.parametrize(("words", "tests"), PROJECTS.values(), ids=PROJECTS)
def test_a_project_of_others(
    words: tuple[str, ...], tests: tuple[str, ...], tasker_stack: TaskerStack, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    make(folder, *words)
    settings, script = folder / "site_of_others/settings/dev.py", folder / "manage.py"
    # Only what the handler reads: all migrations of such a project take minutes.
    migrated = manage("migrate", "contenttypes", "-v", "0", script=script)
    assert migrated.returncode == 0, migrated.stderr
    before = findings(script, tests)
    assert before[-1].startswith("test: 0"), before
    assert not tests or re.search(r"Ran [1-9]\d* tests", before[-1]), before

    namespace = f"real_{secrets.token_hex(4)}"
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "count.yaml").write_text(TEMPLATE.format(namespace=namespace))
    (folder / "steps.py").write_text(HANDLER)
    with settings.open("a") as file:
        file.write(SETTINGS.replace("TASKER_FOLDER", repr(str(flows))))
    assert findings(script, tests) == before

    with running("tasker", "worker", "--no-reload", script=script, **tasker_stack.env) as worker:
        worker.wait_for("worker process .* is ready")
        done = manage("shell", "-c", CREATE % namespace, script=script, **tasker_stack.env)
        found = re.search(r"END complete \{'content_types': (\d+)\}", done.stdout)
        assert found, done.stdout + done.stderr + worker.log
        assert int(found[1]) >= 1  # a query on the database of the project
        assert worker.stop() == 0, worker.log
