"""The table of the outbox."""

from alembic import op

from tasker_contrib_fastapi.outbox import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in statements(table="shop.tasker_outbox"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table shop.tasker_outbox")
