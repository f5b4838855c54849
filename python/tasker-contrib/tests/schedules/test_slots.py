"""When schedules are due: the cases of all languages, and what holds in every zone."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_contrib.schedules import Schedule
from tasker_contrib.schedules.scheduler import slot_text

CASES = Path(__file__).parents[4] / "xtask/contract/schedule-cases/cases.json"
ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]


def schedule(**keys: Any) -> Schedule:
    return Schedule(name="s", task="ns/t", **keys)


@pytest.mark.parametrize("case", json.loads(CASES.read_text()), ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    keys = {key: case[key] for key in ("cron", "every", "time_zone") if key in case}
    after = datetime.fromisoformat(case["after"].replace("Z", "+00:00"))
    slots = itertools.islice(schedule(**keys).slots(after), len(case["slots"]))
    assert [slot_text(slot) for slot in slots] == case["slots"]


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_job_runs_once_on_each_day_of_ten_years(zone: str) -> None:
    begin = datetime(2020, 1, 1, tzinfo=ZoneInfo(zone))
    daily = schedule(cron="30 2 * * *", time_zone=zone)
    slots = itertools.takewhile(
        lambda slot: slot < datetime(2030, 1, 1, tzinfo=ZoneInfo(zone)), daily.slots(begin)
    )
    days = Counter(slot.astimezone(ZoneInfo(zone)).date() for slot in slots)
    assert set(days.values()) == {1}
    assert len(days) == 3653


@settings(deadline=None)
@given(
    line=st.sampled_from(["*/7 * * * *", "0 */5 * * *", "30 2 * * *", "15 1 1 * *", "0 0 * * 1-5"]),
    zone=st.sampled_from(ZONES),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(timezone.utc)),
)
def test_slots_ascend_and_do_not_depend_on_where_one_begins(
    line: str, zone: str, after: datetime
) -> None:
    entry = schedule(cron=line, time_zone=zone)
    slots = list(itertools.islice(entry.slots(after), 5))
    assert after < slots[0]
    assert slots == sorted(set(slots))
    for one, following in itertools.pairwise(slots):
        assert next(entry.slots(one)) == following
        assert next(entry.slots(following - timedelta(seconds=1))) == following
