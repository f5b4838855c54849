"""The steps of `finish_review`, which starts when a reviewer has answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel
from tasker_contrib_fastapi import (
    Decision,
    PermanentError,
    Result,
    decision_handler,
    step_handler,
)

from app.documents.store import DocumentsDep
from app.handlers.shared import Moved, Task
from app.models import Status


class Answered(BaseModel):
    approved: bool


@step_handler("intake.read_answer")
async def read_answer(job: Task, documents: DocumentsDep) -> Answered:
    review = await documents.review(job.document_id)
    if review is None:
        raise PermanentError(f"document {job.document_id} has no review")
    return Answered(approved=review.approved)


@decision_handler("intake.route_answer")
def route_answer(answer: Annotated[Answered, Result("read_answer")]) -> Decision:
    return Decision.route(["publish_reviewed" if answer.approved else "reject"])


@step_handler("intake.publish_reviewed")
async def publish_reviewed(job: Task, documents: DocumentsDep) -> Moved:
    return Moved(
        status=await documents.move(
            job.document_id, Status.PUBLISHED, only_from=Status.WAITING_FOR_REVIEW
        )
    )


@step_handler("intake.reject")
async def reject(job: Task, documents: DocumentsDep) -> Moved:
    return Moved(
        status=await documents.move(
            job.document_id, Status.REJECTED, only_from=Status.WAITING_FOR_REVIEW
        )
    )
