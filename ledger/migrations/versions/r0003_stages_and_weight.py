"""Each measure brings its stages and the weight of the one it stands in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the columns; the projections are made anew before anybody reads them."""
    op.add_column("measures", sa.Column("stages", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("measures", sa.Column("weight", sa.Float(), nullable=False, server_default="0"))
