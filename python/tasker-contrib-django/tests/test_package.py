"""What installing the app does to a project: nothing, until something is asked for."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import tasker_contrib_django

from .support import PROJECT, environment

SOURCES = Path(tasker_contrib_django.__file__).parent
LARGEST = 300


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT.parents[1],
        env=environment(DJANGO_SETTINGS_MODULE="tests.project.settings"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_setup_starts_no_thread_and_imports_no_handler() -> None:
    code = """
import json, sys, threading
before = threading.active_count()
import django
django.setup()
handlers = [name for name in sys.modules if name.endswith("step_handlers")]
handlers += [name for name in sys.modules if name.startswith("tasker_core")]
print(json.dumps([threading.active_count() - before, handlers]))
"""
    assert json.loads(python(code)) == [0, []]


def test_setup_reads_no_settings_of_ours() -> None:
    # So wrong ones are a message of `manage.py check`, and not a traceback of every command.
    code = """
import django
from django.conf import settings
settings.TASKER = {"NOTHING": 1}
django.setup()
print("fine")
"""
    assert python(code) == "fine\n"


def test_a_process_that_only_creates_tasks_needs_no_native_library() -> None:
    code = """
import sys
sys.modules["tasker_core"] = None  # importing it fails
import django
django.setup()
from django.test import Client
import tasker_contrib_django as tasker
import httpx
from tasker_contrib_django.client import clients
answer = {"task_uuid": "t-1", "name": "a", "namespace": "n", "version": "1", "status": "pending"}
clients.transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answer))
assert Client().get("/tasker/live").status_code == 200
print(tasker.create_task("a", {"n": 1}).task_uuid)
"""
    assert python(code).splitlines()[-1] == "t-1"


def modules() -> dict[str, Path]:
    found = {}
    for path in SOURCES.rglob("*.py"):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        found[".".join(("tasker_contrib_django", *parts)).removesuffix(".__init__")] = path
    return found


def test_imports_form_a_directed_acyclic_graph() -> None:
    known = modules()
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        wanted: set[str] = set()
        for node in ast.parse(path.read_text()).body:  # what is imported in functions is lazy
            if not isinstance(node, ast.ImportFrom):
                continue
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            submodules = {f"{base}.{alias.name}" for alias in node.names} & known.keys()
            wanted |= submodules or {base}
        graph[name] = {other for other in wanted if other in known and other != name}
    list(TopologicalSorter(graph).static_order())


def test_no_file_is_too_long() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in modules().values()}
    assert {name: n for name, n in lengths.items() if n > LARGEST} == {}


def test_public_names_exist_and_are_sorted() -> None:
    names = tasker_contrib_django.__all__
    assert all(hasattr(tasker_contrib_django, name) for name in names)
    assert names == sorted(
        names, key=lambda n: (not n.isupper(), n.startswith("_") or n[0].islower(), n)
    )
