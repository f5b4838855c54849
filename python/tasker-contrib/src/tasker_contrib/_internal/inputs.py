"""The values of a handler's parameters that come from the task and its template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..batches import batch_context, batch_results
from . import outcome as outcomes
from .aliases import validate
from .markers import BatchResults, Config, IdempotencyKey, Input, Result
from .signature import Signature, Source

if TYPE_CHECKING:
    from tasker_core import StepContext


class BadInput(Exception):
    """An input of the handler is missing or does not fit its type."""


def arguments_of(signature: Signature, context: StepContext) -> dict[str, Any]:
    """Read and validate all of them.

    Raises:
        BadInput: one is missing or does not fit.
    """
    arguments = {source.name: value_of(source, context) for source in signature.sources}
    if signature.context_name:
        arguments[signature.context_name] = context
    if signature.batch_name:
        batch = batch_context(context)
        if batch is None:
            raise BadInput("the step has no cursor: is its `type` batch_worker in the template?")
        arguments[signature.batch_name] = batch
    return arguments


def value_of(source: Source, context: StepContext) -> Any:
    """Read and validate one parameter."""
    marker = source.marker
    if isinstance(marker, Input):
        if marker.key is None:
            return _validated(source, context.input_data, "the task context")
        label = f"the task context, key {marker.key!r},"
        if marker.key not in context.input_data:
            return _default(source, f"{label} is missing")
        return _validated(source, context.input_data[marker.key], label)
    if isinstance(marker, Config):
        label = f"handler.initialization key {marker.key!r}"
        if marker.key not in context.step_config:
            return _default(source, f"{label} is missing in the template")
        return _validated(source, context.step_config[marker.key], label)
    if isinstance(marker, BatchResults):
        label = f"the results of {marker.key!r}"
        found = batch_results(context, marker.key)
        try:
            return _validated(source, found, label)
        except BadInput:
            if found and all(_wrapped(item) for item in found):
                return _validated(source, [item["result"] for item in found], label)
            raise
    if isinstance(marker, IdempotencyKey):
        return _validated(source, str(context.step_uuid), "the step's UUID")
    assert isinstance(marker, Result)
    label = f"the result of step {marker.key!r}"
    if marker.key not in context.dependency_results:
        return _default(source, f"{label} does not exist (is it an ancestor of this step?)")
    value = context.get_dependency_result(marker.key)
    try:
        checked = _validated(source, value, label)
        # None is stored as {}, which a model may take for itself with all its defaults.
        nothing = value == {} and source.optional and not isinstance(checked, Mapping)
        return None if nothing else checked
    except BadInput:
        # What is not an object is stored as one; see outcome.as_result.
        if value == {} and source.optional:
            return None
        if _wrapped(value):
            return _validated(source, value["result"], label)
        raise


def _wrapped(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"result"}


def _default(source: Source, problem: str) -> Any:
    if source.required:
        raise BadInput(problem)
    return source.default


def _validated(source: Source, value: Any, label: str) -> Any:
    try:
        return validate(source.adapter, value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise BadInput(outcomes.validation_text(label, details)) from error
