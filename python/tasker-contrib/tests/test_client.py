"""The REST client against scripted answers (the real server: tests/integration)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import BaseModel

from tasker_contrib import (
    TaskerBackpressure,
    TaskerClient,
    TaskerConflict,
    TaskerNotFound,
    TaskerPermissionError,
    TaskerServerError,
    TaskerTimeout,
    TaskerUnavailable,
    TaskerValidationError,
)

UUID = "01a20b62-a65a-7d56-8f80-2c60f95d2b82"


def task(status: str = "pending", **values: Any) -> dict[str, Any]:
    return {
        "task_uuid": UUID,
        "name": "t",
        "namespace": "ns",
        "version": "1.0.0",
        "status": status,
        **values,
    }


def error(status: int, code: str = "X", **headers: str) -> httpx.Response:
    body = {"error": {"code": code, "message": "m"}}
    return httpx.Response(status, json=body, headers=headers)


class Server:
    """Answers with the given answers, the last one for ever; keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


def run(
    server: Server, use: Callable[[TaskerClient], Coroutine[Any, Any, Any]], **options: Any
) -> Any:
    async def main() -> Any:
        transport = httpx.MockTransport(server)
        async with TaskerClient("http://tasker", transport=transport, **options) as client:
            return await use(client)

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    waits.clear()
    monkeypatch.setattr("tasker_contrib.client.transport.asyncio.sleep", sleep)


waits: list[float] = []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(404), TaskerNotFound),
        (error(409), TaskerConflict),
        (error(401), TaskerPermissionError),
        (error(403), TaskerPermissionError),
        (error(400), TaskerValidationError),
        (httpx.Response(422, text="Failed to deserialize"), TaskerValidationError),
        (error(500), TaskerServerError),
        (error(408), TaskerServerError),
        (error(503), TaskerBackpressure),
        (error(504), TaskerUnavailable),
        (httpx.ConnectError("refused"), TaskerUnavailable),
        (httpx.ReadTimeout(""), TaskerUnavailable),
    ],
)
def test_errors_are_typed(answer: httpx.Response | Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        run(Server(answer), lambda c: c.get_task(UUID))


def test_backpressure_is_repeated_after_what_the_server_says() -> None:
    server = Server(error(503, **{"retry-after": "2"}), httpx.Response(200, json=task()))
    assert run(server, lambda c: c.get_task(UUID)).status == "pending"
    assert waits == [2.0]


def test_a_long_retry_after_is_given_to_the_caller() -> None:
    server = Server(error(503, **{"retry-after": "30"}))
    with pytest.raises(TaskerBackpressure) as caught:
        run(server, lambda c: c.get_task(UUID))
    assert caught.value.retry_after == 30
    assert (len(server.requests), waits) == (1, [])


def test_repetitions_are_bounded_and_grow() -> None:
    server = Server(httpx.ConnectError("refused"))
    with pytest.raises(TaskerUnavailable, match="http://tasker cannot be reached"):
        run(server, lambda c: c.get_task(UUID), max_retries=2)
    assert len(server.requests) == 3
    assert waits[0] < waits[1]


def test_create_sends_models_and_optional_fields() -> None:
    class Order(BaseModel):
        order_id: int

    server = Server(httpx.Response(200, json=task()))
    run(
        server,
        lambda c: c.create_task("t", Order(order_id=1), namespace="ns", priority=5, tags=["a"]),
    )
    import json

    body = json.loads(server.requests[0].content)
    assert body["context"] == {"order_id": 1}
    assert (body["priority"], body["tags"], body["namespace"]) == (5, ["a"], "ns")
    assert "correlation_id" not in body


def page(*tasks: dict[str, Any], more: bool = False) -> httpx.Response:
    pagination = {"page": 1, "per_page": 100, "total_count": 1, "has_next": more}
    return httpx.Response(200, json={"tasks": list(tasks), "pagination": pagination})


def test_conflict_without_idempotent() -> None:
    with pytest.raises(TaskerConflict):
        run(Server(error(409)), lambda c: c.create_task("t", {"a": 1}))


def test_idempotent_returns_the_existing_task_from_a_later_page() -> None:
    server = Server(
        error(409),
        page(task(context={"a": 2}), more=True),
        page(task(context={"a": 1})),
        httpx.Response(200, json=task("complete", context={"a": 1})),
    )
    found = run(server, lambda c: c.create_task("t", {"a": 1}, namespace="ns", idempotent=True))
    assert found.status == "complete"


def test_idempotent_that_cannot_find_it_is_a_conflict() -> None:
    server = Server(error(409), page(task(context={"a": 2})))
    with pytest.raises(TaskerConflict, match="is not among the newest"):
        run(server, lambda c: c.create_task("t", {"a": 1}, idempotent=True))


def test_a_creation_that_the_server_fails_on_is_repeated() -> None:
    server = Server(error(500), httpx.Response(200, json=task()))
    assert run(server, lambda c: c.create_task("report", {"n": 1})).status == "pending"
    assert len(server.requests) == 2
    with pytest.raises(TaskerServerError):
        run(Server(error(500)), lambda c: c.create_task("report", {"n": 1}), max_retries=2)


def test_a_repetition_after_a_lost_answer_means_created() -> None:
    server = Server(
        httpx.ReadTimeout(""),
        error(409),
        page(task(context={"a": 1})),
        httpx.Response(200, json=task(context={"a": 1})),
    )
    assert run(server, lambda c: c.create_task("t", {"a": 1})).task_uuid == UUID


def test_input_schema_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    data = {
        "name": "t",
        "namespace_name": "ns",
        "version": "1.0.0",
        "input_schema": {
            "type": "object",
            "required": ["a"],
            "properties": {"rows": {"items": {"type": "integer"}}},
        },
        "steps": [{"name": "a", "handler": {"callable": "a"}}],
    }
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(data))
    server = Server(error(404))
    with pytest.raises(TaskerValidationError) as caught:
        run(
            server,
            lambda c: c.create_task("t", {"rows": [1, "x"]}, namespace="ns"),
            templates=tmp_path,
        )
    assert server.requests == []
    assert caught.value.errors == [
        "(context): 'a' is a required property",
        "rows.1: 'x' is not of type 'integer'",
    ]
    with pytest.raises(TaskerNotFound, match=r"did you mean 'ns/t 1\.0\.0'"):
        run(server, lambda c: c.create_task("tt", {}, namespace="ns"), templates=tmp_path)


def test_a_list_has_the_words_of_a_task() -> None:
    done = task("completed", updated_at="2026-01-02T03:04:05Z", recommended_action="finalize_task")
    server = Server(
        page(done, task("pending", task_uuid=UUID[:-1] + "3")),
        httpx.Response(200, json=task("blocked_by_failures", recommended_action="handle_failures")),
    )
    complete, blocked = run(server, lambda c: c.list_tasks(status="incomplete")).tasks
    assert (complete.status, complete.succeeded) == ("complete", True)
    assert complete.completed_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert complete.recommended_action is None
    assert (blocked.status, blocked.completed_at) == ("blocked_by_failures", None)
    assert blocked.recommended_action == "handle_failures"
    assert server.requests[0].url.params["status"] == "pending"
    assert len(server.requests) == 2, "a complete task is not asked for"


def test_a_task_that_is_gone_stays_in_its_page() -> None:
    server = Server(page(task("pending")), error(404))
    assert [t.status for t in run(server, lambda c: c.list_tasks()).tasks] == ["pending"]


def test_a_step_has_one_name_for_its_id() -> None:
    created = task(steps=[{"workflow_step_uuid": "s", "name": "a"}, {"step_uuid": "t"}])
    made = run(Server(httpx.Response(200, json=created)), lambda c: c.create_task("t"))
    assert made.model_dump()["steps"] == [{"step_uuid": "s", "name": "a"}, {"step_uuid": "t"}]


def test_wait_reports_progress_and_ends() -> None:
    server = Server(
        httpx.Response(200, json=task("steps_in_process", completed_steps=0)),
        httpx.Response(200, json=task("steps_in_process", completed_steps=0)),
        httpx.Response(200, json=task("steps_in_process", completed_steps=1)),
        httpx.Response(200, json=task("blocked_by_failures", completed_steps=1)),
    )
    seen: list[tuple[str, int]] = []

    async def progress(task: Any) -> None:
        seen.append((task.status, task.completed_steps))

    ended = run(server, lambda c: c.wait(UUID, on_progress=progress))
    assert (ended.ended, ended.succeeded) == (True, False)
    assert seen == [("steps_in_process", 0), ("steps_in_process", 1), ("blocked_by_failures", 1)]


def test_wait_times_out() -> None:
    server = Server(httpx.Response(200, json=task("pending")))
    with pytest.raises(TaskerTimeout, match="still 'pending'"):
        run(server, lambda c: c.wait(UUID, timeout=0.01))


def test_concurrency_is_bounded() -> None:
    running, most = 0, 0

    class Counting(Server):
        async def __call__(self, request: httpx.Request) -> httpx.Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            running -= 1
            return httpx.Response(200, json=task())

    async def many(client: TaskerClient) -> None:
        await asyncio.gather(*(client.get_task(UUID) for _ in range(10)))

    run(Counting(error(500)), many, max_concurrency=3)
    assert most == 3


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.get_task("nonsense"),
        lambda c: c.list_tasks(status="error"),
        lambda c: c.list_tasks(per_page=0),
        lambda c: c.create_task("t", [1]),
    ],
)
def test_bad_arguments_are_refused_before_a_call(use: Any) -> None:
    server = Server(error(500))
    with pytest.raises(TaskerValidationError):
        run(server, use)
    assert server.requests == []
