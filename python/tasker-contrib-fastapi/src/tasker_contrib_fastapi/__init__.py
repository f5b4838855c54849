"""Tasker workflows in FastAPI. Documented use: `import tasker_contrib_fastapi as tasker`."""

from __future__ import annotations

from tasker_contrib import metrics_registry
from tasker_contrib.batches import BatchContext, Checkpoint
from tasker_contrib.client import StepInfo, Task, TaskerClient, TaskPage
from tasker_contrib.errors import (
    HandlerImportError,
    PermanentError,
    RetryableError,
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
    BatchConfig,
    BatchResults,
    Config,
    Decision,
    Input,
    Result,
    StepContext,
    api_handler,
    batch_analyzer,
    batch_worker,
    current_step,
    decision_handler,
    step_handler,
)
from tasker_contrib.log import TaskerLogFilter
from tasker_contrib.settings import TaskerSettings

from .lifespan import TaskerClientDep, TaskerState, lifespan
from .problems import install_problem_handlers
from .router import router

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
    "Input",
    "PermanentError",
    "Result",
    "RetryableError",
    "StepContext",
    "StepInfo",
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
    "install_problem_handlers",
    "lifespan",
    "metrics_registry",
    "router",
    "step_handler",
    "subscribe",
]
