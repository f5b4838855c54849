"""Tasks in the outbox: rows of the project's transactions, and what the relay makes of them."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import TestCase, TransactionTestCase, modify_settings, override_settings
from tasker_contrib.errors import (
    TaskerConfigError,
    TaskerContribError,
    TaskerValidationError,
)

import tasker_contrib_django as tasker
from tasker_contrib_django.checks import check_settings
from tasker_contrib_django.outbox.models import OutboxEntry
from tasker_contrib_django.outbox.store import DjangoStore
from tasker_contrib_django.signals import task_created
from tasker_contrib_django.testing import TaskerMixin, relay_outbox
from tests.project.shop.models import Order


def call(*words: str) -> str:
    out = io.StringIO()
    call_command("tasker", "outbox", *words, stdout=out)
    return out.getvalue()


class InTransactions(TaskerMixin, TransactionTestCase):
    databases = frozenset({"default", "other"})

    def test_both_or_neither(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Order.objects.create(amount=1)
            tasker.create_task("lost", {"n": 1}, outbox=True)
            raise ZeroDivisionError
        assert (Order.objects.count(), OutboxEntry.objects.count(), relay_outbox()) == (0, 0, 0)
        with transaction.atomic():
            order = Order.objects.create(amount=1)
            request = tasker.create_task("kept", {"order": order.pk}, namespace="shop", outbox=True)
        assert self.tasker.created == []
        assert request.outbox_id == OutboxEntry.objects.get().pk
        with pytest.raises(TaskerContribError, match="a relay creates it from row"):
            _ = request.task_uuid
        assert relay_outbox() == 1
        [created] = self.tasker.created
        assert (created.name, created.context) == ("kept", {"order": order.pk})
        assert created.request["initiator"] == "tasker-contrib-django"
        assert OutboxEntry.objects.count() == 0

    def test_using(self) -> None:
        with transaction.atomic(using="other"):
            tasker.create_task("a", {"n": 1}, using="other", outbox=True)
        assert OutboxEntry.objects.count() == 0
        assert OutboxEntry.objects.using("other").count() == 1
        assert (relay_outbox(), relay_outbox(using="other")) == (0, 1)

    @override_settings(TASKER={"OUTBOX": True})
    def test_the_setting_makes_it_the_default(self) -> None:
        tasker.create_task("in", {"n": 1})
        tasker.create_task("out", {"n": 2}, outbox=False)
        tasker.create_task("now", {"n": 3}, on_commit=False)
        assert [task.name for task in self.tasker.created] == ["out", "now"]
        assert [entry.name for entry in OutboxEntry.objects.all()] == ["in"]

    def test_async(self) -> None:
        async def create() -> tasker.TaskRequest:
            return await tasker.acreate_task("a", {"n": 1}, outbox=True, ordering_key="k")

        with transaction.atomic():
            request = async_to_sync(create)()
        entry = OutboxEntry.objects.get(pk=request.outbox_id)
        assert (entry.name, entry.ordering_key) == ("a", "k")


class InTestCase(TaskerMixin, TestCase):
    def test_options_are_kept(self) -> None:
        parent = "01a20b62-a65a-7d56-8f80-2c60f95d2b82"
        tasker.create_task(
            "a",
            {"n": 1},
            outbox=True,
            version="2.0.0",
            tags=["x"],
            reason="because",
            correlation_id=parent,
            parent_correlation_id=parent,
        )
        assert relay_outbox() == 1
        sent = self.tasker.created[0].request
        assert (sent["version"], sent["tags"], sent["reason"]) == ("2.0.0", ["x"], "because")
        assert (sent["correlation_id"], sent["parent_correlation_id"]) == (parent, parent)

    def test_a_task_of_somebody_else(self) -> None:
        tasker.client.create_task("a", {"n": 1})
        tasker.create_task("a", {"n": 1}, outbox=True)
        tasker.create_task("a", {"n": 1}, outbox=True, idempotent=True)
        assert relay_outbox() == 1
        entry = OutboxEntry.objects.get()
        assert entry.dead_at is not None
        assert "was created by somebody else" in str(entry.last_error)

    def test_a_server_that_is_away_costs_no_try(self) -> None:
        tasker.create_task("a", {"n": 1}, outbox=True)
        tasker.create_task("a", {"n": 2}, outbox=True)
        self.tasker.fails_with = 503
        with override_settings(TASKER={"ORCHESTRATION": {"MAX_RETRIES": 0}}):
            assert relay_outbox() == 0
        first, second = OutboxEntry.objects.order_by("pk")
        assert (first.attempts, second.attempts) == (0, 0)
        assert first.last_error
        assert not second.last_error
        self.tasker.fails_with = None
        DjangoStore().retry([entry.pk for entry in OutboxEntry.objects.all()])
        assert relay_outbox() == 2

    def test_the_order_of_a_key_and_what_holds_it_back(self) -> None:
        for n in range(3):
            tasker.create_task("a", {"n": n}, outbox=True, ordering_key="k")
        tasker.create_task("a", {"n": 9}, outbox=True)
        self.tasker.fails_with = 422
        assert relay_outbox() == 0
        self.tasker.fails_with = None
        assert OutboxEntry.objects.filter(dead_at__isnull=False).count() == 2
        assert relay_outbox() == 0
        assert call("retry", "--all-dead") == "2 rows will be tried now\n"
        assert relay_outbox() == 4
        created = [task.context["n"] for task in self.tasker.created]
        assert [n for n in created if n != 9] == [0, 1, 2]

    def test_the_signal_comes_from_the_relay(self) -> None:
        seen: list[str] = []

        def receiver(task: tasker.Task, **_: Any) -> None:
            seen.append(task.name)

        task_created.connect(receiver)
        self.addCleanup(task_created.disconnect, receiver)
        tasker.create_task("a", {"n": 1}, outbox=True)
        assert seen == []
        relay_outbox()
        assert seen == ["a"]

    def test_the_commands_of_an_operator(self) -> None:
        first = tasker.create_task("a", {"n": 1}, namespace="shop", outbox=True).outbox_id
        second = tasker.create_task("a", {"n": 2}, outbox=True).outbox_id
        self.tasker.fails_with = 422
        relay_outbox()
        tasker.create_task("b", {"n": 3}, outbox=True)
        text = call("list")
        row = rf"{first}  shop/a 1\.0\.0  dead, for \d+ s, after 1 failure\n    the test asked"
        assert re.search(row, text)
        assert re.search(r"1 open \(the oldest for \d+ s\), 2 dead\n$", text)
        found = json.loads(call("list", "--dead", "--json"))
        assert [row["id"] for row in found["rows"]] == [first, second]
        assert call("discard", str(first)) == "1 row discarded\n"
        with pytest.raises(CommandError, match=r"which rows\?\n  fix: give their ids"):
            call("discard")
        with pytest.raises(CommandError, match="no row has the id 0"):
            call("retry", "0")
        with pytest.raises(CommandError, match="'default' is SQLite, and the relay needs"):
            call("relay")

    def test_no_server_is_needed_to_write(self) -> None:
        self.tasker.fails_with = 500
        assert tasker.create_task("a", {"n": 1}, outbox=True).outbox_id is not None

    def test_mistakes_are_said_at_the_call(self) -> None:
        with pytest.raises(TaskerValidationError, match="on_commit=False creates at once"):
            tasker.create_task("a", {}, on_commit=False, outbox=True)
        with pytest.raises(TaskerValidationError, match="ordering_key is for tasks of the outbox"):
            tasker.create_task("a", {}, ordering_key="k")
        with pytest.raises(TaskerValidationError, match="create_task has no option 'prority'"):
            tasker.create_task("a", {}, outbox=True, prority=1)
        with pytest.raises(TaskerValidationError, match="the context cannot be stored"):
            tasker.create_task("a", {"text": "\0"}, outbox=True)
        assert OutboxEntry.objects.count() == 0


@modify_settings(INSTALLED_APPS={"remove": "tasker_contrib_django.outbox"})
def test_without_the_app() -> None:
    assert not apps.is_installed("tasker_contrib_django.outbox")
    with pytest.raises(TaskerConfigError, match=r'add "tasker_contrib_django\.outbox" to'):
        tasker.create_task("a", {}, outbox=True)
    with override_settings(TASKER={"OUTBOX": True}):
        assert [message.id for message in check_settings()] == ["tasker.E005"]
    assert check_settings() == []
    with override_settings(TASKER={"OUTBOX": "yes"}):
        [message] = check_settings()
    assert message.msg == "TASKER[\"OUTBOX\"] = 'yes': must be True or False"


@pytest.mark.django_db
def test_the_migration_is_up_to_date() -> None:
    call_command("makemigrations", "tasker_outbox", check=True, dry_run=True, verbosity=0)


def test_the_table_is_that_of_the_other_frameworks() -> None:
    from tasker_contrib.outbox import TABLE, ddl

    columns = {field.column for field in OutboxEntry._meta.concrete_fields}
    lines = ddl().split("(\n", 1)[1].split("\n)", 1)[0].splitlines()
    assert columns == {line.split()[0] for line in lines}
    assert OutboxEntry._meta.db_table == TABLE
