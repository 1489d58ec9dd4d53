"""The tables: `entries` is the record, all others are projections that can be rebuilt from it.

Times are text in UTC with microseconds (`2031-01-12T09:00:00.000000Z`): the exact text is part of
the hash, so it must come back as it was written, and text of one width sorts by time.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# Ids sort by code point on both databases, whatever the locale of the PostgreSQL server.
_Name = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite stores a table in the order of its key only when that key is a plain INTEGER.
_Position = BigInteger().with_variant(Integer(), "sqlite")

entries = Table(
    "entries",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("stream", _Name, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("kind", _Name, nullable=False),
    Column("at", _Name, nullable=False),
    Column("by", _Name, nullable=False),
    Column("command", _Name, nullable=False),
    Column("body", Text, nullable=False),
    Column("facts_digest", _Name, nullable=False),
    Column("pack_digest", _Name, nullable=False),
    Column("previous", _Name, nullable=False),
    Column("hash", _Name, nullable=False),
    UniqueConstraint("stream", "number", name="entries_stream_number"),
)

measures = Table(
    "measures",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("title", Text, nullable=False),
    Column("type", _Name, nullable=False),
    Column("category", _Name),
    Column("package", _Name, nullable=False),
    Column("owner", _Name),
    Column("lifecycle", _Name, nullable=False),
    Column("stage", _Name, nullable=False),
    Column("stages", Text, nullable=False),
    Column("weight", Float, nullable=False),
    Column("on_hold", Boolean, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("gate", _Name),
    Column("verdict", _Name),
    Column("rules", Text, nullable=False),
    Column("waiting_for", Text, nullable=False),
    Column("requested_at", _Name),
    Column("changed_at", _Name, nullable=False),
    Column("currency", _Name),
    Column("benefit", Float, nullable=False),
    Column("cost", Float, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("waived", Text, nullable=False, server_default="[]"),
    Column("waivers", Integer, nullable=False, server_default="0"),
    Column("campaign", _Name),
    Index("measures_requested_at", "requested_at"),
    Index("measures_campaign", "campaign"),
)

pools = Table(
    "pools",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("title", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("owner", _Name, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
)

launches = Table(
    "launches",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("connector", _Name, nullable=False),
    Column("measure", _Name, nullable=False),
    Column("phase", _Name, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Index("launches_measure", "measure"),
)

documents = Table(
    "documents",
    metadata,
    Column("kind", _Name, primary_key=True),
    Column("id", _Name, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("digest", _Name, nullable=False),
    Column("body", Text, nullable=False),
    Column("applied_at", _Name, nullable=False),
    Column("applied_by", _Name, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("documents_position", "position"),
)

watches = Table(
    "watches",
    metadata,
    Column("stream", _Name, primary_key=True),
    Column("measure", _Name, primary_key=True),
    Index("watches_measure", "measure"),
)

marks = Table(
    "marks",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What the projections as a whole were made with, see `ledger.projection.FOLDED_WITH`."""
