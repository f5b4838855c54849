"""The decision off / client / worker, and the back-off of templates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tasker_contrib import TaskerSettings
from tasker_contrib._internal.backoff import delay_ms, seconds
from tasker_contrib._internal.mode import ProcessFacts, decide, decision

READY = {"database_configured": True, "templates_exist": True}


@pytest.mark.parametrize(
    ("setting", "env", "facts", "mode", "reason"),
    [
        ("off", "worker", {"standalone": True}, "off", "setting mode is 'off'"),
        ("worker", "off", {"testing": True}, "worker", "setting mode is 'worker'"),
        (None, "client", READY, "client", "TASKER_MODE is 'client'"),
        ("auto", "off", READY, "off", "TASKER_MODE is 'off'"),
        (None, None, {**READY, "standalone": True}, "worker", "`tasker worker`"),
        (None, "worker", {"standalone": True}, "worker", "this is a process of `tasker worker`"),
        ("client", "worker", {"standalone": True}, "client", "setting mode is 'client'"),
        (None, "auto", {**READY, "forked_from": 7}, "client", "forked from process 7"),
        (None, None, {**READY, "testing": True}, "client", "pytest is running"),
        (None, None, {"templates_exist": True}, "client", "DATABASE_URL is not set"),
        (None, None, {"database_configured": True}, "client", "'config/tasks' does not exist"),
        (None, None, READY, "worker", "a database and task templates are configured"),
    ],
)
def test_decide(
    setting: str | None, env: str | None, facts: dict[str, Any], mode: str, reason: str
) -> None:
    decided, why = decide(setting, env, ProcessFacts(**facts))
    assert decided == mode
    assert reason in why


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("DATABASE_URL=postgresql://u:p@h/d", True),
        ("export DATABASE_URL = postgresql://u:p@h/d", True),
        ("# DATABASE_URL=postgresql://u:p@h/d", False),
        ("DATABASE_URL=", False),
        ("OTHER=1", False),
    ],
)
def test_a_file_of_variables_that_nobody_read_is_named(
    line: str, hint: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "pytest")
    (tmp_path / ".env").write_text(f"A=1\n{line}\n")
    decided = decision(TaskerSettings())
    assert decided.mode == "client"
    assert decided.reason.startswith("no database.url: DATABASE_URL is not set")
    assert decided.reason.endswith("; .env has it: start with --env-file .env") is hint


@pytest.mark.parametrize(
    ("retry", "delays"),
    [
        (None, [1000, 2000, 4000, 8000, 16000, 30000]),
        ({}, [1000, 2000, 4000]),
        ({"backoff": "none"}, [0, 0]),
        ({"backoff": "linear", "backoff_base_ms": 500}, [500, 1000, 1500]),
        ({"backoff": "fibonacci", "backoff_base_ms": 100}, [100, 100, 200, 300, 500]),
        ({"backoff_base_ms": 100, "max_backoff_ms": 300}, [100, 200, 300, 300]),
        ({"backoff": None, "backoff_base_ms": None, "max_backoff_ms": None}, [1000, 2000]),
    ],
)
def test_delays(retry: dict[str, Any] | None, delays: list[int]) -> None:
    assert [delay_ms(retry, attempt) for attempt in range(1, len(delays) + 1)] == delays


def test_seconds_are_rounded_up_and_the_handler_counts_more() -> None:
    assert seconds({"backoff_base_ms": 1100}, 1, None) == 2
    assert seconds({"backoff_base_ms": 1}, 1, None) == 1
    assert seconds({"backoff_base_ms": 60000}, 1, 2.5) == 3
    assert seconds(None, 1, 0) == 0
