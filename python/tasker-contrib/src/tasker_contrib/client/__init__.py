"""Clients of the orchestration server's REST API. They need no native worker.

Core's own `TaskerClient` works only where a worker runs, and stops the whole interpreter during
each call; these are for request handlers.

Example:
    ```python
    async with TaskerClient("http://127.0.0.1:8080") as client:
        task = await client.create_task("ship", {"order_id": 7}, namespace="shop")
        ended = await client.wait(task)
    ```
"""

from __future__ import annotations

from .async_ import TaskerClient
from .models import END_STATES, StepInfo, Task, TaskPage
from .records import (
    Bottlenecks,
    DeadLetter,
    DeadLetterStats,
    Investigation,
    Performance,
    StaleTask,
    StepAudit,
    TaskSummary,
    TemplateDetail,
    TemplateInfo,
)
from .sync import SyncTaskerClient

__all__ = [
    "END_STATES",
    "Bottlenecks",
    "DeadLetter",
    "DeadLetterStats",
    "Investigation",
    "Performance",
    "StaleTask",
    "StepAudit",
    "StepInfo",
    "SyncTaskerClient",
    "Task",
    "TaskPage",
    "TaskSummary",
    "TaskerClient",
    "TemplateDetail",
    "TemplateInfo",
]
