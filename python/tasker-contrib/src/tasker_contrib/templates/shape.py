"""Checks keys, types and values of a template by the JSON Schema that all packages share.

Core ignores what it does not know, and drops the whole file for a wrong type.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema

from .._internal.names import did_you_mean

_LONGEST = 60


def shape_problems(raw: Mapping[str, Any]) -> list[str]:
    """What does not fit the schema, one sentence each.

    Example:
        `step 'a': retry.max_attempts = 0 must be a whole number, 1 to 100`
    """
    errors = sorted(_validator().iter_errors(raw), key=lambda error: str(error.json_path))
    found = (sentence for error in errors for sentence in _sentences(raw, error))
    return list(dict.fromkeys(found))


@cache
def _validator() -> Any:
    text = resources.files(__package__).joinpath("task-template.schema.json").read_text("utf-8")
    # YAML has dates, and tells 3.0 from 3; Core reads the first as texts and refuses the second.
    types = (
        jsonschema.Draft202012Validator.TYPE_CHECKER
        .redefine("string", lambda _, value: isinstance(value, str | datetime.date))
        .redefine("integer", lambda _, value: type(value) is int)
    )  # fmt: skip
    extend: Any = jsonschema.validators.extend  # without types of its own
    return extend(jsonschema.Draft202012Validator, type_checker=types)(json.loads(text))


def _sentences(raw: Mapping[str, Any], error: jsonschema.ValidationError) -> list[str]:
    subject = _subject(raw, error.absolute_path)
    schema: Any = error.schema
    value: Any = error.instance
    table = f"{subject}: " if subject else ""
    if error.validator == "additionalProperties":
        known = schema["properties"]
        return [
            f"{table}unknown key {key!r}, which Core would ignore{did_you_mean(str(key), known)}"
            for key in value
            if key not in known
        ]
    if error.validator == "required":
        missing = sorted(repr(key) for key in schema["required"] if key not in value)
        verb = "is" if len(missing) == 1 else "are"
        return [f"{table}{', '.join(missing)} {verb} missing; Core refuses the whole file"]
    if error.validator == "enum":
        choices = schema["enum"]
        hint = did_you_mean(str(value), choices)
        return [f"{subject} = {_shown(value)} is not one of {', '.join(choices)}{hint}"]
    return [f"{subject or 'it'} = {_shown(value)} must be {schema['description']}"]


def _subject(raw: Any, path: Iterable[str | int]) -> str:
    """`step 'a': publishes_events 'a.b': condition`."""
    parts: list[str] = []
    dotted = ""
    value = raw
    for key in path:
        value = value[key]
        if isinstance(key, str):
            dotted = f"{dotted}.{key}" if dotted else key
            continue
        kind = "step" if dotted == "steps" else dotted
        name = value.get("name") if isinstance(value, Mapping) else None
        if isinstance(name, str) and name:
            parts.append(f"{kind} {name!r}")
        elif kind == "step":
            parts.append(f"step {key + 1}")
        else:
            parts.append(f"{kind}[{key}]")
        dotted = ""
    return ": ".join([*parts, dotted] if dotted else parts)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
