"""What one execution of a handler ended with, whatever the style of the handler."""

from __future__ import annotations

import math
import traceback
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails, to_jsonable_python
from tasker_core import StepHandlerResult
from tasker_core.errors import PermanentError, RetryableError
from tasker_core.errors import TaskerError as CoreTaskerError

from .aliases import dumped
from .storable import problem_of, storable_text

PERMANENT = "permanent_error"
RETRYABLE = "retryable_error"
VALIDATION = "validation_error"
TIMEOUT = "timeout"
HANDLER = "handler_error"
NOT_FOUND = "handler_not_found"

_BACKTRACE_FRAMES = 40
_LONGEST_TEXT = 1000
_LONGEST_WAIT_SECONDS = 365 * 86400


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
    """A failure that can be stored, whatever is in the texts and in the metadata."""
    return StepOutcome(
        failure=Failure(
            message=storable_text(message),
            error_type=storable_text(error_type),
            retryable=retryable,
            error_code=None if error_code is None else storable_text(error_code),
            retry_after=retry_after,
            backtrace=[storable_text(line) for line in backtrace or []],
        ),
        metadata=storable_metadata(metadata),
    )


def validation_text(kind: str, errors: list[ErrorDetails]) -> str:
    """Describe pydantic errors with their paths; input values are left out: they may be secret."""
    parts = []
    for error in errors:
        path = ".".join(str(part) for part in error["loc"]) or "(value)"
        parts.append(f"{path}: {error['msg']}")
    return f"{kind} is not valid: " + "; ".join(parts)


def text_of(error: BaseException) -> str:
    """The message of an exception, also of one whose `str()` fails."""
    name = type(error).__name__
    try:
        return str(error) or name
    except BaseException as problem:
        return f"{name} (its text cannot be had: {type(problem).__name__})"


def from_exception(error: BaseException) -> StepOutcome:
    """Classify an exception the same way for every style of handler. Never raises."""
    message = text_of(error)
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        # sys.exit() in a handler must fail that step, not stop the worker.
        return failed(f"the handler raised {type(error).__name__}", retryable=True)
    if isinstance(error, CoreTaskerError):
        if isinstance(error, PermanentError):
            error_type, retryable = PERMANENT, False
        elif isinstance(error, RetryableError):
            error_type, retryable = RETRYABLE, True
        else:
            error_type, retryable = HANDLER, bool(error.retryable)
        known = ("error_code", "retry_after")
        metadata = error.metadata if isinstance(error.metadata, dict) else {}
        return failed(
            message,
            error_type,
            retryable=retryable,
            error_code=_text(error.error_code),
            retry_after=_seconds(error.retry_after),
            backtrace=_backtrace(error) if retryable else None,
            metadata={k: v for k, v in metadata.items() if k not in known},
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
    """Serialise a result. Values that JSON or Core cannot hold are a permanent failure."""
    try:
        result = as_result(value)
        problem = problem_of(result)
    except Exception as error:  # a model's own serialiser may raise anything
        problem = text_of(error)
    if problem is not None:
        text = f"the result cannot be stored as JSON: {problem}"
        return failed(text, VALIDATION, retryable=False)
    return StepOutcome(result=result, metadata=storable_metadata(metadata))


def checkpointed(cursor: Any, items_processed: Any, accumulated: Any) -> StepOutcome:
    """Serialise a batch worker's progress. What cannot be stored is a permanent failure."""
    try:
        data = to_jsonable_python({"cursor": cursor, "accumulated": accumulated})
        done = int(items_processed or 0)
        problem = problem_of(data)
    except Exception as error:
        problem = text_of(error)
    if problem is not None:
        text = f"the checkpoint cannot be stored as JSON: {problem}"
        return failed(text, VALIDATION, retryable=False)
    return StepOutcome(checkpoint=CheckpointData(data["cursor"], done, data["accumulated"]))


def storable_metadata(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Metadata without what cannot be stored: it goes along, and must not be what fails."""
    stored: dict[str, Any] = {}
    for key, value in (metadata or {}).items():
        try:
            plain = to_jsonable_python(value, serialize_unknown=True)
            if problem_of(plain) is not None:
                plain = storable_text(repr(plain))[:_LONGEST_TEXT]
        except Exception:
            plain = f"({type(value).__name__}, which cannot be stored as JSON)"
        stored[storable_text(_text(key) or "")] = plain
    return stored


def as_result(value: Any) -> dict[str, Any]:
    """Core stores objects: None becomes {}, anything that is not an object {"result": value}."""
    value = dumped(value) if isinstance(value, BaseModel) else to_jsonable_python(value)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    return {"result": value}


def from_core_result(value: StepHandlerResult) -> StepOutcome:
    metadata = dict(value.metadata or {})
    if metadata.get("checkpoint_yield") is True:
        data = value.result or {}
        return checkpointed(
            data.get("cursor"), data.get("items_processed"), data.get("accumulated_results")
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
    if value is None or isinstance(value, str):
        return value
    try:
        return str(value)
    except BaseException:
        return type(value).__name__


def _seconds(value: Any) -> float | None:
    """A number of seconds that a handler asked for; None for what is not one."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    if not math.isfinite(value) or value < 0:
        return None
    return float(min(value, _LONGEST_WAIT_SECONDS))


def _backtrace(error: BaseException) -> list[str]:
    try:
        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except BaseException:  # it needs the texts of the error and of its causes
        lines = "".join(traceback.format_tb(error.__traceback__))
    return lines.splitlines()[-_BACKTRACE_FRAMES:]
