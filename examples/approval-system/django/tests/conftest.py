"""A real PostgreSQL for every test, and the people of the demo."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django.test import override_settings
from tasker_contrib_django.testing import TaskerStack, WorkflowRun, run_workflow

from approvals import actions, step_handlers  # noqa: F401
from approvals.models import Booking, Budget, Dispatch, Line, PurchaseRequest, Round

APP_DIR = Path(__file__).resolve().parents[1]
EXAMPLE_DIR = APP_DIR.parent


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tasker_stack: TaskerStack) -> None:
    url = urlsplit(tasker_stack.database_url)
    connections["default"].settings_dict.update(
        HOST=url.hostname, PORT=url.port, USER=url.username, PASSWORD=url.password
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """People, groups and budgets, made once."""
    # Their passwords need no slow hash.
    hashers = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
    with django_db_blocker.unblock(), hashers:
        call_command("demo", stdout=io.StringIO())


@pytest.fixture
def company(db: None) -> Company:
    """The people and budgets of the demo, in a transaction that is taken back."""
    return Company()


@pytest.fixture
def lasting_company(transactional_db: None) -> Iterator[Company]:
    """The same for tests with real commits, whose tables are emptied afterwards."""
    trigger("ENABLE")
    call_command("demo", stdout=io.StringIO())
    yield Company()
    # It refuses to have its table emptied; only the table's owner can switch it off.
    trigger("DISABLE")


def trigger(switch: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE approvals_auditentry {switch} TRIGGER audit_is_final")


class Company:
    """What tests do again and again."""

    def user(self, name: str) -> User:
        return User.objects.get(username=name)

    def request(self, who: str = "erik", total: str = "100.00", budget: str = "it") -> int:
        """A draft of one line."""
        request = PurchaseRequest.objects.create(
            requester=self.user(who), budget=Budget.objects.get(code=budget), title="Chairs"
        )
        Line.objects.create(
            request=request, description="chair", quantity=1, unit_price=Decimal(total)
        )
        return request.pk

    def submitted(self, who: str = "erik", total: str = "100.00", budget: str = "it") -> int:
        """A request that waits in its first round, unless the budget does not suffice."""
        pk = self.request(who, total, budget)
        actions.submit(pk, self.user(who))
        self.work()
        return pk

    def work(self) -> list[str]:
        """Run every task that is there, and the tasks that they lead to, in memory."""
        done = []
        while rows := list(Dispatch.objects.filter(done_at=None)):
            for row in rows:
                run_task(row).assert_complete()
                done.append(row.key)
        return done

    def open_round(self, pk: int) -> Round:
        return Round.objects.get(request=pk, status="open")

    def vote(self, pk: int, who: str, verdict: str = "approve", *, work: bool = True) -> None:
        actions.vote(self.open_round(pk).pk, self.user(who), verdict)
        if work:
            self.work()

    def bookings(self, pk: int) -> list[tuple[int, str, str]]:
        found = Booking.objects.filter(request=pk).order_by("pk")
        return [(one.revision, one.kind, str(one.amount)) for one in found]

    def status(self, pk: int) -> str:
        return PurchaseRequest.objects.get(pk=pk).status

    def rounds(self, pk: int) -> list[tuple[int, str, str]]:
        found = Round.objects.filter(request=pk).order_by("revision", "position")
        return [(one.revision, one.stage, one.status) for one in found]


def run_task(row: Dispatch) -> WorkflowRun:
    return run_workflow(f"{row.template}.yaml", {**row.context, "attempt": row.attempt})
