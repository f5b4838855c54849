"""Checks the JSON Schemas inside a template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema

from .model import CheckReport


def check_schema(path: Path, name: str, schema: Any, report: CheckReport) -> None:
    """Report a schema that is not one."""
    if schema is None:
        return
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as problem:
        report.errors.append(f"{path}: {name} is not a valid JSON Schema: {problem.message}")
