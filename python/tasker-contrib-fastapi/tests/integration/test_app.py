"""One app under uvicorn on the real stack; the tests only add tasks to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasker_contrib_fastapi.testing import TaskerStack

from ..support import eventually
from .support import App, by_name, new_place, start

#: Variables that Core aborts on when its file has placeholders for them.
BAD_ENVIRONMENT = {
    "DATABASE_URL": "postgres://nobody",
    "PGMQ_DATABASE_URL": "nonsense",
    "RABBITMQ_URL": "amqps://nonsense",
    "REDIS_URL": "rediss://nonsense",
    "MEMCACHED_URL": "nonsense",
    "TASKER_MESSAGING_BACKEND": "kafka",
    "TASKER_ENV": "nonsense!",
    "TASKER_CONFIG_PATH": "no such file",
    "TASKER_TEMPLATE_PATH": "no such folder",
    "TASKER_WEB_BIND_ADDRESS": "nonsense",
    "TASKER_ORCHESTRATION_GRPC_BIND_ADDRESS": "nonsense",
    "TASKER_WORKER_GRPC_BIND_ADDRESS": "nonsense",
    "TASKER_INSTANCE_ID": "!",
    "TASKER_WORKER_ID": "!",
    "TASKER_INSTANCE_PORT": "nonsense",
    "TASKER_JWT_PUBLIC_KEY": "nonsense",
    "TASKER_JWT_PUBLIC_KEY_PATH": "nonsense",
}


@pytest.fixture(scope="module")
def app(tasker_stack: TaskerStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    place = new_place(tasker_stack, tmp_path_factory.mktemp("app"))
    # Core aborts on most of these when it meets them; the app must not care.
    bad = {k: v for k, v in BAD_ENVIRONMENT.items() if k != "DATABASE_URL"}
    with start(place, TASKER_DRAIN_TIMEOUT="0", **bad) as running:
        running.wait_for("Application startup complete")
        yield running


@pytest.fixture(scope="module")
def tasks(app: App) -> dict[str, str]:
    """All tasks at once, so that their waits run side by side."""
    made = {
        "chain": app.create("chain", n=21),
        "flaky": app.create("flaky", fail_times=2),
        "at_once": app.create("at_once", fail_times=2),
        "exhausted": app.create("at_once", fail_times=9),
        "too_slow": app.create("too_slow", n=1, seconds=30),
        "permanent": app.create("permanent"),
        "dsl": app.create("dsl"),
        "choice": app.create("choice", n=20),
        "batches": app.create("batches", n=10),
        "no_batches": app.create("batches", n=0),
        "invalid": app.create("chain", n=-1),
    }
    return made


def ended(app: App, uuid: str) -> tuple[str, dict[str, dict[str, Any]]]:
    task = app.ended(uuid)
    return task["status"], by_name(task)


def result(step: dict[str, Any]) -> Any:
    return step["results"]["result"]


def test_a_task_runs_to_its_end(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["chain"])
    assert status == "complete"
    assert result(steps["first"]) == {"result": [42]}
    assert result(steps["second"]) == {"sum": 42, "db": "pool", "client": True}
    assert f"task={tasks['chain']} in first" in app.log


def test_core_styles_run(app: App, tasks: dict[str, str]) -> None:
    _, steps = ended(app, tasks["dsl"])
    assert result(steps["dsl"]) == {"dsl": 1}


def test_permanent_from_a_class_is_permanent(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["permanent"])
    assert status in ("blocked_by_failures", "error")
    assert steps["permanent"]["attempts"] == 1
    stored = steps["permanent"]["results"]
    assert stored["error"]["error_type"] == "permanent_error"
    assert stored["metadata"]["error_code"] == "E42"


def test_invalid_input_is_permanent(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["invalid"])
    assert status in ("blocked_by_failures", "error")
    error = steps["first"]["results"]["error"]
    assert (error["error_type"], steps["first"]["attempts"]) == ("validation_error", 1)
    assert "n: Input should be greater than or equal to 0" in error["message"]


def test_decision(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["choice"])
    assert status == "complete"
    assert result(steps["big"]) == {"result": "big"}
    assert "small" not in steps


def test_batches_with_checkpoints(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["batches"])
    assert status == "complete"
    # 0..3, 4..7 (both with a checkpoint after 2 items), 8..9
    assert result(steps["total"]) == {"result": [62, 222, 170]}
    status, steps = ended(app, tasks["no_batches"])
    assert status == "complete"
    assert result(steps["total"]) == {"result": []}


def attempts(app: App, step: dict[str, Any]) -> int:
    return int(step["attempts"])


def test_backoff_of_the_template_is_honoured(app: App, tasks: dict[str, str]) -> None:
    """Linear with one second: two failures wait one and two seconds."""
    status, steps = ended(app, tasks["flaky"])
    assert (status, steps["flaky"]["attempts"]) == ("complete", 3)
    created = datetime.fromisoformat(steps["flaky"]["created_at"].replace("Z", "+00:00"))
    done = datetime.fromisoformat(steps["flaky"]["completed_at"].replace("Z", "+00:00"))
    assert (done - created).total_seconds() >= 3


def test_no_backoff_is_at_once_and_attempts_are_bounded(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["at_once"])
    assert (status, steps["flaky"]["attempts"]) == ("complete", 3)
    status, steps = ended(app, tasks["exhausted"])
    assert status in ("blocked_by_failures", "error")
    assert steps["flaky"]["attempts"] == 3
    assert steps["flaky"]["results"]["error"]["message"] == "RuntimeError: attempt 3"


def test_timeout_cancels_and_is_tried_again(app: App, tasks: dict[str, str]) -> None:
    status, steps = ended(app, tasks["too_slow"])
    assert (status, steps["slow"]["attempts"]) == ("complete", 2)
    assert "was cancelled after its timeout of 1 s" in app.log


def test_conflict_list_cancel_and_problems(app: App, tasks: dict[str, str]) -> None:
    body = {"name": "dsl", "namespace": app.place.ns, "context": {"n": 1, "nonce": "same"}}
    first = httpx.post(app.url + "/tasker/tasks", json=body)
    again = httpx.post(app.url + "/tasker/tasks", json=body)
    assert (first.status_code, again.status_code) == (201, 409)
    assert again.headers["content-type"] == "application/problem+json"
    same = httpx.post(app.url + "/tasker/tasks", json={**body, "idempotent": True})
    assert same.json()["task_uuid"] == first.json()["task_uuid"]
    listed = app.get(f"/tasker/tasks?namespace={app.place.ns}&per_page=100").json()
    assert first.json()["task_uuid"] in {t["task_uuid"] for t in listed["tasks"]}
    app.ended(first.json()["task_uuid"])
    cancel = httpx.delete(f"{app.url}/tasker/tasks/{first.json()['task_uuid']}")
    assert cancel.status_code == 422
    missing = httpx.post(app.url + "/tasker/tasks", json={**body, "name": "dsll"})
    assert missing.status_code == 404
    assert f"did you mean '{app.place.ns}/dsl 1.0.0'" in missing.json()["detail"]
    nobody = app.get("/tasker/tasks/00000000-0000-7000-8000-000000000000")
    assert nobody.status_code == 404


def test_list_detail_and_creation_say_the_same_of_a_task(app: App, tasks: dict[str, str]) -> None:
    for name in ("chain", "permanent", "exhausted"):
        app.ended(tasks[name])
    keys = ("status", "completed_at", "recommended_action", "execution_status")

    def same(name: str, *states: str) -> bool:
        """A failed task may go on to the state `error` between the two answers."""
        rows = app.get(f"/tasker/tasks?namespace={app.place.ns}&per_page=100").json()["tasks"]
        row = next(row for row in rows if row["task_uuid"] == tasks[name])
        one = app.task(tasks[name])
        return row["status"] in states and [row[key] for key in keys] == [one[key] for key in keys]

    eventually(lambda: same("chain", "complete"))
    eventually(lambda: same("permanent", "blocked_by_failures", "error"))
    complete = app.task(tasks["chain"])
    assert complete["recommended_action"] is None
    ends = [step["completed_at"] for step in complete["steps"]]
    assert complete["completed_at"] >= max(ends)
    assert app.task(tasks["permanent"])["completed_at"] is None

    context = {"n": 1, "nonce": "names"}
    body = {"name": "chain", "namespace": app.place.ns, "context": context}
    made = httpx.post(app.url + "/tasker/tasks", json=body, timeout=10).json()
    one = app.ended(made["task_uuid"])
    names = [{s["name"]: s["step_uuid"] for s in steps} for steps in (made["steps"], one["steps"])]
    assert names[0] == names[1]


@pytest.mark.parametrize("word", ["completed", "pending", "error"])
def test_a_status_that_no_list_can_be_asked_for(app: App, word: str) -> None:
    answer = app.get(f"/tasker/tasks?status={word}")
    assert answer.status_code == 422
    assert "status must be 'complete' or 'incomplete'" in answer.json()["detail"]
    assert app.get("/tasker/tasks?status=incomplete").status_code == 200


def test_a_hung_handler_makes_unready_and_is_named(app: App) -> None:
    uuid = app.create("hung", n=77)

    def not_ready() -> dict[str, Any] | None:
        answer = app.get("/tasker/ready")
        return answer.json() if answer.status_code == 503 else None

    body = eventually(not_ready)
    assert body is not None
    failing = [c for c in body["components"] if c["status"] == "failed"]
    assert [c["name"] for c in failing] == ["dispatcher"]
    assert f"{app.place.ns}.hung" in failing[0]["detail"]
    # The step itself was answered and its second attempt ran meanwhile.
    status, steps = ended(app, uuid)
    assert (status, steps["hung"]["attempts"]) == ("complete", 2)
    Path(app.place.folder / "release-77").touch()
    eventually(lambda: app.get("/tasker/ready").status_code == 200)


def test_metrics_count_per_handler(app: App, tasks: dict[str, str]) -> None:
    ended(app, tasks["chain"])
    text = app.get("/tasker/metrics").text
    ns = app.place.ns
    name = "tasker_contrib_handler_executions_total"
    assert f'{name}{{handler="{ns}.second",outcome="completed"}}' in text
    ended(app, tasks["permanent"])
    text = app.get("/tasker/metrics").text
    assert f'{name}{{handler="{ns}.permanent",outcome="failed"}} 1.0' in text


def test_one_line_says_why_the_worker_runs(app: App) -> None:
    assert app.log.count("tasker: worker (a database and task templates are configured)") == 1
    assert "worker python-worker-" in app.log
    assert app.place.stack.database_url.split("@")[0] not in app.log
