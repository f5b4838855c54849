"""The context of a task as JSON that the server can store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from .._internal.storable import problem_of
from ..errors import TaskerValidationError


def task_context(context: Mapping[str, Any] | BaseModel | None) -> dict[str, Any]:
    """Serialise a context.

    Raises:
        TaskerValidationError: it is not a JSON object that can be stored.
    """
    if context is None:
        return {}
    try:
        value = to_jsonable_python(context)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise TaskerValidationError(f"the context is not JSON: {error}", code="CONTEXT") from None
    if not isinstance(value, dict):
        raise TaskerValidationError("the context must be a JSON object")
    problem = problem_of(value)
    if problem is not None:
        text = f"the context cannot be stored: {problem}"
        raise TaskerValidationError(text, code="CONTEXT", errors=[problem])
    return value
