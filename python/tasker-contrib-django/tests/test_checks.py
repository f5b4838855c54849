from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.core.checks import run_checks
from django.db import transaction
from django.test import override_settings

from tasker_contrib_django import Input, checks, step_handler


def ids(**kwargs: Any) -> list[str]:
    return [str(message.id) for message in run_checks(tags=["tasker"], **kwargs)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder of task templates."""
    with override_settings(TASKER={"TEMPLATES": str(tmp_path)}):
        yield tmp_path


def test_the_project_has_no_errors() -> None:
    assert ids() == []


def test_wrong_settings_are_one_error_each_with_a_hint() -> None:
    with override_settings(TASKER={"NOTHING": 1, "WORKR": {}}):
        found = run_checks(tags=["tasker"])
    assert [message.id for message in found] == ["tasker.E001", "tasker.E001"]
    assert all(message.hint for message in found)
    assert "did you mean 'WORKER'" in found[1].msg


def test_a_module_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_handlers.py").write_text("import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with override_settings(TASKER={"HANDLERS": ["broken_handlers", "not_there"]}):
        found = run_checks(tags=["tasker"])
    assert [message.id for message in found] == ["tasker.E002", "tasker.E002"]
    assert "needs 'nothing_of_that_name', which is not installed" in found[0].msg
    assert "'not_there' does not exist" in found[1].msg


def test_steps_without_handler_and_names_with_two(folder: Path, clean_registry: None) -> None:
    (folder / "a.yaml").write_text(
        "name: a\nnamespace_name: shop\nversion: 1.0.0\nsteps:\n"
        "  - {name: one, handler: {callable: shop.nobody}, timeout_seconds: 5}\n"
    )
    for where in ("first", "second"):
        module = types.ModuleType(where)
        code = (
            "from tasker_contrib_django import step_handler\n"
            f"@step_handler('shop.twice')\ndef {where}(): ...\n"
        )
        exec(compile(code, where, "exec"), module.__dict__)
    found = [str(message.msg) for message in run_checks(tags=["tasker"]) if message.level >= 40]
    assert any("shop.nobody" in text for text in found), found
    assert any("shop.twice" in text and "first" in text for text in found), found


def test_no_handlers_and_no_templates_is_a_project_that_does_not_use_it(
    clean_registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "autodiscover", lambda: None)
    with override_settings(TASKER={"TEMPLATES": "/nowhere"}):
        assert ids() == []


def test_async_handlers_under_atomic_requests(
    clean_registry: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @step_handler("good")
    def good(a: Annotated[int, Input("a")]) -> None: ...

    @step_handler("bad")
    async def bad() -> None: ...

    @step_handler("exempt")
    @transaction.non_atomic_requests
    async def exempt() -> None: ...

    assert checks._async_and_atomic() == []
    from django.db import connections

    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    [found] = checks._async_and_atomic()
    assert found.id == "tasker.E004"
    assert "the handler 'bad'" in found.msg


@pytest.mark.parametrize(
    ("orchestration", "expected"),
    [
        ({}, ["tasker.W003", "tasker.W004"]),
        ({"URL": "http://tasker:8080"}, ["tasker.W004"]),
        ({"URL": "http://tasker:8080", "API_KEY": "k"}, ["tasker.W005"]),
        ({"URL": "http://127.0.0.1:8080", "API_KEY": "k"}, []),
        ({"URL": "https://tasker", "TOKEN": "t"}, []),
    ],
)
def test_deployment(orchestration: dict[str, str], expected: list[str]) -> None:
    with override_settings(TASKER={"ORCHESTRATION": orchestration}):
        found = run_checks(tags=["tasker"], include_deployment_checks=True)
        assert [message.id for message in found] == expected
        assert all(message.hint for message in found)
        assert run_checks(tags=["tasker"]) == []
    assert "step_handlers" not in sys.modules
