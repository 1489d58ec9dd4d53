"""The tables: `entries` is the record, others are projections that can be rebuilt from it.

`connections` is neither: it says how connected systems fare now.

Times are text in UTC with microseconds (`2031-01-12T09:00:00.000000Z`): the exact text is part of
the hash, so it must come back as it was written, and text of one width sorts by time.
"""

from typing import Any

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


def _life() -> tuple[Column[Any], ...]:
    """How far a life has come: its latest entry, and what that led to."""
    return (
        Column("number", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
    )


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
    *_life(),
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
    *_life(),
)

launches = Table(
    "launches",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("connector", _Name, nullable=False),
    Column("measure", _Name, nullable=False),
    Column("phase", _Name, nullable=False),
    Column("ended", Boolean, nullable=False),
    *_life(),
    Index("launches_measure", "measure"),
)

remotes = Table(
    "remotes",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("connection", _Name, nullable=False),
    Column("kind", _Name, nullable=False),
    Column("ref", _Name, nullable=False),
    Column("measure", _Name, nullable=False),
    Column("mapping", _Name, nullable=False),
    Column("ended", Boolean, nullable=False),
    *_life(),
    Index("remotes_measure", "measure"),
    Index("remotes_ref", "connection", "kind", "ref"),
)

objects = Table(
    "objects",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("connection", _Name, nullable=False),
    Column("kind", _Name, nullable=False),
    Column("ref", _Name, nullable=False),
    Column("known", Boolean, nullable=False),
    *_life(),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("lost", Boolean, nullable=False),
    *_life(),
)

links = Table(
    "links",
    metadata,
    Column("connection", _Name, primary_key=True),
    Column("kind", _Name, primary_key=True),
    Column("ref", _Name, primary_key=True),
    Column("measure", _Name, primary_key=True),
    Column("object", _Name, nullable=False),
    Index("links_measure", "measure"),
)
"""Which object in which connection each measure waits for that has not ended."""

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
"""What there is to know of the ledger as a whole: which code made the projections
(`ledger.rebuild.folded_with`), and its installation's name (`ledger.installation`)."""

connections = Table(
    "connections",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("circuit", _Name, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("since", _Name),
    Column("until", _Name),
    Column("tried_with", _Name, nullable=False),
    Column("wake_at", _Name),
    Column("last_success", _Name),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", _Name),
    Column("spent_until", _Name),
)
"""How connected systems fare, see `ledger.connection_rows`."""

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Position, primary_key=True, autoincrement=True),
    Column("connection", _Name, nullable=False),
    Column("delivery", _Name, nullable=False),
    Column("kind", _Name, nullable=False),
    Column("ref", _Name, nullable=False),
    Column("version", Text, nullable=False),
    Column("received_at", _Name, nullable=False),
    Column("changed_at", _Name),
    Column("due_at", _Name, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at", _Name),
    Column("fault", Text, nullable=False),
    UniqueConstraint("connection", "delivery", name="inbox_delivery"),
    Index("inbox_due", "done_at", "due_at"),
    Index("inbox_object", "connection", "kind", "ref"),
)
"""News from connected systems until it is acted on, and for a while after; not in the record."""

polls = Table(
    "polls",
    metadata,
    Column("connection", _Name, primary_key=True),
    Column("kind", _Name, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("complete_at", _Name, nullable=False),
    Column("newest_at", _Name),
    Column("taken_until", _Name, nullable=False),
    Column("fault", Text, nullable=False),
)
"""How far each kind of object has been read: no part of the record."""

feeds = Table(
    "feeds",
    metadata,
    Column("pool", _Name, primary_key=True),
    Column("gives", _Name, primary_key=True),
    Column("source", _Name, primary_key=True),
    Column("last_success", _Name),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", _Name),
)
"""How the readings of pools' feeds went, see `ledger.feeds`."""
