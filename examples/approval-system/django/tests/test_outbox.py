"""No task is lost, none is done twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from django.utils import timezone

from approvals import actions, engine, outbox
from approvals.models import Dispatch
from tests.conftest import Company

NAMES = UUID(int=0)


class Tasker:
    """Stands for the server: the same context is the same task."""

    def __init__(self) -> None:
        self.is_up = True
        self.created: list[dict[str, Any]] = []
        self.tasks: dict[UUID, engine.Task] = {}

    def create(self, template: str, context: dict[str, Any]) -> UUID:
        if not self.is_up:
            raise engine.Unavailable("the server is away")
        self.created.append(context)
        uuid = uuid5(NAMES, f"{template} {context}")
        self.tasks[uuid] = engine.Task("steps_in_process", False, [])
        return uuid

    def look(self, uuid: UUID) -> engine.Task | None:
        if not self.is_up:
            raise engine.Unavailable("the server is away")
        return self.tasks.get(uuid)


@pytest.fixture
def tasker(monkeypatch: pytest.MonkeyPatch) -> Tasker:
    tasker = Tasker()
    monkeypatch.setattr(engine, "create", tasker.create)
    monkeypatch.setattr(engine, "look", tasker.look)
    return tasker


def submit(company: Company, capture: Any) -> Dispatch:
    pk = company.request()
    with capture(execute=True):
        actions.submit(pk, company.user("erik"))
    return Dispatch.objects.get(request=pk)


def in_(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


def test_a_task_is_created_after_the_commit(
    company: Company, tasker: Tasker, django_capture_on_commit_callbacks: Any
) -> None:
    pk = company.request()
    with django_capture_on_commit_callbacks(execute=True):
        actions.submit(pk, company.user("erik"))
        assert tasker.created == []
    assert [context["key"] for context in tasker.created] == [f"request-{pk}.r1.submitted"]


def test_a_task_whose_process_died_after_the_commit_is_created_later(
    company: Company, tasker: Tasker
) -> None:
    actions.submit(company.request(), company.user("erik"))
    assert outbox.deliver_due(timezone.now(), 100) == 0, "the process may still do it itself"
    assert outbox.deliver_due(in_(1), 100) == 1
    assert outbox.deliver_due(in_(1), 100) == 0
    assert len(tasker.created) == 1


def test_while_the_server_is_away_people_can_work(
    company: Company, tasker: Tasker, django_capture_on_commit_callbacks: Any
) -> None:
    tasker.is_up = False
    row = submit(company, django_capture_on_commit_callbacks)
    assert (row.task_uuid, row.error) == (None, "the server is away")
    assert outbox.deliver_due(in_(1), 100) == 0
    tasker.is_up = True
    assert outbox.deliver_due(in_(30), 100) == 1
    row.refresh_from_db()
    assert (row.task_uuid is not None, row.error) == (True, "")


def test_a_task_that_moves_is_left_alone(
    company: Company, tasker: Tasker, django_capture_on_commit_callbacks: Any
) -> None:
    row = submit(company, django_capture_on_commit_callbacks)
    assert row.task_uuid is not None
    recently = engine.Step("reserve_budget", "in_progress", in_(10.5))
    waiting = engine.Step("choose_chain", "enqueued", in_(-500))
    answered = engine.Step("plan_manager", "enqueued_for_orchestration", in_(-30))
    tasker.tasks[row.task_uuid] = engine.Task(
        "steps_in_process", False, [recently, waiting, answered]
    )
    assert outbox.deliver_due(in_(11), 100) == 0
    assert len(tasker.created) == 1


@pytest.mark.parametrize(
    "task",
    [
        engine.Task("complete", True, []),
        engine.Task("blocked_by_failures", True, []),
        engine.Task(
            "steps_in_process", False, [engine.Step("reserve_budget", "in_progress", in_(0))]
        ),
        None,
    ],
    ids=["ended too early", "failed", "its worker died", "gone"],
)
def test_a_task_that_came_to_nothing_gets_a_successor(
    company: Company,
    tasker: Tasker,
    django_capture_on_commit_callbacks: Any,
    task: engine.Task | None,
) -> None:
    row = submit(company, django_capture_on_commit_callbacks)
    assert row.task_uuid is not None
    if task:
        tasker.tasks[row.task_uuid] = task
    else:
        del tasker.tasks[row.task_uuid]
    assert outbox.deliver_due(in_(11), 100) == 1
    assert [context["attempt"] for context in tasker.created] == [1, 2]
    row.refresh_from_db()
    assert row.due_at > in_(19), "the second try has twice the time"


def test_a_task_that_is_done_is_never_repeated(
    company: Company, tasker: Tasker, django_capture_on_commit_callbacks: Any
) -> None:
    row = submit(company, django_capture_on_commit_callbacks)
    company.work()
    assert outbox.deliver_due(in_(60 * 24 * 365), 100) == 0
    assert outbox.send(row.pk)
    assert len(tasker.created) == 1


def test_the_same_event_is_one_dispatch(company: Company, tasker: Tasker) -> None:
    from approvals.models import PurchaseRequest

    request = PurchaseRequest.objects.get(pk=company.request())
    for _ in range(2):
        outbox.dispatch(request, "submit_request", "submitted")
    assert Dispatch.objects.count() == 1
