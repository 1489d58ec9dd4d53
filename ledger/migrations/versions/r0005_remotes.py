"""Remote objects have lives of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the table; it fills with the first object."""
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "remotes",
        sa.Column("id", name, primary_key=True),
        sa.Column("connection", name, nullable=False),
        sa.Column("kind", name, nullable=False),
        sa.Column("ref", name, nullable=False),
        sa.Column("measure", name, nullable=False),
        sa.Column("mapping", name, nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_index("remotes_measure", "remotes", ["measure"])
    op.create_index("remotes_ref", "remotes", ["connection", "kind", "ref"])
