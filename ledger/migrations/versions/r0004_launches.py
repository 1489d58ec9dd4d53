"""Campaigns' launches have lives of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the table; the projections are made anew before anybody reads them."""
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "launches",
        sa.Column("id", name, primary_key=True),
        sa.Column("connector", name, nullable=False),
        sa.Column("measure", name, nullable=False),
        sa.Column("phase", name, nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_index("launches_measure", "launches", ["measure"])
    op.add_column("measures", sa.Column("campaign", name))
    op.create_index("measures_campaign", "measures", ["campaign"])
