"""The record and its first projections."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates every table; written out, so that later changes to the models leave it alone."""
    op.create_table(
        "entries",
        sa.Column("position", _position, primary_key=True, autoincrement=False),
        sa.Column("stream", _name, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", _name, nullable=False),
        sa.Column("at", _name, nullable=False),
        sa.Column("by", _name, nullable=False),
        sa.Column("command", _name, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("facts_digest", _name, nullable=False),
        sa.Column("pack_digest", _name, nullable=False),
        sa.Column("previous", _name, nullable=False),
        sa.Column("hash", _name, nullable=False),
        sa.UniqueConstraint("stream", "number", name="entries_stream_number"),
    )
    op.create_table(
        "measures",
        sa.Column("id", _name, primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("type", _name, nullable=False),
        sa.Column("category", _name),
        sa.Column("package", _name, nullable=False),
        sa.Column("owner", _name),
        sa.Column("lifecycle", _name, nullable=False),
        sa.Column("stage", _name, nullable=False),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("gate", _name),
        sa.Column("verdict", _name),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=False),
        sa.Column("requested_at", _name),
        sa.Column("changed_at", _name, nullable=False),
        sa.Column("currency", _name),
        sa.Column("benefit", sa.Float(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_index("measures_requested_at", "measures", ["requested_at"])
    op.create_table(
        "pools",
        sa.Column("id", _name, primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("owner", _name, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("kind", _name, primary_key=True),
        sa.Column("id", _name, primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", _name, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("applied_at", _name, nullable=False),
        sa.Column("applied_by", _name, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )
    op.create_index("documents_position", "documents", ["position"])
    op.create_table(
        "watches",
        sa.Column("stream", _name, primary_key=True),
        sa.Column("measure", _name, primary_key=True),
    )
    op.create_index("watches_measure", "watches", ["measure"])
    op.create_table(
        "marks",
        sa.Column("name", _name, primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
