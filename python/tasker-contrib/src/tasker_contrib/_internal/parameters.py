"""Compares the parameters of a handler with a template that calls it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

from pydantic import BaseModel

from .markers import BatchResults, Config, Input, Result
from .names import did_you_mean
from .registry import Handler
from .signature import Source

#: For each plain Python type its name in JSON Schema, and the JSON types pydantic makes it from.
_PLAIN: dict[type, tuple[str, frozenset[str]]] = {
    str: ("string", frozenset({"string"})),
    int: ("integer", frozenset({"integer", "number", "boolean"})),
    float: ("number", frozenset({"integer", "number", "boolean"})),
    bool: ("boolean", frozenset({"boolean"})),
    list: ("array", frozenset({"array"})),
    dict: ("object", frozenset({"object"})),
}
#: A text that is restricted by one of these may well be made of digits.
_RESTRICTIONS = frozenset({"pattern", "format", "enum", "const"})


class StepLike(Protocol):
    """The parts of a template's step that are compared."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def dependencies(self) -> tuple[str, ...]: ...
    @property
    def raw(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Mismatch:
    """One parameter that does not fit the template.

    Attributes:
        text: which parameter of which handler, and why it does not fit.
        fatal: whether every execution of the step would fail.
    """

    text: str
    fatal: bool = True


def mismatches(
    handler: Handler,
    step: StepLike,
    steps: Sequence[StepLike],
    input_schema: Mapping[str, Any] | None,
) -> Iterator[Mismatch]:
    """Yield each parameter that would fail, or always be None, when `step` calls `handler`."""
    by_name = {other.name: other for other in steps}
    for source in handler.signature.sources:
        marker = source.marker
        place = f"parameter {source.name!r} of handler {handler.name!r}"
        if isinstance(marker, (Result, BatchResults)):
            yield from _result(place, source, marker, step, by_name)
        elif isinstance(marker, Config):
            yield from _config(place, source, marker, step)
        elif isinstance(marker, Input) and input_schema is not None:
            yield from _input(place, source, marker, input_schema)


def _result(
    place: str,
    source: Source,
    marker: Result | BatchResults,
    step: StepLike,
    steps: Mapping[str, StepLike],
) -> Iterator[Mismatch]:
    wanted = f'{place} is {type(marker).__name__}("{marker.key}")'
    if marker.key not in steps:
        others = [name for name in steps if name != step.name]
        hint = did_you_mean(marker.key, others)
        # Handlers that several templates share may want the result of a step that only some have.
        if source.required or isinstance(marker, BatchResults) or hint:
            yield Mismatch(
                f"{wanted}, but the template has no such step; "
                f"its other steps are {', '.join(others) or '(none)'}{hint}",
                fatal=source.required,
            )
    elif isinstance(marker, BatchResults) and steps[marker.key].type != "batch_worker":
        yield Mismatch(
            f"{wanted}, but step {marker.key!r} is of type {steps[marker.key].type!r}, "
            "not batch_worker"
        )
    elif marker.key not in _ancestors(step, steps):
        yield Mismatch(
            f"{wanted}, but step {marker.key!r} does not run before {step.name!r}; "
            f"add {marker.key!r} to the dependencies of {step.name!r}",
            fatal=source.required,
        )


def _ancestors(step: StepLike, steps: Mapping[str, StepLike]) -> set[str]:
    found: set[str] = set()
    pending = list(step.dependencies)
    while pending:
        name = pending.pop()
        if name in steps and name not in found:
            found.add(name)
            pending += steps[name].dependencies
    return found


def _config(place: str, source: Source, marker: Config, step: StepLike) -> Iterator[Mismatch]:
    handler = step.raw.get("handler")
    options = (handler.get("initialization") if isinstance(handler, Mapping) else None) or {}
    if not isinstance(options, Mapping) or marker.key in options:
        return
    hint = did_you_mean(marker.key, options)
    if source.required or hint:
        yield Mismatch(
            f'{place} is Config("{marker.key}"), but the step has no '
            f"handler.initialization.{marker.key}{hint}",
            fatal=source.required,
        )


def _input(
    place: str, source: Source, marker: Input, schema: Mapping[str, Any]
) -> Iterator[Mismatch]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return
    if marker.key is None:
        for name, annotation in _fields(source.annotation):
            problem = _type_problem(annotation, properties.get(name))
            if problem:
                yield Mismatch(f"field {name!r} of {place} {problem} {name!r}")
        return
    if marker.key in properties:
        problem = _type_problem(source.annotation, properties[marker.key])
        if problem:
            yield Mismatch(f"{place} {problem} {marker.key!r}")
        return
    closed = schema.get("additionalProperties") is False
    hint = did_you_mean(marker.key, properties)
    if closed or hint:
        yield Mismatch(
            f'{place} is Input("{marker.key}"), but input_schema has no property '
            f"{marker.key!r}{hint}",
            fatal=closed and source.required,
        )


def _fields(annotation: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a model that takes them as they come; nothing for other types."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return
    decorators = annotation.__pydantic_decorators__
    if decorators.model_validators or decorators.field_validators:
        return  # these may turn anything into anything
    for name, info in annotation.model_fields.items():
        if info.validation_alias is None and not any(map(_converts, info.metadata)):
            yield name, info.annotation


def _converts(metadata: Any) -> bool:
    return type(metadata).__name__.endswith("Validator")


def _type_problem(annotation: Any, schema: Any) -> str | None:
    """Why a plain type never fits a property of a plain type; None when it may."""
    if not isinstance(schema, Mapping) or _RESTRICTIONS & schema.keys():
        return None
    said = schema.get("type")
    allowed = {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set()
    plain = list(_plain_types(annotation))
    if not allowed or not plain or None in plain:
        return None
    accepted = frozenset[str]().union(*(_PLAIN[kind][1] for kind in plain if kind))
    if not allowed - {"null"} or allowed & accepted:
        return None
    takes = _article(" or ".join(_PLAIN[kind][0] for kind in plain if kind))
    wants = _article(" or ".join(sorted(allowed)))
    return f"takes {takes}, but input_schema wants {wants} in"


def _plain_types(annotation: Any) -> Iterator[type | None]:
    """The plain types of an annotation; None for any other."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *metadata = get_args(annotation)
        if any(map(_converts, metadata)):
            yield None
        yield from _plain_types(base)
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            if part is not type(None):
                yield from _plain_types(part)
    else:
        kind = origin or annotation
        yield kind if isinstance(kind, type) and kind in _PLAIN else None


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
