"""The calls for operators: the cases of all languages, and what Python adds."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasker_contrib import SyncTaskerClient, TaskerClient, TaskerNotFound, TaskerUnavailable
from tasker_contrib.client import DeadLetter, StepInfo
from tasker_contrib.client.async_operations import AsyncOperations
from tasker_contrib.client.sync_operations import Operations
from tasker_contrib.testing import TaskerStack

CASES = json.loads(
    (Path(__file__).parents[3] / "xtask/contract/client-cases/cases.json").read_text()
)
URL = "http://127.0.0.1:1"
TASK, STEP = CASES[0]["arguments"]


@pytest.fixture
def unused_server() -> Iterator[str]:
    """One that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class Server:
    """Answers every request with the same; keeps them."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(200, json=answer)


def blocking(server: Server, call: str, *arguments: Any, **options: Any) -> Any:
    with SyncTaskerClient(URL, transport=httpx.MockTransport(server)) as client:
        return getattr(client, call)(*arguments, **options)


def asynchronous(server: Server, call: str, *arguments: Any, **options: Any) -> Any:
    async def main() -> Any:
        async with TaskerClient(URL, transport=httpx.MockTransport(server)) as client:
            return await getattr(client, call)(*arguments, **options)

    return asyncio.run(main())


@pytest.mark.parametrize("call", [blocking, asynchronous])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["call"])
def test_case(case: dict[str, Any], call: Callable[..., Any]) -> None:
    server = Server(case["answer"])
    result = call(server, case["call"], *case["arguments"], **case.get("options", {}))
    [request] = server.requests
    assert (request.method, request.url.path) == (case["method"], case["path"])
    assert dict(request.url.params) == case.get("query", {})
    assert (json.loads(request.content) if request.content else None) == case.get("body")
    shown = case["answer"].get("templates") if case["call"] == "list_templates" else case["answer"]
    if case["call"] == "update_dead_letter":
        assert result is None
    else:
        records = zip(result, shown, strict=True) if isinstance(result, list) else [(result, shown)]
        for record, wanted in records:
            assert wanted.items() <= record.model_dump().items()


def test_both_clients_have_every_call() -> None:
    calls = {case["call"] for case in CASES}
    for kind in (AsyncOperations, Operations):
        assert {name for name in vars(kind) if not name.startswith("_")} == calls


def test_the_requests_are_those_of_the_server(tasker_stack: TaskerStack) -> None:
    document = httpx.get(f"{tasker_stack.orchestration_url}/api-docs/openapi.json").json()
    paths = {
        re.sub(r"\{[^}]*\}", "([^/]+)", path): {
            method.upper(): operation for method, operation in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    # The server has the route, and its document forgets it.
    documented = [case for case in CASES if case["call"] != "task_summary"]
    assert len(documented) == len(CASES) - 1
    for case in documented:
        [operation] = [
            operations[case["method"]]
            for path, operations in paths.items()
            if re.fullmatch(path, case["path"]) and case["method"] in operations
        ]
        named = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert case.get("query", {}).keys() <= named, case["call"]


def test_they_work_on_the_real_server(tasker_stack: TaskerStack) -> None:
    with SyncTaskerClient(tasker_stack.orchestration_url) as client:
        assert client.performance(hours=1).total_tasks >= 0
        assert isinstance(client.bottlenecks().slow_steps, list)
        assert client.dead_letters(resolution="Pending", limit=1) == []
        assert client.dead_letter_stats() == []
        assert client.investigation_queue() == []
        assert isinstance(client.stale_tasks(), list)
        assert isinstance(client.list_templates(), list)
        for missing in (
            lambda: client.task_summary(TASK),
            lambda: client.get_step(TASK, STEP),
            lambda: client.step_audit(TASK, STEP),
            lambda: client.get_template("no", "such", "1.0.0"),
            lambda: client.dead_letter(TASK),
            lambda: client.retry_step(TASK, STEP, reason="a test"),
        ):
            with pytest.raises(TaskerNotFound):
                missing()


def test_a_step_by_its_name_or_itself() -> None:
    step = CASES[0]["answer"]
    server = Server([step], step)
    assert blocking(server, "retry_step", TASK, "charge", reason="r").name == "charge"
    assert [request.method for request in server.requests] == ["GET", "PATCH"]
    server = Server(step)
    blocking(server, "retry_step", TASK, StepInfo.model_validate(step), reason="r")
    assert [request.method for request in server.requests] == ["PATCH"]
    with pytest.raises(TaskerNotFound, match="the task has no step 'chrge'; its steps: charge"):
        blocking(Server([step]), "retry_step", TASK, "chrge", reason="r")


def test_an_entry_itself() -> None:
    [entry] = next(case["answer"] for case in CASES if case["call"] == "dead_letters")
    server = Server({})
    blocking(server, "update_dead_letter", DeadLetter(**entry), resolution="Cancelled")
    assert server.requests[0].url.path.endswith(entry["dlq_entry_uuid"])


def test_a_timeout_for_one_call(unused_server: str) -> None:
    """Over the same connections; the client keeps its own."""

    async def main() -> None:
        async with TaskerClient(unused_server, timeout=3600, max_retries=0) as client:
            with pytest.raises(TaskerUnavailable, match="Timeout"):
                await client.with_timeout(0.05).get_task(TASK)
            assert client.with_timeout(1)._transport.http is client._transport.http

    asyncio.run(main())
    with (
        SyncTaskerClient(unused_server, timeout=3600, max_retries=0) as client,
        pytest.raises(TaskerUnavailable, match="Timeout"),
    ):
        client.with_timeout(0.05).get_task(TASK)
