"""What an app has of Tasker while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .mode import Mode

if TYPE_CHECKING:
    from ..client import TaskerClient
    from ..settings import TaskerSettings
    from .runtime import Runtime


@dataclass(frozen=True)
class TaskerState:
    """What the lifespan leaves in `request.state.tasker`.

    Attributes:
        mode: off, client or worker.
        settings: as given or read.
        client: None when the mode is off.
        runtime: the worker; None in other modes.
    """

    mode: Mode
    settings: TaskerSettings
    client: TaskerClient | None
    runtime: Runtime | None
