"""The API: upload a document, look at it, answer a review."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, UploadFile, status
from pydantic import BaseModel, ConfigDict, Field
from tasker_contrib_fastapi import TaskerClientDep

from app.documents.store import DocumentsDep
from app.models import Document, Status
from app.tasks import create_after_commit
from app.web.auth import CurrentReviewer, CurrentUser, SettingsDep
from app.web.limits import RateLimits

router = APIRouter(prefix="/documents", tags=["documents"])

IdempotencyKey = Annotated[
    str, Header(min_length=8, max_length=128, description="the same for a repeated request")
]


class DocumentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    filename: str
    sha256: str
    status: Status
    task_uuid: UUID | None
    created_at: datetime


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    approved: bool
    note: str = Field(default="", max_length=1000)


class AnswerTaken(BaseModel):
    document_id: UUID
    approved: bool
    task_uuid: UUID


async def limit_uploads(request: Request, user: CurrentUser) -> None:
    limits: RateLimits = request.app.state.rate_limits
    await limits.hit("upload", str(user.id))


@router.post("", status_code=status.HTTP_202_ACCEPTED, dependencies=[Depends(limit_uploads)])
async def upload(
    file: UploadFile,
    idempotency_key: IdempotencyKey,
    user: CurrentUser,
    settings: SettingsDep,
    documents: DocumentsDep,
    client: TaskerClientDep,
) -> DocumentOut:
    """Take in a document. The same key again gives the same document, and one task."""
    content = await file.read()
    if len(content) > settings.max_upload_bytes:
        raise HTTPException(
            status.HTTP_413_CONTENT_TOO_LARGE,
            f"the file has more than {settings.max_upload_bytes} bytes",
        )
    document_id = uuid5(user.id, idempotency_key)
    filename = (file.filename or "unnamed")[:255].replace("\0", "")
    document = await documents.add(document_id, user.id, filename, content)
    if document.sha256 != hashlib.sha256(content).hexdigest():
        raise HTTPException(
            status.HTTP_422_UNPROCESSABLE_CONTENT,
            "this Idempotency-Key was used with another file",
        )
    document.task_uuid = await create_after_commit(client, "intake_document", document_id)
    await documents.set_task(document_id, document.task_uuid)
    return DocumentOut.model_validate(document)


@router.get("")
async def list_documents(
    user: CurrentUser,
    documents: DocumentsDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> list[DocumentOut]:
    return [DocumentOut.model_validate(one) for one in await documents.list_of(user.id, limit)]


@router.get("/{document_id}")
async def get_document(
    document_id: UUID, user: CurrentUser, documents: DocumentsDep
) -> DocumentOut:
    document = await documents.get(document_id)
    # What is somebody else's does not exist, so that nobody can ask around.
    if document is None or not (user.is_reviewer or document.owner_id == user.id):
        raise _not_found(document_id)
    return DocumentOut.model_validate(document)


@router.post("/{document_id}/review", status_code=status.HTTP_202_ACCEPTED)
async def answer_review(
    document_id: UUID,
    answer: Answer,
    reviewer: CurrentReviewer,
    documents: DocumentsDep,
    client: TaskerClientDep,
) -> AnswerTaken:
    """Answer for a document that waits for a person. The same answer again changes nothing."""
    document = await documents.get(document_id)
    if document is None:
        raise _not_found(document_id)
    review = await documents.review(document_id)
    if review is None:
        _check_waits(document)
        review = await documents.add_review(document_id, reviewer.id, answer.approved, answer.note)
    if review.approved != answer.approved:
        raise HTTPException(status.HTTP_409_CONFLICT, "the review has another answer already")
    task_uuid = await create_after_commit(client, "finish_review", document_id)
    return AnswerTaken(document_id=document_id, approved=review.approved, task_uuid=task_uuid)


def _check_waits(document: Document) -> None:
    if document.status != Status.WAITING_FOR_REVIEW:
        raise HTTPException(
            status.HTTP_409_CONFLICT, f"the document waits for no review: it is {document.status}"
        )


def _not_found(document_id: UUID) -> HTTPException:
    return HTTPException(status.HTTP_404_NOT_FOUND, f"there is no document {document_id}")
