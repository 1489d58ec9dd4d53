"""What waivers set aside, for lists and counts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds two columns to a projection, which is made anew when the ledger is opened."""
    op.add_column("measures", sa.Column("waived", sa.Text(), nullable=False, server_default="[]"))
    op.add_column(
        "measures", sa.Column("waivers", sa.Integer(), nullable=False, server_default="0")
    )
