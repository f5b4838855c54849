"""The markers that say where a handler's parameter comes from."""

from __future__ import annotations

from dataclasses import dataclass


class Marker:
    """Base of all markers."""


@dataclass(frozen=True)
class Input(Marker):
    """The task's context, or one key of it.

    Args:
        key: a key of the context; without it the whole context is validated.

    Example:
        ```python
        job: Annotated[Job, Input()]
        limit: Annotated[int, Input("limit")] = 100
        ```
    """

    key: str | None = None


@dataclass(frozen=True)
class Result(Marker):
    """The result of another step of the same task (any ancestor).

    A step that has no result gives None if the type allows it, else the step fails for good.

    Args:
        key: the step's name in the template.

    Example:
        ```python
        airports: Annotated[Airports, Result("extract_airports")]
        ```
    """

    key: str = ""


@dataclass(frozen=True)
class BatchResults(Marker):
    """The results of all instances of a batch worker, in batch order.

    Args:
        key: the name of the `batch_worker` step in the template.

    Example:
        ```python
        parts: Annotated[list[Part], BatchResults("aggregate_partition")]
        ```
    """

    key: str = ""


@dataclass(frozen=True)
class Config(Marker):
    """A key of the step's `handler.initialization` in the template.

    Args:
        key: the key's name.

    Example:
        ```python
        threshold: Annotated[float, Config("threshold")] = 0.9
        ```
    """

    key: str = ""


@dataclass(frozen=True)
class IdempotencyKey(Marker):
    """The step's UUID, as `str` or `uuid.UUID`: a key for effects that may be asked for twice.

    It is the same in every attempt of the step, and when another worker takes the step over.
    Another step, of the same task or of another one, has another key.

    Example:
        ```python
        key: Annotated[str, IdempotencyKey()]
        ```
    """
