"""The tables. After a change: `alembic revision --autogenerate -m "…"`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

TIMESTAMP = DateTime(timezone=True)


class Status(StrEnum):
    RECEIVED = "received"
    INFECTED = "infected"
    WAITING_FOR_REVIEW = "waiting_for_review"
    PUBLISHED = "published"
    REJECTED = "rejected"


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str]
    is_reviewer: Mapped[bool] = mapped_column(default=False)


class Document(Base):
    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(str(one)) for one in Status)})", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey(User.id), index=True)
    filename: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    # Read only where it is wanted: lists do without.
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    status: Mapped[Status] = mapped_column(String(32))
    task_uuid: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())


class Page(Base):
    __tablename__ = "pages"

    document_id: Mapped[UUID] = mapped_column(ForeignKey(Document.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    words: Mapped[int]


class Review(Base):
    """The answer of a person; a document has one at most."""

    __tablename__ = "reviews"

    document_id: Mapped[UUID] = mapped_column(ForeignKey(Document.id), primary_key=True)
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey(User.id))
    approved: Mapped[bool]
    note: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())


class Notice(Base):
    """What the owner was told; the key keeps a repeated step from telling it twice."""

    __tablename__ = "notices"

    document_id: Mapped[UUID] = mapped_column(ForeignKey(Document.id), primary_key=True)
    status: Mapped[Status] = mapped_column(String(32), primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())
