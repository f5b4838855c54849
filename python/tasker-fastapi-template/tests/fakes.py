"""Stand-ins in memory for what the application keeps in PostgreSQL, and for Tasker's client."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel
from tasker_contrib_fastapi import TaskerConflict, TaskerUnavailable

from app.documents.content import PageText
from app.models import Document, Review, Status, User


@dataclass
class MemoryDocuments:
    """`app.documents.store.Documents`; `tests/test_store.py` holds both to the same."""

    stored: dict[UUID, Document] = field(default_factory=dict)
    pages: dict[UUID, dict[int, PageText]] = field(default_factory=dict)
    reviews: dict[UUID, Review] = field(default_factory=dict)
    notices: set[tuple[UUID, Status]] = field(default_factory=set)

    async def add(
        self, document_id: UUID, owner_id: UUID, filename: str, content: bytes
    ) -> Document:
        document = Document(
            id=document_id,
            owner_id=owner_id,
            filename=filename,
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
            status=Status.RECEIVED,
            task_uuid=None,
            created_at=datetime.now(UTC),
        )
        return self.stored.setdefault(document_id, document)

    async def get(self, document_id: UUID) -> Document | None:
        return self.stored.get(document_id)

    async def list_of(self, owner_id: UUID, limit: int) -> Sequence[Document]:
        own = [one for one in self.stored.values() if one.owner_id == owner_id]
        return own[::-1][:limit]

    async def content(self, document_id: UUID) -> bytes | None:
        document = self.stored.get(document_id)
        return document.content if document else None

    async def set_task(self, document_id: UUID, task_uuid: UUID) -> None:
        self.stored[document_id].task_uuid = task_uuid

    async def move(self, document_id: UUID, to: Status, *, only_from: Status) -> Status:
        document = self.stored[document_id]
        if document.status == only_from:
            document.status = to
        return document.status

    async def put_pages(self, document_id: UUID, pages: Iterable[PageText]) -> None:
        stored = self.pages.setdefault(document_id, {})
        stored.update({page.number: page for page in pages})

    async def fewest_words(self, document_id: UUID) -> int:
        pages = self.pages.get(document_id, {}).values()
        return min((page.words for page in pages), default=0)

    async def add_review(
        self, document_id: UUID, reviewer_id: UUID, approved: bool, note: str
    ) -> Review:
        review = Review(
            document_id=document_id, reviewer_id=reviewer_id, approved=approved, note=note
        )
        return self.reviews.setdefault(document_id, review)

    async def review(self, document_id: UUID) -> Review | None:
        return self.reviews.get(document_id)

    async def add_notice(self, document_id: UUID, status: Status) -> bool:
        is_new = (document_id, status) not in self.notices
        self.notices.add((document_id, status))
        return is_new


@dataclass
class MemoryUsers:
    """`app.users.Users`."""

    users: list[User]

    async def by_email(self, email: str) -> User | None:
        return next((user for user in self.users if user.email == email.lower()), None)

    async def get(self, user_id: UUID) -> User | None:
        return next((user for user in self.users if user.id == user_id), None)


@dataclass
class Created:
    """A task, as far as the application looks at it."""

    template: str
    context: BaseModel
    correlation_id: str | None
    task_uuid: UUID = field(default_factory=uuid4)


@dataclass
class MemoryTasker:
    """Creates each task once, like Tasker."""

    tasks: list[Created] = field(default_factory=list)
    is_down: bool = False

    async def create_task(
        self,
        template: str,
        context: BaseModel,
        *,
        correlation_id: str | None,
        idempotent: bool = False,
        **_: Any,
    ) -> Created:
        if self.is_down:
            raise TaskerUnavailable("the server does not answer")
        for task in self.tasks:
            if (task.template, task.context) == (template, context):
                if not idempotent:
                    raise TaskerConflict("this task exists")
                return task
        self.tasks.append(Created(template, context, correlation_id))
        return self.tasks[-1]
