"""A server that is not there: records the tasks that the code under test creates."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from ..client import clients

_TASK = re.compile(r"/v1/tasks/(?P<task>[^/]+)")
_STEP = re.compile(r"/v1/tasks/(?P<task>[^/]+)/workflow_steps/(?P<step>[^/]+)")
_ENDS = {
    "reset_for_retry": "pending",
    "resolve_manually": "resolved_manually",
    "complete_manually": "complete",
}


@dataclass
class CreatedTask:
    """A task that was created.

    Attributes:
        name: the template's name.
        namespace: the template's namespace.
        version: the template's version.
        context: the input.
        request: everything that was sent: `reason`, `priority`, `tags`, ….
        status: its state; a test may set it.
        steps: its steps; a test may add some with `add_step`.
    """

    name: str
    namespace: str
    version: str
    context: dict[str, Any]
    request: dict[str, Any]
    task_uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "pending"
    steps: list[dict[str, Any]] = field(default_factory=list)

    def add_step(self, name: str, state: str = "complete", **fields: Any) -> str:
        """Add a step as the server would describe it; returns its UUID.

        Args:
            name: of the step.
            state: of the step, such as `error`.
            fields: more of the server's answer, such as `results`.
        """
        step_uuid = str(uuid.uuid4())
        self.steps.append(
            {
                "step_uuid": step_uuid,
                "task_uuid": self.task_uuid,
                "name": name,
                "current_state": state,
                **fields,
            }
        )
        return step_uuid


class FakeTasker:
    """What the clients talk to. It knows a task's id and context, and runs nothing.

    As on the server, the same template with the same context can be created only once. Contexts are
    checked against the `input_schema` of the project's templates.

    Attributes:
        created: the tasks, in their order.
        actions: `(action, step name, body)` of each retry, resolve and cancel.
        dead_letters: what the dead letter queue answers; a test may fill it.
        fails_with: an HTTP status that every call gets; None for none.
    """

    def __init__(self) -> None:
        self.created: list[CreatedTask] = []
        self.actions: list[tuple[str, str, dict[str, Any]]] = []
        self.dead_letters: list[dict[str, Any]] = []
        self.fails_with: int | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of a client."""
        path, method = request.url.path, request.method
        if self.fails_with is not None:
            return _refusal(self.fails_with, "FAKE", "the test asked for it")
        if path == "/health":
            return httpx.Response(200)
        if path == "/v1/dlq":
            return httpx.Response(200, json=self.dead_letters)
        if path == "/v1/tasks":
            return self._create(request) if method == "POST" else self._list(request)
        found = _STEP.fullmatch(path)
        if found and method == "PATCH":
            return self._act(found["task"], found["step"], json.loads(request.content))
        found = _TASK.match(path)
        task = next((t for t in self.created if found and t.task_uuid == found["task"]), None)
        if task is None:
            return _refusal(404, "NOT_FOUND", "the fake server has no such task")
        if path.endswith("/workflow_steps"):
            return httpx.Response(200, json=task.steps)
        if method == "DELETE":
            task.status = "cancelled"
            self.actions.append(("cancel", "", {}))
        return httpx.Response(200, json=_described(task))

    def _create(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        key = (body["name"], body["namespace"], body["version"], body["context"])
        if any(key == (t.name, t.namespace, t.version, t.context) for t in self.created):
            return _refusal(409, "DUPLICATE", "a task with this context exists already")
        self.created.append(CreatedTask(*key, request=body))
        return httpx.Response(200, json=_described(self.created[-1]))

    def _list(self, request: httpx.Request) -> httpx.Response:
        namespace = request.url.params.get("namespace")
        found = [t for t in reversed(self.created) if namespace in (None, t.namespace)]
        pagination = {"page": 1, "per_page": 100, "total_count": len(found), "has_next": False}
        body = {"tasks": [_described(task) for task in found], "pagination": pagination}
        return httpx.Response(200, json=body)

    def _act(self, task_uuid: str, step_uuid: str, body: dict[str, Any]) -> httpx.Response:
        for task in self.created:
            for step in task.steps:
                if (task.task_uuid, step["step_uuid"]) == (task_uuid, step_uuid):
                    action = body["action_type"]
                    self.actions.append((action, step["name"], body))
                    step["current_state"] = _ENDS[action]
                    return httpx.Response(200, json=step)
        return _refusal(404, "NOT_FOUND", "the fake server has no such step")


def _described(task: CreatedTask) -> dict[str, Any]:
    return {
        "task_uuid": task.task_uuid,
        "name": task.name,
        "namespace": task.namespace,
        "version": task.version,
        "context": task.context,
        "status": task.status,
        "correlation_id": task.request.get("correlation_id"),
        "created_at": "2026-01-01T00:00:00Z",
        "total_steps": len(task.steps),
    }


def _refusal(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


@contextmanager
def fake_tasker() -> Iterator[FakeTasker]:
    """Let `tasker.client`, `tasker.aclient` and `create_task` talk to a `FakeTasker`.

    Example:
        ```python
        with fake_tasker() as tasker:
            place_order()
        assert tasker.created[0].context == {"order_id": 1}
        ```
    """
    fake, before = FakeTasker(), clients.transport
    clients.reset()
    clients.transport = httpx.MockTransport(fake.answer)
    try:
        yield fake
    finally:
        clients.reset()
        clients.transport = before
