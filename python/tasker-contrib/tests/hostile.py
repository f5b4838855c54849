"""Handlers that do what no handler should, by name. Each must end its step as failed."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, model_serializer

from tasker_contrib import PermanentError, RetryableError


class Odd(BaseException):
    pass


class NoText(Exception):
    def __str__(self) -> str:
        raise Odd("no text")


class Unwritable(BaseModel):
    @model_serializer
    def write(self) -> str:
        raise KeyError("unwritable")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return {"deep": value}


def circle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = value
    return value


def raising(error: Callable[[], BaseException]) -> Callable[[], Any]:
    def handler() -> Any:
        raise error()

    return handler


#: What each handler does, and a part of the message that its step fails with.
HOSTILE: dict[str, tuple[Callable[[], Any], str]] = {
    "nul_value": (lambda: {"s": ["a\0b"]}, "s[0]: has a NUL character"),
    "nul_key": (lambda: {"a\0b": 1}, "has a key with a NUL character"),
    "nan": (lambda: {"n": math.nan}, "n: is nan"),
    "surrogate": (lambda: {"s": "\ud800"}, "cannot be stored as JSON"),
    "large": (lambda: {"n": 2**70}, "n: is a number of more than 64 bits"),
    "deep": (lambda: nested(150), "nested more than 100 levels deep"),
    "bottomless": (lambda: nested(100_000), "cannot be stored as JSON"),
    "circle": (circle, "cannot be stored as JSON"),
    "object": (lambda: {"o": object()}, "cannot be stored as JSON"),
    "unwritable": (Unwritable, "cannot be stored as JSON"),
    "base_exception": (raising(lambda: Odd("x")), "Odd: x"),
    "no_text": (raising(NoText), "NoText (its text cannot be had: Odd)"),
    "exit": (raising(lambda: SystemExit(3)), "the handler raised SystemExit"),
    "interrupt": (raising(KeyboardInterrupt), "the handler raised KeyboardInterrupt"),
    "generator_exit": (raising(GeneratorExit), "GeneratorExit"),
    "stop": (raising(StopIteration), "StopIteration"),
    "nul_text": (raising(lambda: ValueError("a\0b")), "ValueError: a\\0b"),
    "surrogate_text": (raising(lambda: ValueError("\ud800")), "ValueError: \\ud800"),
    "nul_permanent": (raising(lambda: PermanentError("a\0b", error_code="c\0")), "a\\0b"),
    "metadata": (
        raising(lambda: PermanentError("declined", metadata={"c": ValueError("x"), "n\0": "\0"})),
        "declined",
    ),
    "never_again": (raising(lambda: RetryableError("x", retry_after=math.inf)), "x"),
    "nobody_knows": (raising(lambda: RetryableError("y", retry_after=math.nan)), "y"),
}
if sys.version_info >= (3, 11):
    HOSTILE["group"] = (
        raising(lambda: BaseExceptionGroup("g", [Odd("x")])),  # noqa: F821 - unknown to 3.10
        "g (1 sub-exception)",
    )
