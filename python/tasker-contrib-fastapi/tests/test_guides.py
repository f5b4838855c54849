"""The files that docs/guides/run-a-job-every-day.md quotes do what it says."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
import yaml
from tasker_contrib.schedules import load

from tasker_contrib_fastapi import TaskerClient, step_handler
from tasker_contrib_fastapi.templates import check_templates
from tests.guides.daily_report import create_todays_report

GUIDES = Path(__file__).parent / "guides"


def create(status: int) -> list[dict[str, object]]:
    """Creates today's report at a server that answers with `status`; the requests it got."""
    bodies: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if status != 200:
            return httpx.Response(status, json={"error": {"code": "X", "message": "m"}})
        task = {"task_uuid": "01a20b62-a65a-7d56-8f80-2c60f95d2b82", "status": "pending"}
        return httpx.Response(200, json=bodies[-1] | task)

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with TaskerClient("http://tasker", transport=transport) as client:
            await create_todays_report(client)

    asyncio.run(main())
    return bodies


def test_the_day_makes_the_report_unique(capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(timezone.utc).date().isoformat()
    (body,) = create(200)
    after = datetime.now(timezone.utc).date().isoformat()
    assert (body["namespace"], body["name"], body["version"]) == (
        "reports",
        "daily_report",
        "1.0.0",
    )
    assert body["context"] in ({"day": before}, {"day": after})
    assert capsys.readouterr().out == ""


def test_a_second_report_of_the_day_is_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(create(409)) == 1
    assert re.fullmatch(r"the report of \d{4}-\d\d-\d\d exists already\n", capsys.readouterr().out)


def test_the_template_is_valid(tmp_path: Path, clean_registry: None) -> None:
    @step_handler("reports.collect")
    def collect() -> None: ...

    @step_handler("reports.send")
    def send() -> None: ...

    (tmp_path / "daily_report.yaml").write_text((GUIDES / "daily_report.yaml").read_text())
    report = check_templates(tmp_path)
    assert (report.errors, report.warnings) == ([], [])


def test_the_schedules_can_be_read() -> None:
    report, rates = load(GUIDES / "schedules.yaml")
    assert (report.cron, report.time_zone, report.missed) == ("0 6 * * *", "Europe/Paris", "one")
    assert (rates.every, rates.missed) == ("15m", "skip")


def test_the_cron_job_runs_the_script_and_never_on_the_wrong_day() -> None:
    job = yaml.safe_load((GUIDES / "cronjob.yaml").read_text())["spec"]
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"][0] == "python"
    script = (GUIDES / container["command"][1]).read_text()
    assert all(f'os.environ["{variable["name"]}"]' in script for variable in container["env"])
    # The script takes the day from the clock, in UTC: a late start must not reach the next one.
    minute, hour, *rest = job["schedule"].split()
    assert (job["timeZone"], rest) == ("Etc/UTC", ["*", "*", "*"])
    assert int(hour) * 3600 + int(minute) * 60 + job["startingDeadlineSeconds"] < 24 * 3600
