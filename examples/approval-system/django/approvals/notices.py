"""E-mails: written with what they are about, sent by a step."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from .models import Notice, PurchaseRequest


def queue(
    request: PurchaseRequest, recipients: Iterable[User], event: str, subject: str, text: str
) -> None:
    """Write an e-mail to each recipient, once per event."""
    address = settings.APPROVALS["URL"] + reverse("request", args=[request.pk])
    notices = [
        Notice(
            request=request,
            recipient=recipient,
            key=f"request-{request.pk}.r{request.revision}.{event}.{recipient.pk}",
            subject=subject,
            body=f"Dear {recipient.get_full_name() or recipient},\n\n{text}\n\n{address}\n",
        )
        for recipient in recipients
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def send_waiting(request_id: int) -> int:
    """Send what a request has to say, and return how many e-mails that were.

    If the process dies between an e-mail and the commit it is sent again, with the same Message-ID.
    """
    sent = 0
    while _send_one(request_id):
        sent += 1
    return sent


@transaction.atomic
def _send_one(request_id: int) -> bool:
    waiting = Notice.objects.filter(request=request_id, sent_at=None)
    notice = waiting.select_for_update(skip_locked=True, of=["self"]).order_by("pk").first()
    if notice is None:
        return False
    EmailMessage(
        subject=notice.subject,
        body=notice.body,
        to=[notice.recipient.email],
        headers={"Message-ID": f"<{notice.key}@approvals.example.com>"},
    ).send()
    notice.sent_at = timezone.now()
    notice.save(update_fields=["sent_at"])
    return True
