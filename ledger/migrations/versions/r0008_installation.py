"""The installation's own name, by which objects of other systems are told apart."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Makes a name at random, once: every process that opens this ledger then finds the same."""
    marks = sa.table("marks", sa.column("name"), sa.column("value"))
    op.bulk_insert(marks, [{"name": "installation", "value": secrets.token_hex(4)}])
