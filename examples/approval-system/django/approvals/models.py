"""The books of the approval system.

What must never happen is refused by the database: two bookings of one kind, two votes of one
person in a round, a changed audit trail.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NoReturn

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q, Sum

USER = settings.AUTH_USER_MODEL
CENT = MinValueValidator(Decimal("0.01"))


def money(**options: Any) -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(max_digits=12, decimal_places=2, **options)


class Employee(models.Model):
    """Who somebody's manager is; roles are Django's groups."""

    user = models.OneToOneField(USER, models.CASCADE)
    manager = models.ForeignKey(USER, models.PROTECT, null=True, blank=True, related_name="team")

    def __str__(self) -> str:
        return str(self.user)


class Budget(models.Model):
    code = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    amount = money(validators=[CENT])

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def total(self, *kinds: str) -> Decimal:
        bookings = self.bookings.filter(kind__in=kinds)
        found: Decimal = bookings.aggregate(total=Sum("amount", default=Decimal(0)))["total"]
        return found

    @property
    def free(self) -> Decimal:
        """What can still be reserved."""
        return self.amount - self.total("reserved") + self.total("released")


class PurchaseRequest(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        SUBMITTED = "submitted", "being checked"
        WAITING = "waiting", "waiting for approval"
        # The last vote is in; the money is being booked.
        SETTLING = "settling", "being booked"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        UNFUNDED = "unfunded", "declined: over budget"
        WITHDRAWN = "withdrawn", "withdrawn"

    # The requester may still change or withdraw it.
    OPEN = (Status.SUBMITTED.value, Status.WAITING.value)

    requester = models.ForeignKey(USER, models.PROTECT, related_name="purchase_requests")
    budget = models.ForeignKey(Budget, models.PROTECT)
    title = models.CharField(max_length=120)
    reason = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    # A change makes a new revision, and the chain starts again.
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        permissions = [("view_every_request", "Can see the requests of others")]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def total(self) -> Decimal:
        return sum((line.total for line in self.lines.all()), Decimal(0))


class Line(models.Model):
    request = models.ForeignKey(PurchaseRequest, models.CASCADE, related_name="lines")
    description = models.CharField(max_length=120)
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    unit_price = money(validators=[CENT])

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.description}"

    @property
    def total(self) -> Decimal:
        return Decimal(self.quantity * self.unit_price)


class Booking(models.Model):
    """A movement of a budget. Each revision of a request is reserved once and ends once."""

    class Kind(models.TextChoices):
        RESERVED = "reserved"
        RELEASED = "released"
        SPENT = "spent"

    budget = models.ForeignKey(Budget, models.PROTECT, related_name="bookings")
    request = models.ForeignKey(PurchaseRequest, models.PROTECT, related_name="bookings")
    revision = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = money(validators=[CENT])
    booked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint("request", "revision", "kind", name="booked_once"),
            models.UniqueConstraint(
                "request",
                "revision",
                condition=Q(kind__in=["released", "spent"]),
                name="released_or_spent",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="booked_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class Round(models.Model):
    """One stage of one revision's chain, and when somebody must be reminded of it."""

    class Stage(models.TextChoices):
        MANAGER = "manager"
        FINANCE = "finance"
        BOARD = "board"

    class Status(models.TextChoices):
        PLANNED = "planned"
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        VOID = "void"

    request = models.ForeignKey(PurchaseRequest, models.PROTECT, related_name="rounds")
    revision = models.PositiveIntegerField()
    position = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=8, choices=Stage.choices)
    quorum = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PLANNED)
    opened_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    remind_at = models.DateTimeField(null=True, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["revision", "position"]
        constraints = [
            models.UniqueConstraint("request", "revision", "stage", name="one_round_per_stage"),
            models.UniqueConstraint(
                "request", condition=Q(status="open"), name="one_open_round_per_request"
            ),
        ]
        indexes = [
            # The periodic job reads these from the front and stops at the first that is not due.
            models.Index("remind_at", condition=Q(status="open"), name="round_remind_at"),
            models.Index("escalate_at", condition=Q(status="open"), name="round_escalate_at"),
        ]

    def __str__(self) -> str:
        return f"{self.request} r{self.revision} {self.stage}"


class Seat(models.Model):
    """Somebody who is asked in a round."""

    round = models.ForeignKey(Round, models.PROTECT, related_name="seats")
    approver = models.ForeignKey(USER, models.PROTECT, related_name="seats")
    escalated = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint("round", "approver", name="one_seat_per_person")]

    def __str__(self) -> str:
        return str(self.approver)


class Vote(models.Model):
    """The answer from a seat, given by its approver or by a delegate."""

    class Verdict(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"

    seat = models.OneToOneField(Seat, models.PROTECT)
    round = models.ForeignKey(Round, models.PROTECT, related_name="votes")
    actor = models.ForeignKey(USER, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    comment = models.CharField(max_length=400, blank=True)
    cast_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint("round", "actor", name="one_vote_per_person")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.verdict}"


class Delegation(models.Model):
    """While `principal` is away, `delegate` answers, from the first day to the last."""

    principal = models.ForeignKey(USER, models.CASCADE, related_name="delegations")
    delegate = models.ForeignKey(USER, models.CASCADE, related_name="deputy_for")
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        ordering = ["-first_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="delegation_ends_after_it_begins",
                violation_error_message="The last day is before the first.",
            ),
            models.CheckConstraint(
                condition=~Q(principal=F("delegate")),
                name="delegation_to_somebody_else",
                violation_error_message="Nobody can be their own delegate.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.principal}"


class AuditIsFinal(Exception):
    """The audit trail is written once and never changed."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **_: Any) -> NoReturn:
        raise AuditIsFinal("audit entries cannot be changed")

    def delete(self) -> NoReturn:
        raise AuditIsFinal("audit entries cannot be deleted")

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise AuditIsFinal("audit entries cannot be changed")


class AuditEntry(models.Model):
    """What happened, who did it. A trigger in the database refuses changes that go around this."""

    request = models.ForeignKey(PurchaseRequest, models.PROTECT, related_name="audit")
    revision = models.PositiveIntegerField()
    event = models.CharField(max_length=40)
    # Nobody: the system did it.
    actor = models.ForeignKey(USER, models.PROTECT, null=True, blank=True, related_name="+")
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)
    # What a step writes carries a key, so that a second run of the step writes nothing.
    key = models.CharField(max_length=80, null=True, unique=True)  # noqa: DJ001

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return ", ".join([self.event, *self._details()])

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditIsFinal("audit entries cannot be changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AuditIsFinal("audit entries cannot be deleted")

    def _details(self) -> list[str]:
        return [
            f"{name}: {', '.join(value) if isinstance(value, list) else value}"
            for name, value in self.detail.items()
            if value
        ]


class Notice(models.Model):
    """An e-mail to somebody, once per key."""

    request = models.ForeignKey(PurchaseRequest, models.PROTECT, related_name="notices")
    recipient = models.ForeignKey(USER, models.PROTECT, related_name="+")
    key = models.CharField(max_length=80, unique=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.subject


class Dispatch(models.Model):
    """A task that Tasker has to do, written in the transaction that makes it necessary."""

    request = models.ForeignKey(PurchaseRequest, models.PROTECT, related_name="dispatches")
    template = models.CharField(max_length=40)
    # Request, revision, round and decision: the same event never makes two of them.
    key = models.CharField(max_length=80, unique=True)
    context = models.JSONField()
    attempt = models.PositiveSmallIntegerField(default=1)
    task_uuid = models.UUIDField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # When the periodic job looks at it again, unless the task's last step has set `done_at`.
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "dispatches"
        indexes = [
            models.Index("due_at", condition=Q(done_at__isnull=True), name="dispatch_due_at")
        ]

    def __str__(self) -> str:
        return self.key
