"""Recurring tasks from one file, without a leader and without state (extra `[schedules]`).

The time of a slot is part of the context, and Core creates a task with the same context only once.
So any number of schedulers may run, and a slot that was missed can be made up for at any time.

Example:
    ```yaml
    # schedules.yaml
    nightly_report:
      task: reports/daily_report
      cron: "0 6 * * *"
      time_zone: Europe/Paris
    ```
"""

from __future__ import annotations

from .file import Schedule, load
from .scheduler import Scheduler, create_now

__all__ = ["Schedule", "Scheduler", "create_now", "load"]
