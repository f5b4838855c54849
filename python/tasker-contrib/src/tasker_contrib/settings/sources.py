"""Where settings come from."""

from __future__ import annotations

import os
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from .._internal.toml import read_toml
from ..errors import TaskerConfigError
from .sections import flat
from .variables import DEFAULT_FILE, FILE_VARIABLE, PLAIN_VARIABLES, variable_of

collected_sources: ContextVar[list[tuple[str, dict[str, Any]]] | None] = ContextVar(
    "tasker_settings_sources", default=None
)

#: What the arguments are called in messages.
option_label: ContextVar[str] = ContextVar("tasker_settings_option", default="option")


class Noted(PydanticBaseSettingsSource):
    """Passes a source on and keeps what it said."""

    def __init__(
        self, settings_cls: type[BaseSettings], label: str, inner: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._label = label
        self._inner = inner

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """As the inner source."""
        return self._inner.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """The values, by group."""
        values = self._inner()
        collected = collected_sources.get()
        if collected is not None:
            collected.append((self._label, values))
        return values


class PlainVariables(PydanticBaseSettingsSource):
    """`DATABASE_URL` and `TASKER_ORCHESTRATION_URL`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the source answers as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values, by group."""
        values: dict[str, Any] = {}
        for variable, name in PLAIN_VARIABLES.items():
            if variable in os.environ:
                section, key = name.split(".")
                values.setdefault(section, {})[key] = os.environ[variable]
        return values


class SettingsFile(PydanticBaseSettingsSource):
    """The TOML file."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path, required: bool) -> None:
        super().__init__(settings_cls)
        self._path = path
        self._required = required

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the source answers as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values, by group."""
        if not self._path.is_file():
            if self._required:
                raise TaskerConfigError(
                    f"{FILE_VARIABLE} names {str(self._path)!r}, which is not a file; "
                    "correct the path or unset the variable"
                )
            return {}
        return read_toml(self._path)


def settings_file() -> tuple[Path, bool]:
    """The TOML file, and whether it was named, so that it has to exist."""
    named = os.environ.get(FILE_VARIABLE)
    return (Path(named), True) if named else (Path(DEFAULT_FILE), False)


def sources_of(collected: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """Map each dotted name to the first source that has it."""
    found: dict[str, str] = {}
    for label, values in collected:
        plain = {
            key: value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value
            for key, value in values.items()
        }
        for name, _ in flat(plain):
            text = f"environment {variable_of(name)}" if label == "environment" else label
            found.setdefault(name, text)
    return found
