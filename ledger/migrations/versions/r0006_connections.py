"""How connected systems fare, shared by all workers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds a table that is neither record nor projection: it begins empty, and may be lost."""
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "connections",
        sa.Column("id", name, primary_key=True),
        sa.Column("circuit", name, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("since", name),
        sa.Column("until", name),
        sa.Column("tried_with", name, nullable=False),
        sa.Column("wake_at", name),
        sa.Column("last_success", name),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_error_at", name),
        sa.Column("spent_until", name),
    )
