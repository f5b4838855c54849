"""Reads TOML, and writes the small part of it that a rendered configuration needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..errors import TaskerConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a file.

    Raises:
        TaskerConfigError: unreadable or not TOML.
    """
    try:
        with path.open("rb") as file:
            content: dict[str, Any] = tomllib.load(file)
            return content
    except OSError as error:
        raise TaskerConfigError(f"{path} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise TaskerConfigError(f"{path} is not valid TOML: {error}") from None


def write_toml(values: dict[str, Any]) -> str:
    """Render dotted keys as sections, in the given order."""
    sections: dict[str, list[str]] = {}
    for path, value in values.items():
        section, _, key = path.rpartition(".")
        sections.setdefault(section, []).append(f"{key} = {_literal(value)}")
    return (
        "\n\n".join("\n".join([f"[{section}]", *lines]) for section, lines in sections.items())
        + "\n"
    )


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    # Core replaces ${NAME} in the raw text of the file (and aborts on names it does not know), so
    # no dollar sign may be seen there. TOML's basic strings share JSON's escapes.
    return json.dumps(str(value)).replace("\x7f", "\\u007f").replace("$", "\\u0024")
