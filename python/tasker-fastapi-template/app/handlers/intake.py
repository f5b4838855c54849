"""The steps of `intake_document`: from the upload to publication, or to a person's desk."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel
from tasker_contrib_fastapi import (
    BatchConfig,
    BatchContext,
    BatchResults,
    Config,
    Decision,
    PermanentError,
    Result,
    RetryableError,
    batch_analyzer,
    batch_worker,
    decision_handler,
    step_handler,
)

from app.documents.content import NotReadable, read_page, split_pages
from app.documents.scanner import ScannerDep, ScannerUnavailable
from app.documents.store import Documents, DocumentsDep
from app.handlers.shared import Job, Moved, Task
from app.models import Status


class Scanned(BaseModel):
    size: int


class ReadPages(BaseModel):
    pages: int


class Extracted(BaseModel):
    pages: int
    fewest_words: int


@step_handler("intake.scan")
async def scan(job: Task, documents: DocumentsDep, scanner: ScannerDep) -> Scanned:
    """Look for viruses. A busy scanner is asked again, as the template says."""
    content = await content_of(job, documents)
    try:
        virus = await scanner.find_virus(content)
    except ScannerUnavailable as error:
        raise RetryableError(str(error)) from error
    if virus is not None:
        await documents.move(job.document_id, Status.INFECTED, only_from=Status.RECEIVED)
        raise PermanentError(f"the scanner found {virus}", error_code="INFECTED")
    return Scanned(size=len(content))


@batch_analyzer("intake.split", worker="extract_pages")
async def split(
    job: Task, documents: DocumentsDep, pages_per_batch: Annotated[int, Config("pages_per_batch")]
) -> BatchConfig:
    """Cut the document into batches of pages, which are read side by side."""
    pages = await pages_of(job, documents)
    return BatchConfig(total_items=len(pages), batch_size=pages_per_batch)


@batch_worker("intake.extract_pages")
async def extract_pages(job: Task, batch: BatchContext, documents: DocumentsDep) -> ReadPages:
    """Read the pages of one batch."""
    texts = (await pages_of(job, documents))[batch.start : batch.end]
    pages = [read_page(number, text) for number, text in enumerate(texts, batch.start + 1)]
    await documents.put_pages(job.document_id, pages)
    return ReadPages(pages=len(pages))


@step_handler("intake.join_pages")
async def join_pages(
    job: Task,
    documents: DocumentsDep,
    parts: Annotated[list[ReadPages], BatchResults("extract_pages")],
) -> Extracted:
    return Extracted(
        pages=sum(part.pages for part in parts),
        fewest_words=await documents.fewest_words(job.document_id),
    )


@decision_handler("intake.choose_review")
def choose_review(
    extracted: Annotated[Extracted, Result("join_pages")],
    min_words: Annotated[int, Config("min_words")],
) -> Decision:
    """A page with hardly a word on it was not read well: a person has to look."""
    needs_person = extracted.fewest_words < min_words
    return Decision.route(
        ["ask_reviewer" if needs_person else "publish"], fewest_words=extracted.fewest_words
    )


@step_handler("intake.publish")
async def publish(job: Task, documents: DocumentsDep) -> Moved:
    return Moved(
        status=await documents.move(job.document_id, Status.PUBLISHED, only_from=Status.RECEIVED)
    )


@step_handler("intake.ask_reviewer")
async def ask_reviewer(job: Task, documents: DocumentsDep) -> Moved:
    """Leave the document to a reviewer. No step waits for the answer: it starts another task."""
    return Moved(
        status=await documents.move(
            job.document_id, Status.WAITING_FOR_REVIEW, only_from=Status.RECEIVED
        )
    )


async def content_of(job: Job, documents: Documents) -> bytes:
    content = await documents.content(job.document_id)
    if content is None:
        raise PermanentError(f"document {job.document_id} does not exist")
    return content


async def pages_of(job: Job, documents: Documents) -> list[str]:
    try:
        return split_pages(await content_of(job, documents))
    except NotReadable as error:
        raise PermanentError(str(error), error_code="NOT_READABLE") from error
