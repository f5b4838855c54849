"""How calls are done: one loop for tries and metrics, in an async and a blocking form."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import threading
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from typing_extensions import Self

from .._internal import metrics
from ..errors import TaskerClientError, TaskerUnavailable
from .answers import content, error_of, is_loopback, is_maybe_done, unreachable, wait_before
from .calls import Call, Effect, Notify, Pause, Send, Together

T = TypeVar("T")


class Tries:
    """The decisions of one request: what an answer means, and how long to wait for the next try."""

    def __init__(self, base_url: str, send: Send, max_retries: int) -> None:
        self._base_url = base_url
        self._send = send
        self._left = max_retries
        self._count = 0

    def answered(self, response: httpx.Response) -> Any:
        """The answer's content, or the seconds to wait as a `Pause`.

        Raises:
            TaskerClientError: there is no further try.
        """
        if response.is_success:
            return content(response)
        return self._again(error_of(response), response, None)

    def failed(self, problem: httpx.TransportError) -> Pause:
        """The same for a request without an answer."""
        return self._again(unreachable(self._base_url, problem), None, problem)

    def _again(
        self,
        error: TaskerClientError,
        response: httpx.Response | None,
        problem: Exception | None,
    ) -> Pause:
        lost = self._send.lost
        if lost is not None and is_maybe_done(response or problem or error):
            lost.append(True)
        seconds = wait_before(self._count, response, error, repeats=lost is not None)
        if seconds is None or self._left == 0:
            raise error from problem
        self._left -= 1
        self._count += 1
        return Pause(seconds)


def count(operation: str, error: TaskerClientError | None) -> None:
    """Count a call."""
    word = "ok" if error is None else type(error).__name__
    metrics.client_requests.labels(operation, word).inc()


def options(
    base_url: str, headers: Mapping[str, str], timeout: float, transport: Any = None
) -> dict[str, Any]:
    """What both of httpx's clients are made with."""
    return {
        "base_url": base_url,
        "headers": headers,
        "timeout": timeout,
        "transport": transport,
        # A proxy of the environment is for other machines.
        "trust_env": not is_loopback(base_url),
    }


def proxy_problem(problem: Exception) -> TaskerUnavailable:
    """The error for a proxy of the environment that httpx cannot use."""
    return TaskerUnavailable(
        f"the proxy that the environment names cannot be used: {problem} "
        "(HTTP_PROXY, HTTPS_PROXY, ALL_PROXY)"
    )


class AsyncTransport:
    """Does calls on an event loop."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, retries: int, slots: int) -> None:
        self.http = http
        self._base_url = base_url
        self._retries = retries
        self._options: dict[str, Any] = {}
        self._slots = asyncio.Semaphore(slots)

    def with_timeout(self, seconds: float) -> Self:
        """The same connections and places, with another timeout for each request."""
        other = copy.copy(self)
        other._options = {"timeout": seconds}
        return other

    async def run(self, call: Call[T]) -> T:
        """Do a call to its end and return its result."""
        result: Any = None
        error: BaseException | None = None
        with contextlib.closing(call):
            while True:
                try:
                    effect = call.send(result) if error is None else call.throw(error)
                except StopIteration as end:
                    value: T = end.value
                    return value
                result, error = None, None
                try:
                    result = await self._do(effect)
                except TaskerClientError as problem:
                    error = problem

    async def _do(self, effect: Effect) -> Any:
        if isinstance(effect, Send):
            return await self._send(effect)
        if isinstance(effect, Pause):
            return await asyncio.sleep(effect.seconds)
        if isinstance(effect, Together):
            return await asyncio.gather(*(self.run(call) for call in effect.calls))
        called = effect.function(effect.task)
        if inspect.isawaitable(called):
            await called
        return None

    async def _send(self, send: Send) -> Any:
        tries = Tries(self._base_url, send, self._retries)
        try:
            while True:
                try:
                    async with self._slots:  # not while it waits for its next try
                        response = await self.http.request(
                            send.method,
                            send.path,
                            params=send.params,
                            json=send.json,
                            **self._options,
                        )
                except httpx.TransportError as problem:
                    answer: Any = tries.failed(problem)
                else:
                    answer = tries.answered(response)
                if not isinstance(answer, Pause):
                    count(send.operation, None)
                    return answer
                await asyncio.sleep(answer.seconds)
        except TaskerClientError as error:
            count(send.operation, error)
            raise


class BlockingTransport:
    """Does calls in the thread that asks for them; several threads may."""

    def __init__(self, http: httpx.Client, base_url: str, retries: int, slots: int) -> None:
        self.http = http
        self._base_url = base_url
        self._retries = retries
        self._options: dict[str, Any] = {}
        self._slots = threading.BoundedSemaphore(slots)

    def with_timeout(self, seconds: float) -> Self:
        """The same connections and places, with another timeout for each request."""
        other = copy.copy(self)
        other._options = {"timeout": seconds}
        return other

    def run(self, call: Call[T]) -> T:
        """Do a call to its end and return its result."""
        result: Any = None
        error: BaseException | None = None
        with contextlib.closing(call):
            while True:
                try:
                    effect = call.send(result) if error is None else call.throw(error)
                except StopIteration as end:
                    value: T = end.value
                    return value
                result, error = None, None
                try:
                    result = self._do(effect)
                except TaskerClientError as problem:
                    error = problem

    def _do(self, effect: Effect) -> Any:
        if isinstance(effect, Send):
            return self._send(effect)
        if isinstance(effect, Pause):
            return time.sleep(effect.seconds)
        if isinstance(effect, Together):
            return [self.run(call) for call in effect.calls]
        assert isinstance(effect, Notify)
        effect.function(effect.task)
        return None

    def _send(self, send: Send) -> Any:
        tries = Tries(self._base_url, send, self._retries)
        try:
            while True:
                try:
                    with self._slots:
                        response = self.http.request(
                            send.method,
                            send.path,
                            params=send.params,
                            json=send.json,
                            **self._options,
                        )
                except httpx.TransportError as problem:
                    answer: Any = tries.failed(problem)
                else:
                    answer = tries.answered(response)
                if not isinstance(answer, Pause):
                    count(send.operation, None)
                    return answer
                time.sleep(answer.seconds)
        except TaskerClientError as error:
            count(send.operation, error)
            raise
