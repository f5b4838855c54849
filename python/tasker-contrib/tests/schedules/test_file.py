"""The file: what it may have, and one message for each mistake."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from tasker_contrib import TaskerConfigError
from tasker_contrib.schedules import load


def read(folder: Path, text: str) -> Any:
    path = folder / "schedules.yaml"
    path.write_text(text)
    return load(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(TaskerConfigError) as caught:
        read(folder, text)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_everything(tmp_path: Path) -> None:
    [report, tick] = read(
        tmp_path,
        """
report:
  task: reports/daily
  version: 2.0.0
  cron: "0 6 * * *"
  time_zone: Europe/Paris
  context: {region: eu}
  missed: all
  missed_within: 6h
  paused: true
tick: {task: ops/tick, every: 15m}
""",
    )
    assert (report.name, report.version, report.paused) == ("report", "2.0.0", True)
    assert report.window.total_seconds() == 6 * 3600
    assert (tick.version, tick.time_zone, tick.missed) == ("1.0.0", "UTC", "one")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('cron: "0 6 * *"', "cron: '0 6 * *' must have five fields: minute, hour, "),
        ('cron: "99 6 * * *"', "cron: '99 6 * * *' is not a cron line: "),
        ('cron: "0 0 30 2 *"', "cron: '0 0 30 2 *' is not a cron line: Bad day"),
        ("every: 15", "every: Input should be a valid string, not 15"),
        ("every: fortnight", "every: 'fortnight' is not a time span; write for example 90s"),
        ("every: 0s", "every: '0s' is not a time span"),
        ("corn: x", "corn: unknown key; did you mean 'cron'?"),
        ('cron: "0 6 * * *"\n  every: 1h', " give either cron or every"),
        ("missed: one", " give either cron or every"),
        ("every: 1h\n  time_zone: Europe/Paris", " time_zone belongs to cron"),
        (
            'cron: "0 6 * * *"\n  time_zone: Europe/Pairs',
            "time_zone: 'Europe/Pairs' is not a time zone",
        ),
        (
            'cron: "0 6 * * *"\n  time_zone: ../etc/passwd',
            "time_zone: '../etc/passwd' is not a time zone",
        ),
        ("every: 1h\n  missed: two", "missed: Input should be 'skip', 'one' or 'all', not 'two'"),
        ("every: 1h\n  version: 1.0", "version: Input should be a valid string, not 1.0"),
        (
            "every: 1h\n  context: {scheduled_for: x}",
            " context.scheduled_for is the slot's time",
        ),
    ],
)
def test_a_mistake_is_one_message(tmp_path: Path, keys: str, problem: str) -> None:
    found = problems(tmp_path, f"s:\n  task: ns/t\n  {keys}\n")
    assert any(f"schedules.yaml: s.{problem}" in text or problem in text for text in found), found


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = "a: {task: t, every: 1h}\nb: {every: 1h}\nc: 7\n"
    assert problems(tmp_path, text) == [
        "schedules.yaml: a.task: 't' must be namespace/name",
        "schedules.yaml: b.task: Field required",
        "schedules.yaml: c: must have keys, such as task and cron",
    ]


@pytest.mark.parametrize(
    ("text", "problem"), [("a: [", "is not YAML"), ("", "must have a schedule's name at the top")]
)
def test_a_file_that_is_none(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems(tmp_path, text)[0]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TaskerConfigError, match=r"no\.yaml: cannot be read \(No such file"):
        load(tmp_path / "no.yaml")


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *args: Any) -> Any:
        if name == "cronsim":
            raise ModuleNotFoundError(name)
        return imported(name, *args)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert "install the extra [schedules]" in problems(tmp_path, "s: {task: a/b, every: 1h}")[0]
