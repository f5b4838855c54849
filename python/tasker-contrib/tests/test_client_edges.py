"""Both clients where the network, the server or the caller is odd."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tasker_contrib import (
    SyncTaskerClient,
    TaskerBackpressure,
    TaskerClient,
    TaskerClientError,
    TaskerConflict,
    TaskerServerError,
    TaskerUnavailable,
    TaskerValidationError,
)

from .test_client import UUID, Server, error, page, task

OK = httpx.Response(200, json=task())


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    real = asyncio.sleep
    module = "tasker_contrib.client.transport"
    monkeypatch.setattr(f"{module}.asyncio.sleep", lambda _: real(0))
    monkeypatch.setattr(f"{module}.time.sleep", lambda _: None)


def run_async(server: Server, use: Callable[[Any], Any], **options: Any) -> Any:
    async def main() -> Any:
        transport = httpx.MockTransport(server)
        async with TaskerClient("http://tasker", transport=transport, **options) as client:
            return await use(client)

    return asyncio.run(main())


def run_sync(server: Server, use: Callable[[Any], Any], **options: Any) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        return asyncio.run(server(request))

    transport = httpx.MockTransport(answer)
    with SyncTaskerClient("http://tasker", transport=transport, **options) as client:
        return use(client)


@pytest.fixture(params=[run_async, run_sync], ids=["async", "sync"])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


def public(cls: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in inspect.getmembers(cls)
        if not name.startswith("_") and name not in ("aclose", "close", "from_settings")
    }


def test_both_clients_have_the_same_calls() -> None:
    ours, theirs = public(TaskerClient), public(SyncTaskerClient)
    assert ours == theirs
    assert len(ours) == 24
    made, other = inspect.signature(TaskerClient), inspect.signature(SyncTaskerClient)
    assert [p.replace(annotation=None) for p in made.parameters.values()] == [
        p.replace(annotation=None) for p in other.parameters.values()
    ]
    made = inspect.signature(TaskerClient.from_settings)
    assert made == inspect.signature(SyncTaskerClient.from_settings)


def test_every_call_works(run: Any) -> None:
    steps = [{"step_uuid": "s", "task_uuid": UUID, "name": "a", "current_state": "complete"}]
    assert run(Server(OK), lambda c: c.create_task("t", {"a": 1})).task_uuid == UUID
    assert run(Server(page(task()), OK), lambda c: c.list_tasks()).tasks[0].status == "pending"
    [step] = run(Server(httpx.Response(200, json=steps)), lambda c: c.steps(UUID))
    assert step.name == "a"
    ended = httpx.Response(200, json=task("complete"))
    seen: list[str] = []
    assert run(
        Server(OK, ended), lambda c: c.wait(UUID, on_progress=lambda t: seen.append(t.status))
    ).succeeded
    assert seen == ["pending", "complete"]
    assert run(Server(ended), lambda c: c.cancel_task(UUID)).status == "complete"
    assert run(Server(httpx.Response(200)), lambda c: c.health()) is True
    assert run(Server(httpx.ConnectError("")), lambda c: c.health()) is False


def test_too_many_requests_are_tried_again(run: Any) -> None:
    server = Server(error(429, **{"retry-after": "1"}), OK)
    assert run(server, lambda c: c.get_task(UUID)).status == "pending"
    with pytest.raises(TaskerBackpressure):
        run(Server(error(429)), lambda c: c.get_task(UUID))


@pytest.mark.parametrize("status", [502, 504])
def test_a_conflict_after_a_gateway_lost_the_answer_is_our_own_task(run: Any, status: int) -> None:
    existing = httpx.Response(200, json=task(context={"a": 1}))
    server = Server(error(status), error(409), page(task(context={"a": 1})), existing)
    assert run(server, lambda c: c.create_task("t", {"a": 1})).task_uuid == UUID


@pytest.mark.parametrize("answer", [error(503), httpx.ConnectError("refused")])
def test_a_conflict_after_a_request_that_was_not_taken_is_a_conflict(run: Any, answer: Any) -> None:
    with pytest.raises(TaskerConflict):
        run(Server(answer, error(409)), lambda c: c.create_task("t", {"a": 1}))


def test_a_cancellation_whose_answer_was_lost_has_happened(run: Any) -> None:
    cancelled = httpx.Response(200, json=task("cancelled"))
    server = Server(httpx.ReadTimeout(""), error(400), cancelled)
    assert run(server, lambda c: c.cancel_task(UUID)).status == "cancelled"
    with pytest.raises(TaskerValidationError):
        run(Server(error(400), cancelled), lambda c: c.cancel_task(UUID))


def test_something_else_than_the_server_is_named(run: Any) -> None:
    server = Server(httpx.Response(200, text="<html>"))
    with pytest.raises(TaskerServerError, match=r"without JSON; is this the orchestration server"):
        run(server, lambda c: c.get_task(UUID))


def test_the_cause_is_kept(run: Any) -> None:
    with pytest.raises(TaskerUnavailable) as caught:
        run(Server(httpx.ConnectError("refused")), lambda c: c.get_task(UUID), max_retries=0)
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_wait_outlives_a_restart_of_the_server(run: Any) -> None:
    away = [httpx.ConnectError("refused")] * 5 + [error(503)] * 2
    ended = httpx.Response(200, json=task("complete"))
    server = Server(OK, *away, ended)
    assert run(server, lambda c: c.wait(UUID), max_retries=0).succeeded
    with pytest.raises(TaskerUnavailable):
        run(Server(away[0]), lambda c: c.wait(UUID, timeout=0), max_retries=0)


def test_a_call_that_waits_for_its_next_try_is_in_nobodys_way() -> None:
    """The slot of a call is free during its back-off."""
    waiting = threading.Event()

    async def main() -> None:
        async def answer(request: httpx.Request) -> httpx.Response:
            return error(503) if request.method == "DELETE" else OK

        async def sleep(_: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        transport = httpx.MockTransport(answer)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tasker_contrib.client.transport.asyncio.sleep", sleep)
            async with TaskerClient(
                "http://tasker", transport=transport, max_concurrency=1
            ) as client:
                first = asyncio.ensure_future(client.cancel_task(UUID))
                while not waiting.is_set():
                    await asyncio.wait([first], timeout=0.001)
                assert (await asyncio.wait_for(client.get_task(UUID), 5)).status == "pending"
                first.cancel()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("context", "text"),
    [
        ({"a": ["x\0y"]}, r"a\[0\]: has a NUL character"),
        ({"a\0": 1}, "has a key with a NUL character"),
        ({"a": math.nan}, "a: is nan, which JSON does not have"),
        ({"a": "\ud800"}, "a: has half of a surrogate pair|is not JSON"),
        ({"n": 2**70}, "n: is a number of more than 64 bits; write it as a text"),
        ({"a": object()}, "is not JSON"),
    ],
)
def test_a_context_that_cannot_be_stored_is_refused_before_a_call(
    run: Any, context: Any, text: str
) -> None:
    server = Server(OK)
    with pytest.raises(TaskerValidationError, match=text):
        run(server, lambda c: c.create_task("t", context))
    assert server.requests == []


def test_a_context_that_is_too_deep_is_refused(run: Any) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(TaskerValidationError, match="nested more than 100 levels deep"):
        run(Server(OK), lambda c: c.create_task("t", {"a": deep}))


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(task()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_of_the_environment_is_for_other_machines(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://{host}:{server.server_port}"
        with SyncTaskerClient(url, max_retries=0) as client:
            assert client.get_task(UUID).status == "pending"
        server.shutdown()


def test_the_message_names_the_proxy_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://user:secret@127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with (
        pytest.raises(TaskerUnavailable, match=r"through the proxy 127\.0\.0\.1:1:") as caught,
        SyncTaskerClient("http://tasker.invalid", max_retries=0) as client,
    ):
        client.get_task(UUID)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("cls", [TaskerClient, SyncTaskerClient])
def test_a_proxy_that_cannot_be_used_is_an_error_of_the_client(
    cls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(TaskerClientError, match="proxy that the environment names"):
        cls("http://tasker.example")
