"""Models with aliases: what one step stores, the next one must be able to read."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.version import VERSION

_CAN_USE_NAMES = tuple(map(int, VERSION.split(".")[:2])) >= (2, 11)


def dumped(value: BaseModel) -> Any:
    """A model as JSON, in the names by which it is validated."""
    return dump(TypeAdapter(type(value)), value)


def dump(adapter: TypeAdapter[Any], value: Any) -> Any:
    """A value as JSON, in the names by which it is validated."""
    by_name = adapter.dump_python(value, mode="json")
    if "alias" not in repr(adapter.core_schema):
        return by_name
    by_alias = adapter.dump_python(value, mode="json", by_alias=True)
    if by_name == by_alias or not _fits(adapter, by_alias):
        return by_name
    return by_alias


def validate(adapter: TypeAdapter[Any], value: Any) -> Any:
    """Validate a value by its aliases or, where pydantic can, by the names of the fields.

    Raises:
        ValidationError: it fits neither.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError:
        if not _CAN_USE_NAMES or "alias" not in repr(adapter.core_schema):
            raise
        try:
            return adapter.validate_python(value, by_alias=True, by_name=True)
        except ValidationError:
            pass
        raise


def _fits(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
