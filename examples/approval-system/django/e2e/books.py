"""What the database says, read with SQL that shares nothing with the application."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

DATABASE = os.environ.get("DATABASE_URL", "postgresql://tasker:tasker@127.0.0.1:5432/tasker")

STATUS = "SELECT status FROM approvals_purchaserequest WHERE id = %(pk)s"
ROUNDS = """
    SELECT r.revision, r.stage, r.status,
           (SELECT count(*) FROM approvals_vote v WHERE v.round_id = r.id) AS votes
    FROM approvals_round r WHERE r.request_id = %(pk)s ORDER BY r.revision, r.position"""
BOOKINGS = """
    SELECT revision, kind, amount::text FROM approvals_booking
    WHERE request_id = %(pk)s ORDER BY id"""
EVENTS = """
    SELECT a.revision, a.event, u.username AS actor FROM approvals_auditentry a
    LEFT JOIN auth_user u ON u.id = a.actor_id WHERE a.request_id = %(pk)s ORDER BY a.id"""
MAILS = """
    SELECT u.username AS to, n.subject FROM approvals_notice n
    JOIN auth_user u ON u.id = n.recipient_id
    WHERE n.request_id = %(pk)s AND n.sent_at IS NOT NULL ORDER BY n.id"""
OPEN = """
    SELECT count(*) FROM approvals_round
    WHERE request_id = %(pk)s AND stage = %(stage)s AND status = 'open'"""
UNDONE = """
    SELECT count(*) FROM approvals_dispatch WHERE request_id = %(pk)s AND done_at IS NULL"""


class Books:
    """A connection of its own to the database of the application and of Tasker."""

    def __init__(self) -> None:
        self.connection = self.connect()

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(
            DATABASE, autocommit=True, options="-c search_path=approvals", row_factory=dict_row
        )

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return self.connection.execute(statement, values).fetchall()

    def value(self, statement: str, **values: Any) -> Any:
        (row,) = self.rows(statement, **values)
        (value,) = row.values()
        return value

    def budget(self, code: str) -> int:
        return int(self.value("SELECT id FROM approvals_budget WHERE code = %(code)s", code=code))

    def free(self, code: str) -> str:
        """What a budget has left, in its currency."""
        return str(
            self.value(
                """SELECT b.amount - coalesce(sum(CASE k.kind WHEN 'reserved' THEN k.amount
                                                   WHEN 'released' THEN -k.amount ELSE 0 END), 0)
                   FROM approvals_budget b LEFT JOIN approvals_booking k ON k.budget_id = b.id
                   WHERE b.code = %(code)s GROUP BY b.id""",
                code=code,
            )
        )

    def audit(self, pk: int) -> dict[str, Any]:
        """Everything about a request."""
        return {
            "status": self.value(STATUS, pk=pk),
            "rounds": [
                f"r{row['revision']} {row['stage']} {row['status']}, votes: {row['votes']}"
                for row in self.rows(ROUNDS, pk=pk)
            ],
            "bookings": [
                f"r{row['revision']} {row['kind']} {row['amount']}"
                for row in self.rows(BOOKINGS, pk=pk)
            ],
            "history": [
                f"r{row['revision']} {row['actor'] or 'system'}: {row['event']}"
                for row in self.rows(EVENTS, pk=pk)
            ],
            "mails": [
                f"{row['to']}: {row['subject'].replace(f'#{pk} ', '')}"
                for row in self.rows(MAILS, pk=pk)
            ],
        }

    def settled(self, pk: int, status: str) -> None:
        """Wait until a request has a status and its tasks have done their work."""
        until(
            lambda: self.value(STATUS, pk=pk) == status and not self.value(UNDONE, pk=pk),
            lambda: f"request {pk} is not {status}: {self.audit(pk)}",
        )

    def asked(self, pk: int, stage: str) -> None:
        """Wait until a stage is open and those who are asked know it."""
        until(
            lambda: self.value(OPEN, pk=pk, stage=stage) and not self.value(UNDONE, pk=pk),
            lambda: f"{stage} is not asked about request {pk}: {self.audit(pk)}",
        )


def until(is_so: Callable[[], bool], otherwise: Callable[[], str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"{otherwise()} (after {seconds:g} s)")
        time.sleep(0.02)
