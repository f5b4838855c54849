<%
def text(value):
    return "None" if value is None else '"%s"' % value
%>"""${message}.

Revision: ${up_revision}
Follows: ${down_revision | comma,n}
"""

from __future__ import annotations

from alembic import op

revision = ${text(up_revision)}
down_revision = ${text(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""${upgrades or ""}""")


def downgrade() -> None:
    op.execute("""${downgrades or ""}""")
