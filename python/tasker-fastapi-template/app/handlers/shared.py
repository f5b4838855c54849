"""What both workflows are about, and the steps that both end with."""

from __future__ import annotations

import logging
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel
from tasker_contrib_fastapi import Input, PermanentError, step_handler

from app.documents.store import DocumentsDep
from app.models import Status

logger = logging.getLogger(__name__)


class Job(BaseModel):
    """The context of a task."""

    document_id: UUID


Task = Annotated[Job, Input()]


class Moved(BaseModel):
    """The status that a document has after a step."""

    status: Status


class Told(BaseModel):
    status: Status
    sent: bool


@step_handler("intake.notify")
async def notify(job: Task, documents: DocumentsDep) -> Told:
    """Tell the owner where the document stands. Put the e-mail of yours here."""
    document = await documents.get(job.document_id)
    if document is None:
        raise PermanentError(f"document {job.document_id} does not exist")
    sent = await documents.add_notice(document.id, document.status)
    if sent:
        logger.info("the owner of %s is told: %s", document.id, document.status)
    return Told(status=document.status, sent=sent)
