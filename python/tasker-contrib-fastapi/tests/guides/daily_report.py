"""Creates today's report. Run it as often as you like: a day has one report."""

import asyncio
import os
from datetime import datetime, timezone

from tasker_contrib_fastapi import TaskerClient, TaskerConflict


async def create_todays_report(client: TaskerClient) -> None:
    day = datetime.now(timezone.utc).date().isoformat()
    try:
        await client.create_task("daily_report", {"day": day}, namespace="reports")
    except TaskerConflict:
        print(f"the report of {day} exists already")


async def main() -> None:
    async with TaskerClient(os.environ["TASKER_ORCHESTRATION_URL"]) as client:
        await create_todays_report(client)


if __name__ == "__main__":
    asyncio.run(main())
