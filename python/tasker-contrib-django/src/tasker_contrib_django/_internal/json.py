"""What may be a task's context or a step's result: JSON, and no rows of a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models


def find_model(value: Any, place: str = "") -> tuple[str, Any] | None:
    """The first model instance or query set in lists and dicts, and where it is."""
    if isinstance(value, (models.Model, models.QuerySet)):
        return place, value
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = enumerate(value)
    for key, item in items:
        found = find_model(item, f"{place}[{key!r}]")
        if found is not None:
            return found
    return None


def complaint(found: tuple[str, Any], holder: str) -> str:
    """What is wrong with it, and what to do.

    Args:
        found: what `find_model` returned.
        holder: has it, such as "the context".
    """
    place, value = found
    if isinstance(value, models.Model):
        what, advice = f"the model instance {type(value).__name__}(pk={value.pk!r})", "its key"
    else:
        what, advice = f"a query set of {value.model.__name__}", "the keys"
    where = f" at {place}" if place else ""
    return (
        f"{holder} has {what}{where}, which cannot be stored as JSON, and the row may change "
        f"before the next step reads it: pass {advice}, and query it where it is needed"
    )
