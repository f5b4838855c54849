"""Tasker workflows in FastAPI. Documented use: `import tasker_contrib_fastapi as tasker`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tasker_contrib
from tasker_contrib import metrics_registry
from tasker_contrib.batches import BatchContext, Checkpoint
from tasker_contrib.client import StepInfo, SyncTaskerClient, Task, TaskerClient, TaskPage
from tasker_contrib.errors import (
    HandlerImportError,
    TaskerBackpressure,
    TaskerClientError,
    TaskerConfigError,
    TaskerConflict,
    TaskerContribError,
    TaskerNotFound,
    TaskerPermissionError,
    TaskerServerError,
    TaskerStartError,
    TaskerTimeout,
    TaskerUnavailable,
    TaskerValidationError,
)
from tasker_contrib.events import EVENTS, TaskerEvent, subscribe
from tasker_contrib.handlers import (
    BatchResults,
    Config,
    IdempotencyKey,
    Input,
    Result,
    api_handler,
    batch_analyzer,
    batch_worker,
    current_step,
    decision_handler,
    step_handler,
)
from tasker_contrib.log import TaskerLogFilter
from tasker_contrib.outbox import Outbox, OutboxRelay
from tasker_contrib.settings import TaskerSettings

from .lifespan import TaskerClientDep, TaskerState, get_client, lifespan
from .problems import install_problem_handlers
from .router import router

if TYPE_CHECKING:
    from tasker_contrib.errors import PermanentError, RetryableError
    from tasker_contrib.handlers import BatchConfig, Decision, StepContext
else:
    # Names of Core, which processes that only create tasks do without.
    _LAZY = {"BatchConfig", "Decision", "PermanentError", "RetryableError", "StepContext"}

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(tasker_contrib, name)


__version__ = "0.1.0"

__all__ = [
    "EVENTS",
    "BatchConfig",
    "BatchContext",
    "BatchResults",
    "Checkpoint",
    "Config",
    "Decision",
    "HandlerImportError",
    "IdempotencyKey",
    "Input",
    "Outbox",
    "OutboxRelay",
    "PermanentError",
    "Result",
    "RetryableError",
    "StepContext",
    "StepInfo",
    "SyncTaskerClient",
    "Task",
    "TaskPage",
    "TaskerBackpressure",
    "TaskerClient",
    "TaskerClientDep",
    "TaskerClientError",
    "TaskerConfigError",
    "TaskerConflict",
    "TaskerContribError",
    "TaskerEvent",
    "TaskerLogFilter",
    "TaskerNotFound",
    "TaskerPermissionError",
    "TaskerServerError",
    "TaskerSettings",
    "TaskerStartError",
    "TaskerState",
    "TaskerTimeout",
    "TaskerUnavailable",
    "TaskerValidationError",
    "__version__",
    "api_handler",
    "batch_analyzer",
    "batch_worker",
    "current_step",
    "decision_handler",
    "get_client",
    "install_problem_handlers",
    "lifespan",
    "metrics_registry",
    "router",
    "step_handler",
    "subscribe",
]
