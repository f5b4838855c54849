"""documents

Revision: 0001
Follows: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("is_reviewer", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email", name=op.f("users_email_key")),
        schema="app",
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("task_uuid", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('received', 'infected', 'waiting_for_review', 'published', 'rejected')",
            name=op.f("documents_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["app.users.id"], name=op.f("documents_owner_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("documents_pkey")),
        schema="app",
    )
    op.create_index(
        op.f("documents_owner_id_idx"), "documents", ["owner_id"], unique=False, schema="app"
    )
    op.create_table(
        "notices",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["app.documents.id"], name=op.f("notices_document_id_fkey")
        ),
        sa.PrimaryKeyConstraint("document_id", "status", name=op.f("notices_pkey")),
        schema="app",
    )
    op.create_table(
        "pages",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["app.documents.id"], name=op.f("pages_document_id_fkey")
        ),
        sa.PrimaryKeyConstraint("document_id", "number", name=op.f("pages_pkey")),
        schema="app",
    )
    op.create_table(
        "reviews",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["app.documents.id"], name=op.f("reviews_document_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["app.users.id"], name=op.f("reviews_reviewer_id_fkey")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("reviews_pkey")),
        schema="app",
    )


def downgrade() -> None:
    op.drop_table("reviews", schema="app")
    op.drop_table("pages", schema="app")
    op.drop_table("notices", schema="app")
    op.drop_index(op.f("documents_owner_id_idx"), table_name="documents", schema="app")
    op.drop_table("documents", schema="app")
    op.drop_table("users", schema="app")
