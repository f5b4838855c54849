"""Tasks are created when their transaction commits."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connections, transaction
from django.test import TestCase, TransactionTestCase, override_settings
from pydantic import BaseModel
from tasker_contrib.errors import TaskerContribError, TaskerUnavailable, TaskerValidationError
from tasker_contrib.events import TaskerEvent

import tasker_contrib_django as tasker
from tasker_contrib_django._internal._contract import EVENT_DATA, TASK_CREATED
from tasker_contrib_django.signals import task_created
from tasker_contrib_django.testing import TaskerMixin
from tests.project.shop.models import Order


class OnCommit(TaskerMixin, TransactionTestCase):
    databases = frozenset({"default", "other"})

    def names(self) -> list[str]:
        return [task.name for task in self.tasker.created]

    def test_without_a_transaction_at_once(self) -> None:
        request = tasker.create_task("a", {"n": 1}, namespace="shop", tags=["x"])
        assert request.task_uuid == self.tasker.created[0].task_uuid
        sent = self.tasker.created[0].request
        assert (sent["namespace"], sent["tags"]) == ("shop", ["x"])
        assert (sent["initiator"], sent["source_system"]) == ("tasker-contrib-django", "django")

    def test_with_the_outermost_commit(self) -> None:
        with transaction.atomic():
            with transaction.atomic():
                request = tasker.create_task("inner", {"n": 1})
            assert self.names() == []
            with pytest.raises(TaskerContribError, match="created when the transaction commits"):
                _ = request.task_uuid
        assert self.names() == ["inner"]
        assert request.task_uuid == self.tasker.created[0].task_uuid

    def test_not_after_a_rollback(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tasker.create_task("lost", {"n": 1})
            raise ZeroDivisionError
        with transaction.atomic():
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                tasker.create_task("inner", {"n": 2})
                raise ZeroDivisionError
            tasker.create_task("outer", {"n": 3})
        assert self.names() == ["outer"]

    def test_using_names_the_database_that_counts(self) -> None:
        with transaction.atomic(using="other"):
            tasker.create_task("now", {"n": 1})
            tasker.create_task("later", {"n": 2}, using="other")
            assert self.names() == ["now"]
        assert self.names() == ["now", "later"]
        with pytest.raises(Exception, match="doesn't exist"):
            tasker.create_task("typo", {"n": 3}, using="othr")

    def test_on_commit_false_does_not_wait(self) -> None:
        with transaction.atomic():
            assert tasker.create_task("now", {"n": 1}, on_commit=False).task is not None

    def test_a_server_that_refuses_breaks_no_other_callback(self) -> None:
        others: list[int] = []
        with self.assertLogs("tasker_contrib_django", logging.ERROR) as logs, transaction.atomic():
            self.tasker.fails_with = 422
            request = tasker.create_task("refused", {"n": 1}, namespace="shop")
            transaction.on_commit(lambda: others.append(1))
        assert others == [1]
        assert request.task is None
        assert "task shop/refused was not created after the commit" in logs.output[0]

    def test_without_a_transaction_the_error_reaches_the_caller(self) -> None:
        self.tasker.fails_with = 422
        with pytest.raises(TaskerValidationError, match="HTTP 422"):
            tasker.create_task("refused", {"n": 1})

    def test_the_context_is_the_one_of_the_call(self) -> None:
        context: dict[str, Any] = {"items": [1]}
        with transaction.atomic():
            tasker.create_task("a", context)
            context["items"].append(2)
        assert self.tasker.created[0].context == {"items": [1]}

    def test_autocommit_off_is_said_as_django_says_it(self) -> None:
        transaction.set_autocommit(False)
        try:
            with pytest.raises(transaction.TransactionManagementError, match="on_commit"):
                tasker.create_task("a", {})
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)

    def test_async(self) -> None:
        async def create() -> tasker.TaskRequest:
            return await tasker.acreate_task("a", {"n": 1})

        assert async_to_sync(create)().task is not None
        with transaction.atomic():
            # The code that async code runs in is this thread, and its transaction is this one.
            request = async_to_sync(create_second)()
            assert request.task is None
        assert request.task is not None


async def create_second() -> tasker.TaskRequest:
    return await tasker.acreate_task("b", {"n": 2})


class InTestCase(TaskerMixin, TestCase):
    """A TestCase never commits; Django's own helper runs what would come after."""

    def test_nothing_is_created_without_the_helper(self) -> None:
        tasker.create_task("a", {"n": 1})
        assert self.tasker.created == []

    def test_with_the_helper(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            order = Order.objects.create(amount=1)
            tasker.create_task("a", {"order": order.pk})
        assert len(callbacks) == 1
        assert self.tasker.created[0].context == {"order": order.pk}

    async def test_async_too(self) -> None:
        request = await tasker.acreate_task("a", {"n": 1})
        assert request.task is None  # the test's transaction is the one of the sync thread


class Item(BaseModel):
    sku: str


def test_models_and_what_json_cannot_hold_are_refused_at_the_call(fake_tasker: Any) -> None:
    with pytest.raises(TaskerValidationError) as caught:
        tasker.create_task("a", {"orders": [{"order": Order(pk=3)}]})
    assert str(caught.value) == (
        "the context has the model instance Order(pk=3) at ['orders'][0]['order'], which cannot be "
        "stored as JSON, and the row may change before the next step reads it: pass its key, and "
        "query it where it is needed"
    )
    with pytest.raises(TaskerValidationError, match="a query set of Order"):
        tasker.create_task("a", {"orders": Order.objects.all()})
    with pytest.raises(TaskerValidationError, match="not JSON"):
        tasker.create_task("a", {"a": object()})
    with pytest.raises(TaskerValidationError, match="must be a JSON object"):
        tasker.create_task("a", [1])  # type: ignore[arg-type]
    assert fake_tasker.created == []


@pytest.mark.django_db
def test_pydantic_contexts(fake_tasker: Any) -> None:
    tasker.create_task("a", Item(sku="x"), on_commit=False)
    assert fake_tasker.created[0].context == {"sku": "x"}


@pytest.mark.django_db
def test_the_input_schema_of_the_template_is_checked(fake_tasker: Any) -> None:
    with pytest.raises(TaskerValidationError, match="order_id: 'x' is not of type 'integer'"):
        tasker.create_task("order", {"order_id": "x"}, namespace="shop", on_commit=False)


@pytest.mark.django_db
def test_the_signal_has_the_task_and_cannot_break_the_caller(
    fake_tasker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[tasker.Task, TaskerEvent]] = []

    def bad(**_: Any) -> None:
        raise DatabaseError("receiver")

    def good(task: tasker.Task, event: TaskerEvent, **_: Any) -> None:
        seen.append((task, event))

    task_created.connect(bad)
    task_created.connect(good)
    try:
        request = tasker.create_task("a", {"n": 1}, namespace="shop", on_commit=False)
    finally:
        task_created.disconnect(bad)
        task_created.disconnect(good)
    [(task, event)] = seen
    assert task == request.task
    assert (event.name, event.task_uuid, event.namespace) == (
        TASK_CREATED,
        request.task_uuid,
        "shop",
    )
    assert tuple(event.data) == EVENT_DATA[TASK_CREATED]
    assert "failed on task_created" in caplog.text


@pytest.mark.django_db
def test_off_and_unreachable_are_said() -> None:
    with pytest.raises(
        TaskerContribError, match="Tasker is off in this process: tests are running"
    ):
        tasker.create_task("a", {})
    value = {"MODE": "client", "ORCHESTRATION": {"URL": "http://127.0.0.1:9", "MAX_RETRIES": 0}}
    with override_settings(TASKER=value), pytest.raises(TaskerUnavailable, match=r"127\.0\.0\.1:9"):
        tasker.create_task("a", {}, on_commit=False)
    assert not connections["default"].needs_rollback
