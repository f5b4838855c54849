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
    if not _has_aliases(adapter):
        return by_name
    by_alias = adapter.dump_python(value, mode="json", by_alias=True)
    try:
        read = adapter.dump_python(adapter.validate_python(by_alias), mode="json")
    except ValidationError:
        return by_name
    # A field with a default would be read as that, without an error.
    return by_alias if read == by_name else by_name


def validate(adapter: TypeAdapter[Any], value: Any) -> Any:
    """Validate a value by its aliases and, where pydantic can, by the names of the fields.

    Raises:
        ValidationError: it does not fit.
    """
    if _CAN_USE_NAMES and _has_aliases(adapter):
        return adapter.validate_python(value, by_alias=True, by_name=True)
    return adapter.validate_python(value)


def _has_aliases(adapter: TypeAdapter[Any]) -> bool:
    return "alias" in repr(adapter.core_schema)
