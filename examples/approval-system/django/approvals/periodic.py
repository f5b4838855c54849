"""Days of waiting cost nothing but rows: one job looks for those that are due.

It reads partial indexes from the front, in batches, so its cost follows what is due and not what
waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from .audit import record
from .models import Round
from .notices import queue
from .outbox import deliver_due, dispatch

BATCH = 100


@dataclass(frozen=True)
class Looked:
    """What one look has found."""

    reminders: int
    escalations: int
    tasks: int

    @property
    def is_full(self) -> bool:
        """Whether more is probably due."""
        return BATCH in (self.reminders, self.escalations, self.tasks)


def look(now: datetime | None = None) -> Looked:
    now = now or timezone.now()
    return Looked(
        reminders=remind_due(now),
        escalations=escalate_due(now),
        tasks=deliver_due(timezone.now(), BATCH),
    )


@transaction.atomic
def remind_due(now: datetime) -> int:
    rounds = list(_due("remind_at", now))
    for round_ in rounds:
        round_.reminders += 1
        round_.remind_at = now + settings.APPROVALS["REMIND_AFTER"]
        round_.save(update_fields=["reminders", "remind_at"])
        silent = [seat.approver for seat in round_.seats.filter(vote=None)]
        event = f"{round_.stage}.reminder-{round_.reminders}"
        text = f"{round_.request} still waits for your decision."
        queue(round_.request, silent, event, f"Reminder: {round_.request}", text)
        names = [user.get_username() for user in silent]
        record(round_.request, "reminded", stage=round_.stage, approvers=names)
        dispatch(round_.request, "remind_approvers", event, round_=round_)
    return len(rounds)


@transaction.atomic
def escalate_due(now: datetime) -> int:
    rounds = list(_due("escalate_at", now))
    for round_ in rounds:
        round_.escalate_at = None
        round_.save(update_fields=["escalate_at"])
        dispatch(round_.request, "escalate_round", round_.stage, "escalated", round_=round_)
    return len(rounds)


def _due(column: str, now: datetime) -> QuerySet[Round]:
    due = Round.objects.filter(status=Round.Status.OPEN, **{f"{column}__lte": now})
    due = due.select_for_update(skip_locked=True, of=["self"]).select_related("request")
    return due.order_by(column)[:BATCH]
