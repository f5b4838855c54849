"""Reads a handler's signature once, when it is decorated, so that mistakes stop the import."""

from __future__ import annotations

import inspect
import types
import typing
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Union, get_args, get_origin

import httpx
from pydantic import TypeAdapter

from ..batches import BatchContext, Checkpoint
from .injection import Injector, injector_of
from .lazy import is_core
from .markers import BatchResults, Config, IdempotencyKey, Marker, Result

MISSING: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Source:
    """Where the value of one parameter comes from."""

    name: str
    marker: Marker
    annotation: Any
    adapter: TypeAdapter[Any]
    default: Any = MISSING

    @property
    def required(self) -> bool:
        return self.default is MISSING

    @property
    def optional(self) -> bool:
        """Whether its type allows None."""
        return _optional(self.annotation)


@dataclass(frozen=True)
class Signature:
    """All that is needed to call a handler."""

    sources: list[Source] = field(default_factory=list)
    context_name: str | None = None
    batch_name: str | None = None
    http_name: str | None = None
    http_async: bool = False
    depends: inspect.Signature | None = None
    injector: Injector | None = None
    output: TypeAdapter[Any] | None = None
    is_async: bool = False


def analyse(
    fn: Callable[..., Any],
    handler: str,
    *,
    kind: str,
    localns: dict[str, Any] | None = None,
) -> Signature:
    """Return how to call `fn`.

    Raises:
        TypeError: a parameter has no source, two sources, or one that this kind cannot have.
    """
    where = f"handler {handler!r} ({fn.__module__}.{fn.__qualname__})"
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(f"{where} is a generator; a handler returns its result")
    try:
        hints = typing.get_type_hints(fn, localns=localns, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{where}: an annotation cannot be resolved: {error}. "
            "Import the name at module level (not under TYPE_CHECKING)."
        ) from error

    sources: list[Source] = []
    depends: list[inspect.Parameter] = []
    injector: Injector | None = None
    names: dict[str, str | None] = {"context": None, "batch": None, "http": None}
    http_async = False
    for name, parameter in inspect.signature(fn).parameters.items():
        place = f"{where}: parameter {name!r}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{place}: *args and **kwargs have no source; name each parameter")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"{place} is positional-only; handlers are called by keyword")
        annotation = hints.get(name, MISSING)
        base, markers, found = _split(annotation, parameter.default)
        if len(markers) + (found is not None) > 1:
            raise TypeError(f"{place} has more than one source; keep one")
        if found is not None:
            if injector not in (None, found):
                raise TypeError(f"{place} has a dependency of another framework than the others")
            injector = found
            depends.append(
                parameter.replace(
                    kind=inspect.Parameter.KEYWORD_ONLY,
                    annotation=annotation if annotation is not MISSING else Any,
                )
            )
        elif markers:
            sources.append(_source(place, name, markers[0], base, parameter.default))
        else:
            role = _role(base)
            if role is None:
                raise TypeError(
                    f"{place} has no source. Annotate it: Annotated[T, Input()] for the task's "
                    'context, Annotated[T, Result("step")] for the result of another step, '
                    'Annotated[T, Config("key")] for handler.initialization, '
                    "Annotated[str, IdempotencyKey()] for a key that stays the same, "
                    "Annotated[T, Depends(fn)] for a dependency, or the type StepContext."
                )
            _check_role(place, role, kind, base, is_async=inspect.iscoroutinefunction(fn))
            if names[role] is not None:
                raise TypeError(f"{place}: {names[role]!r} has the same type already")
            names[role] = name
            http_async = http_async or base is httpx.AsyncClient

    return Signature(
        sources=sources,
        context_name=names["context"],
        batch_name=names["batch"],
        http_name=names["http"],
        http_async=http_async,
        depends=inspect.Signature(depends) if depends else None,
        injector=injector,
        output=_output(where, hints.get("return", MISSING), kind),
        is_async=inspect.iscoroutinefunction(fn),
    )


def _split(annotation: Any, default: Any) -> tuple[Any, list[Marker], Injector | None]:
    """Separate a type from the markers it is annotated with (a default may be one, too)."""
    if default is None:
        annotation = _without_implied_none(annotation)
    base, extras = annotation, []
    if get_origin(annotation) is typing.Annotated:
        base, *extras = get_args(annotation)
    candidates = [*extras, default]
    markers = []
    injector = None
    for item in candidates:
        if isinstance(item, type) and issubclass(item, Marker):
            item = item()
        if isinstance(item, Marker):
            markers.append(item)
        else:
            injector = injector_of(item) or injector
    # pydantic's own metadata (Field, validators …) stays with the type
    rest = [item for item in extras if not (isinstance(item, Marker) or injector_of(item))]
    rest = [item for item in rest if not (isinstance(item, type) and issubclass(item, Marker))]
    if rest:
        for item in rest:
            base = typing.Annotated[base, item]
    return base, markers, injector


def _without_implied_none(annotation: Any) -> Any:
    """Python 3.10 wraps the type of a parameter whose default is None, and so hides the markers."""
    first, *others = get_args(annotation) or (None,)
    is_wrapped = get_origin(first) is typing.Annotated and others == [type(None)]
    return first if get_origin(annotation) is Union and is_wrapped else annotation


def _source(place: str, name: str, marker: Marker, base: Any, default: Any) -> Source:
    if isinstance(default, Marker):
        default = MISSING
    if base is MISSING:
        base = Any
    if isinstance(marker, (Config, BatchResults, Result)) and not marker.key:
        raise TypeError(f'{place}: {type(marker).__name__}("name") needs a name')
    if isinstance(marker, BatchResults) and get_origin(base) not in (list, None):
        raise TypeError(f"{place}: BatchResults gives a list; annotate it as list[T]")
    if isinstance(marker, IdempotencyKey) and base not in (str, uuid.UUID, Any):
        raise TypeError(f"{place}: IdempotencyKey gives a str or a uuid.UUID, not {base!r}")
    if default is MISSING and _optional(base) and isinstance(marker, (Result, Config)):
        default = None
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(base)
    except Exception as error:
        raise TypeError(f"{place}: {base!r} is not a type that pydantic knows: {error}") from error
    return Source(name, marker, base, adapter, default)


def _optional(annotation: Any) -> bool:
    if get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    origin = get_origin(annotation)
    return origin in (Union, types.UnionType) and type(None) in get_args(annotation)


def _role(base: Any) -> str | None:
    if is_core(base, "tasker_core", "StepContext"):
        return "context"
    if base is BatchContext:
        return "batch"
    if base in (httpx.AsyncClient, httpx.Client):
        return "http"
    return None


def _check_role(place: str, role: str, kind: str, base: Any, *, is_async: bool) -> None:
    if role == "batch" and kind != "batch_worker":
        raise TypeError(f"{place}: BatchContext exists in a @batch_worker only")
    if role == "http":
        if kind != "api":
            raise TypeError(f"{place}: an httpx client is given to an @api_handler only")
        if is_async != (base is httpx.AsyncClient):
            wanted = "httpx.AsyncClient" if is_async else "httpx.Client"
            raise TypeError(f"{place}: annotate it as {wanted}")


def _output(where: str, annotation: Any, kind: str) -> TypeAdapter[Any] | None:
    expected = {"decision": "Decision", "batch_analyzer": "BatchConfig"}.get(kind)
    result_of_core = is_core(annotation, "tasker_core", "StepHandlerResult")
    if expected is not None:
        fits = is_core(annotation, "tasker_core.step_handler.functional", expected)
        if annotation is not MISSING and not (fits or result_of_core):
            raise TypeError(f"{where} must return {expected}, not {annotation!r}")
        return None
    if result_of_core or annotation in (MISSING, None, type(None), Any, typing.NoReturn):
        return None
    if kind == "batch_worker":
        annotation = _without_checkpoint(annotation)
        if annotation is None:
            return None
    try:
        return TypeAdapter(annotation)
    except Exception as error:
        raise TypeError(
            f"{where}: the return type {annotation!r} is not one that pydantic knows: {error}"
        ) from error


def _without_checkpoint(annotation: Any) -> Any:
    """`Part | Checkpoint` is validated as `Part`."""
    if annotation is Checkpoint:
        return None
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [item for item in get_args(annotation) if item is not Checkpoint]
        return Union[tuple(rest)]  # noqa: UP007 - built at run time
    return annotation
