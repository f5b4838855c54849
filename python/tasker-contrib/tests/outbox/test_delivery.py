"""What becomes of a row for each answer of the server."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tasker_contrib import SyncTaskerClient
from tasker_contrib.outbox import OutboxRow
from tasker_contrib.outbox.delivery import (
    LONGEST_WAIT,
    NOT_FOUND_ATTEMPTS,
    Created,
    Dead,
    Later,
    Outcome,
    Pause,
    backoff,
    deliver,
)

OURS = uuid4()


def row(**values: Any) -> OutboxRow:
    options: dict[str, Any] = {"id": 7, "correlation_id": OURS, "context": {"n": 1}} | values
    now = datetime.now(timezone.utc)
    return OutboxRow(created_at=now, namespace="shop", name="ship", version="1.0.0", **options)


def task(correlation: UUID) -> dict[str, Any]:
    return {
        "task_uuid": str(uuid4()),
        "name": "ship",
        "namespace": "shop",
        "version": "1.0.0",
        "status": "pending",
        "context": {"n": 1},
        "correlation_id": str(correlation),
    }


def delivered(
    status: int,
    body: Any = None,
    *,
    of: OutboxRow | None = None,
    listed: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[Outcome, list[dict[str, Any]]]:
    """The outcome when a creation is answered so; the bodies of the creations."""
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            asked.append(json.loads(request.content))
            error = {"error": {"code": "X", "message": "no"}}
            return httpx.Response(status, json=body or error, headers=headers)
        if request.url.path == "/v1/tasks":
            return httpx.Response(200, json={"tasks": [listed] if listed else []})
        return httpx.Response(200, json=listed)

    transport = httpx.MockTransport(answer)
    with SyncTaskerClient("http://tasker", max_retries=0, transport=transport) as client:
        return deliver(client, of or row()), asked


def test_a_created_task_and_what_was_sent() -> None:
    options = {"priority": 5, "tags": ["a"], "reason": "order 7", "initiator": "shop"}
    outcome, [asked] = delivered(200, task(OURS), of=row(options=options))
    assert isinstance(outcome, Created)
    assert outcome.task is not None
    assert asked == {
        "name": "ship",
        "namespace": "shop",
        "version": "1.0.0",
        "context": {"n": 1},
        "correlation_id": str(OURS),
        "source_system": "python",
        **options,
    }


def test_a_conflict_with_what_an_earlier_try_created_is_success() -> None:
    outcome, asked = delivered(409, listed=task(OURS))
    assert isinstance(outcome, Created)
    assert len(asked) == 1


def test_a_conflict_with_somebody_elses_task_is_dead_and_names_it() -> None:
    other = task(uuid4())
    outcome, _ = delivered(409, listed=other)
    assert isinstance(outcome, Dead)
    assert outcome.error.startswith(
        f"task {other['task_uuid']} has the same template and the same context, and was created by "
        "somebody else; discard the row if that task will do."
    )


def test_a_conflict_with_a_task_that_cannot_be_found_is_dead() -> None:
    outcome, _ = delivered(409)
    assert isinstance(outcome, Dead)
    assert "It cannot be told whether this row created it" in outcome.error


@pytest.mark.parametrize("listed", [None, task(uuid4())])
def test_on_conflict_ignore_is_content_with_any_task(listed: dict[str, Any] | None) -> None:
    outcome, [asked] = delivered(409, of=row(options={"on_conflict": "ignore"}), listed=listed)
    assert outcome == Created(None)
    assert "on_conflict" not in asked


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_the_server_refuses_is_dead(status: int) -> None:
    outcome, _ = delivered(status)
    assert outcome == Dead(f"no (HTTP {status})")


@pytest.mark.parametrize("status", [408, 500])
def test_an_error_of_the_server_is_tried_later(status: int) -> None:
    outcome, _ = delivered(status, of=row(attempts=100))
    assert isinstance(outcome, Later)
    assert LONGEST_WAIT / 2 <= outcome.seconds <= LONGEST_WAIT


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 504])
def test_what_concerns_all_rows_is_a_pause(status: int) -> None:
    outcome, _ = delivered(status)
    assert isinstance(outcome, Pause)


def test_the_server_says_how_long_the_pause_is() -> None:
    outcome, _ = delivered(503, headers={"retry-after": "17"})
    assert isinstance(outcome, Pause)
    assert outcome.seconds == 17


def test_a_server_that_is_away_is_a_pause() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client = SyncTaskerClient("http://tasker", max_retries=0, transport=httpx.MockTransport(answer))
    outcome = deliver(client, row())
    assert isinstance(outcome, Pause)
    assert "cannot be reached" in outcome.error


def test_a_template_may_be_registered_soon_but_not_for_ever() -> None:
    outcome, _ = delivered(404)
    assert isinstance(outcome, Later)
    assert "is not registered" in outcome.error
    outcome, _ = delivered(404, of=row(attempts=NOT_FOUND_ATTEMPTS - 1))
    assert isinstance(outcome, Dead)
    assert outcome.error.endswith("(20 tries)")


def test_a_row_that_this_version_does_not_understand_is_left_for_another() -> None:
    outcome, asked = delivered(200, of=row(options={"colour": "red"}))
    assert isinstance(outcome, Later)
    assert "unexpected keyword argument 'colour'" in outcome.error
    assert asked == []


def test_waits_grow_to_a_bound_and_are_spread() -> None:
    for failures, longest in (
        (1, 1.0),
        (2, 2.0),
        (5, 16.0),
        (7, LONGEST_WAIT),
        (1000, LONGEST_WAIT),
    ):
        waits = {backoff(failures) for _ in range(50)}
        assert len(waits) > 1
        assert all(longest / 2 <= wait <= longest for wait in waits)
