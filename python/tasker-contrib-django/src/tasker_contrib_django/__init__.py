"""Tasker workflows in Django. Documented use: `import tasker_contrib_django as tasker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasker_contrib._internal.lazy import attributes
from tasker_contrib.client import DeadLetter, StepInfo, Task, TaskPage
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
from tasker_contrib.events import EVENTS, TaskerEvent
from tasker_contrib.handlers import (
    BatchContext,
    BatchResults,
    Checkpoint,
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

from .client import AsyncClient, Client, aclient, client
from .tasks import TaskRequest, acreate_task, create_task

if TYPE_CHECKING:
    from tasker_contrib.errors import PermanentError, RetryableError
    from tasker_contrib.handlers import BatchConfig, Decision, StepContext
else:
    # Core's own, so they load its native library: only when a handler uses one.
    __getattr__ = attributes(
        __name__,
        {
            "PermanentError": "tasker_contrib.errors",
            "RetryableError": "tasker_contrib.errors",
            "BatchConfig": "tasker_contrib.handlers",
            "Decision": "tasker_contrib.handlers",
            "StepContext": "tasker_contrib.handlers",
        },
    )

__version__ = "0.1.0"

__all__ = [
    "EVENTS",
    "AsyncClient",
    "BatchConfig",
    "BatchContext",
    "BatchResults",
    "Checkpoint",
    "Client",
    "Config",
    "DeadLetter",
    "Decision",
    "HandlerImportError",
    "IdempotencyKey",
    "Input",
    "PermanentError",
    "Result",
    "RetryableError",
    "StepContext",
    "StepInfo",
    "Task",
    "TaskPage",
    "TaskRequest",
    "TaskerBackpressure",
    "TaskerClientError",
    "TaskerConfigError",
    "TaskerConflict",
    "TaskerContribError",
    "TaskerEvent",
    "TaskerLogFilter",
    "TaskerNotFound",
    "TaskerPermissionError",
    "TaskerServerError",
    "TaskerStartError",
    "TaskerTimeout",
    "TaskerUnavailable",
    "TaskerValidationError",
    "__version__",
    "aclient",
    "acreate_task",
    "api_handler",
    "batch_analyzer",
    "batch_worker",
    "client",
    "create_task",
    "current_step",
    "decision_handler",
    "step_handler",
]
