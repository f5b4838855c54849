"""Documents and what belongs to them, in PostgreSQL.

Every method is a transaction of its own. Steps may run twice, so writing the same thing again
changes nothing, and a status changes only from the one that is expected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.database import Sessions
from app.documents.content import PageText
from app.models import Document, Notice, Page, Review, Status


class Documents(Protocol):
    """What the routes and the steps need; tests have one in memory."""

    async def add(
        self, document_id: UUID, owner_id: UUID, filename: str, content: bytes
    ) -> Document:
        """Store a document, or return the one that has this id already."""

    async def get(self, document_id: UUID) -> Document | None: ...

    async def list_of(self, owner_id: UUID, limit: int) -> Sequence[Document]:
        """The owner's documents, the newest first."""

    async def content(self, document_id: UUID) -> bytes | None: ...

    async def set_task(self, document_id: UUID, task_uuid: UUID) -> None: ...

    async def move(self, document_id: UUID, to: Status, *, only_from: Status) -> Status:
        """Change the status if it is the expected one, and return the one it has then."""

    async def put_pages(self, document_id: UUID, pages: Iterable[PageText]) -> None: ...

    async def fewest_words(self, document_id: UUID) -> int:
        """The number of words on the page that has the fewest."""

    async def add_review(
        self, document_id: UUID, reviewer_id: UUID, approved: bool, note: str
    ) -> Review:
        """Store an answer, or return the one that was given before."""

    async def review(self, document_id: UUID) -> Review | None: ...

    async def add_notice(self, document_id: UUID, status: Status) -> bool:
        """Note that the owner is told; False if that was noted before."""


class SqlDocuments:
    """The documents of the application's database."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def add(
        self, document_id: UUID, owner_id: UUID, filename: str, content: bytes
    ) -> Document:
        values = {
            "id": document_id,
            "owner_id": owner_id,
            "filename": filename,
            "sha256": hashlib.sha256(content).hexdigest(),
            "content": content,
            "status": Status.RECEIVED,
        }
        async with self._sessions.begin() as session:
            await session.execute(insert(Document).values(values).on_conflict_do_nothing())
            return (await session.scalars(select(Document).where(Document.id == document_id))).one()

    async def get(self, document_id: UUID) -> Document | None:
        async with self._sessions() as session:
            return await session.get(Document, document_id)

    async def list_of(self, owner_id: UUID, limit: int) -> Sequence[Document]:
        query = select(Document).where(Document.owner_id == owner_id)
        newest = query.order_by(Document.created_at.desc(), Document.id).limit(limit)
        async with self._sessions() as session:
            return (await session.scalars(newest)).all()

    async def content(self, document_id: UUID) -> bytes | None:
        async with self._sessions() as session:
            return await session.scalar(select(Document.content).where(Document.id == document_id))

    async def set_task(self, document_id: UUID, task_uuid: UUID) -> None:
        async with self._sessions.begin() as session:
            await session.execute(
                update(Document).where(Document.id == document_id).values(task_uuid=task_uuid)
            )

    async def move(self, document_id: UUID, to: Status, *, only_from: Status) -> Status:
        async with self._sessions.begin() as session:
            await session.execute(
                update(Document)
                .where(Document.id == document_id, Document.status == only_from)
                .values(status=to)
            )
            status = await session.scalars(
                select(Document.status).where(Document.id == document_id)
            )
            return Status(status.one())

    async def put_pages(self, document_id: UUID, pages: Iterable[PageText]) -> None:
        rows = [{"document_id": document_id, **page._asdict()} for page in pages]
        if not rows:
            return
        statement = insert(Page).values(rows)
        new = statement.excluded
        async with self._sessions.begin() as session:
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=[Page.document_id, Page.number],
                    set_={"text": new.text, "words": new.words},
                )
            )

    async def fewest_words(self, document_id: UUID) -> int:
        async with self._sessions() as session:
            words = select(Page.words).where(Page.document_id == document_id)
            return await session.scalar(words.order_by(Page.words).limit(1)) or 0

    async def add_review(
        self, document_id: UUID, reviewer_id: UUID, approved: bool, note: str
    ) -> Review:
        values = {
            "document_id": document_id,
            "reviewer_id": reviewer_id,
            "approved": approved,
            "note": note,
        }
        async with self._sessions.begin() as session:
            await session.execute(insert(Review).values(values).on_conflict_do_nothing())
            query = select(Review).where(Review.document_id == document_id)
            return (await session.scalars(query)).one()

    async def review(self, document_id: UUID) -> Review | None:
        async with self._sessions() as session:
            return await session.get(Review, document_id)

    async def add_notice(self, document_id: UUID, status: Status) -> bool:
        statement = (
            insert(Notice)
            .values(document_id=document_id, status=status)
            .on_conflict_do_nothing()
            .returning(Notice.document_id)
        )
        async with self._sessions.begin() as session:
            return await session.scalar(statement) is not None


def get_documents(request: Request) -> Documents:
    """The store that the lifespan made; in a step too."""
    documents: Documents = request.state.documents
    return documents


DocumentsDep = Annotated[Documents, Depends(get_documents)]
