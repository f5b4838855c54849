"""Settings of Tasker in an app: names an app's developer expects, written through to Core's keys.

Values come from, in this order: arguments, environment (`TASKER_…`, nested names joined by `__`),
`DATABASE_URL` and `TASKER_ORCHESTRATION_URL`, a TOML file (`TASKER_SETTINGS_FILE`, or `tasker.toml`
in the working directory), Core's defaults.

Example:
    ```python
    settings = TaskerSettings(
        database={"url": "postgresql://app:secret@db:5432/app", "pool_size": 20},
        handlers=["shop.handlers"],
        core={"common.mpsc_channels.event_publisher.event_queue_buffer_size": 2000},
    )
    ```
"""

from __future__ import annotations

from .explain import Explained
from .model import TaskerSettings
from .sections import (
    OUR_DEFAULTS,
    DatabaseSettings,
    OrchestrationSettings,
    QueueSettings,
    WorkerSettings,
)
from .variables import PLAIN_VARIABLES

__all__ = [
    "OUR_DEFAULTS",
    "PLAIN_VARIABLES",
    "DatabaseSettings",
    "Explained",
    "OrchestrationSettings",
    "QueueSettings",
    "TaskerSettings",
    "WorkerSettings",
]
