"""Builds the real ``StepContext`` that Core would hand to a handler."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from tasker_core import FfiStepEvent, StepContext

from ..batches import Checkpoint

Handlerlike = str | Callable[..., Any]
Cursor = tuple[int, int] | Mapping[str, Any]

NO_OP_BATCH_ID = "000"


def handler_name(handler: Handlerlike) -> str:
    """The name that templates call ``handler`` by.

    Args:
        handler: A name, a decorated function, or one of Core's handler classes.
    """
    if isinstance(handler, str):
        return handler
    ours = getattr(handler, "__tasker_handler__", None)
    if ours is not None:
        return str(ours.name)
    core = getattr(handler, "_handler_class", handler)
    name = getattr(core, "handler_name", None) or getattr(handler, "__name__", None)
    return str(name or "handler")


def step_context(
    handler: Handlerlike = "handler",
    *,
    context: Mapping[str, Any] | BaseModel | None = None,
    results: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    attempts: int = 0,
    max_attempts: int = 3,
    cursor: Cursor | None = None,
    no_op: bool = False,
    checkpoint: Checkpoint | Mapping[str, Any] | None = None,
    step_name: str | None = None,
    template_step_name: str | None = None,
    idempotency_key: str | None = None,
) -> StepContext:
    """Build the context of one step execution.

    Values go through JSON, as they do in production: a handler sees text for a date.

    Args:
        handler: The handler's name, or the decorated function.
        context: The task context, what ``POST /tasks`` gave.
        results: Results of ancestor steps by step name; models and dataclasses are serialised.
        config: ``handler.initialization`` of the template.
        attempts: Attempts before this one: 0 is the first.
        max_attempts: Attempts allowed in all.
        cursor: Makes it a batch worker's step: ``(start, end)``, or Core's cursor object with
            ``batch_id``, ``start_cursor``, ``end_cursor``, ``batch_size``.
        no_op: The placeholder that Core runs when an analyzer found nothing to do.
        checkpoint: What the last execution of this batch worker stored.
        step_name: The step's name; the handler's name when left out.
        template_step_name: The step of the template, for a batch worker's instance.
        idempotency_key: The step's UUID; a new one when left out.

    Returns:
        Core's own object; hand it to ``run_step`` or to a handler that takes one.

    Raises:
        TypeError: a value cannot be written as JSON.

    Example:
        >>> context = step_context("shop.charge", context={"amount": 5}, attempts=1)
        >>> context.get_input("amount"), context.is_retry()
        (5, True)
    """
    initialization = dict(config or {})
    inputs = dict(initialization)
    if no_op:
        cursor = {"batch_id": NO_OP_BATCH_ID, "start_cursor": 0, "end_cursor": 0, "batch_size": 0}
    if cursor is not None:
        inputs |= {"cursor": _cursor(cursor), "batch_metadata": {}, "is_no_op": no_op}
    if isinstance(checkpoint, Checkpoint):
        checkpoint = {
            "cursor": checkpoint.cursor,
            "items_processed": checkpoint.items_processed,
            "accumulated_results": checkpoint.accumulated,
        }
    return build(
        handler_name(handler),
        context=context or {},
        results=results or {},
        initialization=initialization,
        inputs=inputs,
        attempts=attempts,
        max_attempts=max_attempts,
        checkpoint=checkpoint,
        step_name=step_name,
        template_step_name=template_step_name,
        idempotency_key=idempotency_key,
    )


def build(
    name: str,
    *,
    context: Any,
    results: Mapping[str, Any],
    initialization: Mapping[str, Any],
    inputs: Mapping[str, Any],
    attempts: int,
    max_attempts: int,
    checkpoint: Mapping[str, Any] | None,
    step_name: str | None,
    template_step_name: str | None,
    idempotency_key: str | None,
) -> StepContext:
    """Put a context together the way Core's worker receives it."""
    step = step_name or name
    template_step = template_step_name or step
    event = FfiStepEvent(
        event_id=_new(),
        task_uuid=_new(),
        step_uuid=idempotency_key or _new(),
        correlation_id=_new(),
        task_sequence_step={
            "task": {"task": {"context": _json(context)}},
            "dependency_results": {key: {"result": _json(value)} for key, value in results.items()},
            "step_definition": {
                "name": template_step,
                "handler": {"callable": name, "initialization": _json(initialization)},
            },
            "workflow_step": {
                "name": step,
                "template_step_name": template_step,
                "attempts": attempts,
                "max_attempts": max_attempts,
                "inputs": _json(inputs),
                "checkpoint": None if checkpoint is None else _json(checkpoint),
            },
        },
    )
    return StepContext.from_ffi_event(event, name)


def _cursor(cursor: Cursor) -> dict[str, Any]:
    if isinstance(cursor, Mapping):
        return dict(cursor)
    start, end = cursor
    return {
        "batch_id": "001",
        "start_cursor": start,
        "end_cursor": end,
        "batch_size": end - start,
    }


def _json(value: Any) -> Any:
    try:
        return to_jsonable_python(value)
    except ValueError as error:  # pydantic's PydanticSerializationError is one
        raise TypeError(f"not a JSON value: {error}") from error


def _new() -> str:
    return str(uuid.uuid4())
