"""What the Tasker packages of the Python frameworks share. Use the one of your framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._internal import core_import
from ._internal.lazy import attributes
from ._internal.metrics import registry as metrics_registry
from .batches import BatchContext, Checkpoint
from .client import StepInfo, SyncTaskerClient, Task, TaskerClient, TaskPage
from .errors import (
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
from .events import EVENTS, TaskerEvent, subscribe
from .handlers import (
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
from .log import TaskerLogFilter
from .outbox import Outbox, OutboxRelay
from .settings import TaskerSettings

if TYPE_CHECKING:
    from .errors import PermanentError, RetryableError
    from .handlers import BatchConfig, Decision, StepContext
else:
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

core_import.install()

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
    "TaskerTimeout",
    "TaskerUnavailable",
    "TaskerValidationError",
    "__version__",
    "api_handler",
    "batch_analyzer",
    "batch_worker",
    "current_step",
    "decision_handler",
    "metrics_registry",
    "step_handler",
    "subscribe",
]
