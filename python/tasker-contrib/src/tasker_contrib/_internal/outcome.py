"""What one execution of a handler ended with, whatever the style of the handler."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails, to_jsonable_python
from tasker_core import StepHandlerResult
from tasker_core.errors import PermanentError, RetryableError
from tasker_core.errors import TaskerError as CoreTaskerError

PERMANENT = "permanent_error"
RETRYABLE = "retryable_error"
VALIDATION = "validation_error"
TIMEOUT = "timeout"
HANDLER = "handler_error"
NOT_FOUND = "handler_not_found"

_BACKTRACE_FRAMES = 40


@dataclass(frozen=True)
class Failure:
    """Why a step failed. `retry_after` is in seconds; it is what the handler asked for, if so."""

    message: str
    error_type: str = HANDLER
    retryable: bool = True
    error_code: str | None = None
    retry_after: float | None = None
    backtrace: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CheckpointData:
    """Progress of a batch worker, to be stored before the step is called again."""

    cursor: Any
    items_processed: int
    accumulated: Any = None


@dataclass(frozen=True)
class StepOutcome:
    """The end of one execution: exactly one of success, failure and checkpoint.

    Attributes:
        result: JSON object stored as the step's result (success only).
        failure: set when the handler failed.
        checkpoint: set when a batch worker asked to be called again.
        metadata: extra JSON values, stored under `metadata.custom`.
    """

    result: dict[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    checkpoint: CheckpointData | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """True when the step completed."""
        return self.failure is None and self.checkpoint is None


def failed(
    message: str,
    error_type: str = HANDLER,
    *,
    retryable: bool,
    error_code: str | None = None,
    retry_after: float | None = None,
    backtrace: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> StepOutcome:
    return StepOutcome(
        failure=Failure(
            message=message,
            error_type=error_type,
            retryable=retryable,
            error_code=error_code,
            retry_after=retry_after,
            backtrace=backtrace or [],
        ),
        metadata=metadata or {},
    )


def validation_text(kind: str, errors: list[ErrorDetails]) -> str:
    """Describe pydantic errors with their paths; input values are left out: they may be secret."""
    parts = []
    for error in errors:
        path = ".".join(str(part) for part in error["loc"]) or "(value)"
        parts.append(f"{path}: {error['msg']}")
    return f"{kind} is not valid: " + "; ".join(parts)


def from_exception(error: BaseException) -> StepOutcome:
    """Classify an exception the same way for every style of handler."""
    message = str(error) or type(error).__name__
    if isinstance(error, CoreTaskerError):
        if isinstance(error, PermanentError):
            error_type, retryable = PERMANENT, False
        elif isinstance(error, RetryableError):
            error_type, retryable = RETRYABLE, True
        else:
            error_type, retryable = HANDLER, bool(error.retryable)
        known = ("error_code", "retry_after")
        return failed(
            message,
            error_type,
            retryable=retryable,
            error_code=_text(error.error_code),
            retry_after=_seconds(error.retry_after),
            backtrace=_backtrace(error) if retryable else None,
            metadata={k: v for k, v in error.metadata.items() if k not in known},
        )
    return failed(
        f"{type(error).__name__}: {message}",
        HANDLER,
        retryable=True,
        backtrace=_backtrace(error),
    )


def from_value(value: Any) -> StepOutcome:
    """Turn what a handler of Core's own styles returned into an outcome."""
    if isinstance(value, StepHandlerResult):
        return from_core_result(value)
    return success(value)


def success(value: Any, metadata: dict[str, Any] | None = None) -> StepOutcome:
    """Serialise a result. Values that JSON cannot hold are a permanent failure."""
    try:
        result = as_result(value)
        # The native layer turns NaN into null and refuses the rest late; say it here, by name.
        json.dumps(result, allow_nan=False)
    except (ValueError, TypeError) as error:
        return failed(f"the result cannot be stored as JSON: {error}", VALIDATION, retryable=False)
    return StepOutcome(result=result, metadata=metadata or {})


def as_result(value: Any) -> dict[str, Any]:
    """Core stores objects: None becomes {}, anything that is not an object {"result": value}."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    else:
        value = to_jsonable_python(value)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    return {"result": value}


def from_core_result(value: StepHandlerResult) -> StepOutcome:
    metadata = dict(value.metadata or {})
    if metadata.get("checkpoint_yield") is True:
        data = value.result or {}
        return StepOutcome(
            checkpoint=CheckpointData(
                cursor=data.get("cursor"),
                items_processed=int(data.get("items_processed") or 0),
                accumulated=data.get("accumulated_results"),
            )
        )
    if value.is_success:
        return success(value.result, metadata)
    trace = str(metadata.pop("traceback", None) or "")
    error_type = str(getattr(value.error_type, "value", value.error_type) or HANDLER)
    retryable = bool(value.retryable)
    if metadata.get("exception_type") == "ValidationError" and "in _inject_args" in trace:
        # Core's DSL reports an input that does not fit its model as retryable; it never will fit.
        error_type, retryable = VALIDATION, False
    return failed(
        value.error_message or "the handler reported a failure without a message",
        error_type,
        retryable=retryable,
        error_code=_text(value.error_code) or _text(metadata.pop("error_code", None)),
        retry_after=_seconds(metadata.pop("retry_after", None)),
        backtrace=trace.splitlines(),
        metadata=metadata,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _seconds(value: Any) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    return None


def _backtrace(error: BaseException) -> list[str]:
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return lines.splitlines()[-_BACKTRACE_FRAMES:]
