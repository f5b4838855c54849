"""Checks that files and steps share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from .._internal.names import did_you_mean
from .model import CheckReport


def check_keys(where: str, value: Mapping[str, Any], known: set[str], report: CheckReport) -> None:
    """Report keys that Core would ignore."""
    for key in value:
        if key not in known:
            report.errors.append(
                f"{where}: unknown key {key!r}, which Core would ignore"
                f"{did_you_mean(str(key), known)}"
            )


def check_schema(path: Path, name: str, schema: Any, report: CheckReport) -> None:
    """Report a schema that is not one."""
    if schema is None:
        return
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as problem:
        report.errors.append(f"{path}: {name} is not a valid JSON Schema: {problem.message}")
