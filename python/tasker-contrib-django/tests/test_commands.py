from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from tasker_contrib._internal.recovery import Recovery

from tasker_contrib_django.management.commands import tasker as tasker_command
from tasker_contrib_django.testing import CreatedTask, FakeTasker

from .support import manage


def call(*words: str) -> str:
    out = io.StringIO()
    call_command("tasker", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def task(fake_tasker: FakeTasker) -> CreatedTask:
    made = CreatedTask("order", "shop", "1.0.0", {"order_id": 1}, {})
    made.add_step("charge", "complete")
    made.add_step("pack", "error")
    made.add_step("ship", "error")
    fake_tasker.created.append(made)
    return made


def test_retry_all_that_failed_or_one(fake_tasker: FakeTasker, task: CreatedTask) -> None:
    assert call("retry", task.task_uuid, "ship", "--reason", "fixed", "--by", "ada") == (
        "step ship: pending\n"
    )
    assert fake_tasker.actions[0][2] == {
        "action_type": "reset_for_retry",
        "reason": "fixed",
        "reset_by": "ada",
    }
    assert call("retry", task.task_uuid) == "step pack: pending\n"
    with pytest.raises(CommandError, match=r"no step of task .* has failed"):
        call("retry", task.task_uuid)


def test_resolve_with_and_without_a_result(fake_tasker: FakeTasker, task: CreatedTask) -> None:
    assert call("resolve", task.task_uuid, "pack") == "step pack: resolved_manually\n"
    assert (
        call("resolve", task.task_uuid, "ship", "--result", '{"a": 1}') == "step ship: complete\n"
    )
    assert fake_tasker.actions[1][2]["completion_data"] == {"result": {"a": 1}}


def test_cancel_and_what_does_not_exist(task: CreatedTask) -> None:
    assert call("cancel", task.task_uuid).endswith(": cancelled\n")
    with pytest.raises(CommandError, match="'x' is not the UUID of a task"):
        call("cancel", "x")
    with pytest.raises(CommandError, match="the task has no step 'shipp'; its steps: charge, pack"):
        call("retry", task.task_uuid, "shipp")


def test_dead_letters(fake_tasker: FakeTasker) -> None:
    assert call("dlq") == "nothing is waiting for somebody to look at it\n"
    fake_tasker.dead_letters = [
        {
            "dlq_entry_uuid": "e",
            "task_uuid": "t",
            "original_state": "steps_in_process",
            "dlq_reason": "StalenessTimeout",
            "resolution_status": "Pending",
            "dlq_timestamp": "2026-01-01T00:00:00",
        }
    ]
    assert "t  StalenessTimeout  was steps_in_process  Pending" in call("dlq")
    assert json.loads(call("dlq", "--json"))[0]["task_uuid"] == "t"


def test_config_explain_masks_secrets_and_names_the_source() -> None:
    value = {"DATABASE": {"URL": "postgresql://a:geheim@db:5432/t"}, "WORKER": {"CONCURRENCY": 3}}
    with override_settings(TASKER=value):
        text = call("config", "explain")
        rows = {row["name"]: row for row in json.loads(call("config", "explain", "--json"))}
    assert "geheim" not in text
    assert rows["worker.concurrency"]["source"] == "settings.TASKER"
    assert "postgresql://a:" in rows["database.url"]["value"]


def test_check_says_what_this_process_is() -> None:
    assert call("check").endswith(
        'mode: off (tests are running; use the fake client, or set TASKER["MODE"] = "client")\n'
    )
    with override_settings(TASKER={"NOTHING": 1}), pytest.raises(CommandError, match="E001"):
        call("check")


def test_check_says_when_nobody_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def look(url: str) -> Recovery:
        asked.append(url)
        return Recovery(False, "is not installed")

    monkeypatch.setattr(tasker_command, "look_for_recovery", look)
    url = "postgresql://a:b@127.0.0.1:9/t"
    with override_settings(TASKER={"DATABASE": {"URL": url}}):
        assert "recovery: is not installed\n" in call("check")
    assert asked == [url]
    assert "recovery" not in call("check")  # a process that only creates tasks has no database


def test_health_has_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    value: dict[str, Any] = {"MODE": "client"}
    value["ORCHESTRATION"] = {"URL": "http://127.0.0.1:9", "MAX_RETRIES": 0}
    out = io.StringIO()
    with override_settings(TASKER=value), pytest.raises(SystemExit) as ended:
        call_command("tasker", "health", stdout=out)
    assert ended.value.code == 1
    assert "orchestration: failed http://127.0.0.1:9 does not answer" in out.getvalue()


def test_the_worker_refuses_to_start_with_one_message() -> None:
    with pytest.raises(CommandError, match=r'TASKER\["DATABASE"\]\["URL"\] is not set'):
        call("worker")
    done = manage("tasker", "worker", DATABASE_URL="postgres://a:b@127.0.0.1/t")
    assert done.returncode == 1
    assert "tasker.E001" in done.stderr
    assert "postgresql://a:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistyped_verb() -> None:
    done = manage("tasker", "wroker")
    assert done.returncode == 2
    assert "worker" in done.stderr
    assert "Traceback" not in done.stderr
    assert manage("tasker", "worker", "--processes", "0").returncode == 2


def test_schedules(
    fake_tasker: FakeTasker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text('report: {task: reports/daily, cron: "0 6 * * *", time_zone: Europe/Paris}\n')
    words = ("--file", str(path))
    assert re.fullmatch(
        r"report  reports/daily 1\.0\.0  next \d{4}-\d\d-\d\d 06:00:00\+0\d:00 Europe/Paris\n",
        call("schedule", "list", *words),
    )
    with pytest.raises(CommandError, match=r"has no schedule 'reprt'; did you mean 'report'\?"):
        call("schedule", "now", "reprt", *words)
    with pytest.raises(CommandError, match="`now` takes the name of a schedule"):
        call("schedule", "now", *words)
    path.write_text("report: {task: reports/daily, every: often}\n")
    with pytest.raises(CommandError, match=r"report\.every: 'often' is not a time span"):
        call("schedule", "list", *words)


def test_the_schedules_are_beside_manage_py(tmp_path: Path) -> None:
    with (
        override_settings(BASE_DIR=tmp_path),
        pytest.raises(CommandError, match=f"{tmp_path}/schedules.yaml: cannot be read"),
    ):
        call("schedule", "list")
