"""The steps of `finish_review`, which starts when a reviewer has answered."""

from __future__ import annotations

from tasker_contrib_fastapi import Decision, PermanentError, decision_handler, step_handler

from app.documents.store import DocumentsDep
from app.handlers.shared import Moved, Task
from app.models import Status


@decision_handler("intake.route_answer")
async def route_answer(job: Task, documents: DocumentsDep) -> Decision:
    review = await documents.review(job.document_id)
    if review is None:
        raise PermanentError(f"document {job.document_id} has no review")
    return Decision.route(["publish_reviewed" if review.approved else "reject"])


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
