"""News from connected systems, and what they showed of the objects that measures link."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the tables; the projections are made anew before anybody reads them."""
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "objects",
        sa.Column("id", name, primary_key=True),
        sa.Column("connection", name, nullable=False),
        sa.Column("kind", name, nullable=False),
        sa.Column("ref", name, nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_table(
        "contacts",
        sa.Column("id", name, primary_key=True),
        sa.Column("lost", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("connection", name, primary_key=True),
        sa.Column("kind", name, primary_key=True),
        sa.Column("ref", name, primary_key=True),
        sa.Column("measure", name, primary_key=True),
        sa.Column("object", name, nullable=False),
    )
    op.create_index("links_measure", "links", ["measure"])
    op.create_table(
        "inbox",
        sa.Column("id", place, primary_key=True, autoincrement=True),
        sa.Column("connection", name, nullable=False),
        sa.Column("delivery", name, nullable=False),
        sa.Column("kind", name, nullable=False),
        sa.Column("ref", name, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("received_at", name, nullable=False),
        sa.Column("changed_at", name),
        sa.Column("due_at", name, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", name),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.UniqueConstraint("connection", "delivery", name="inbox_delivery"),
    )
    op.create_index("inbox_due", "inbox", ["done_at", "due_at"])
    op.create_index("inbox_object", "inbox", ["connection", "kind", "ref"])
    op.create_table(
        "polls",
        sa.Column("connection", name, primary_key=True),
        sa.Column("kind", name, primary_key=True),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("complete_at", name, nullable=False),
        sa.Column("newest_at", name),
        sa.Column("taken_until", name, nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
    )
