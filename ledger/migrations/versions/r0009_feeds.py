"""How the readings of pools' feeds went."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Adds a table that is neither record nor projection: it begins empty, and may be lost."""
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "feeds",
        sa.Column("pool", name, primary_key=True),
        sa.Column("gives", name, primary_key=True),
        sa.Column("source", name, primary_key=True),
        sa.Column("last_success", name),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_error_at", name),
    )
