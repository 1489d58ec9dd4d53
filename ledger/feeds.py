"""How the readings of pools' feeds went, shared by workers and commands; no part of the record."""

from datetime import datetime

from sqlalchemy import select, update

from ledger.chain import write_moment
from ledger.database import Database
from ledger.projection import upsert
from ledger.tables import feeds
from measures.feeds import Feed, FeedState
from measures.model import restore

_C = feeds.c


class FeedStates:
    """How feeds fare, in a ledger's database; may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, pool: str, feed: Feed, at: datetime, fault: str) -> None:
        """Notes how a reading went.

        Args:
            pool: which it is for.
            feed: what was read.
            at: when.
            fault: why it failed; empty when it was taken.

        Raises:
            LedgerError: the database does not do it.
        """
        moment = write_moment(at)
        said = {"last_error": fault[:1000], "last_error_at": moment}
        values = said if fault else {"last_success": moment}
        its = {"pool": pool, "gives": feed.gives, "source": feed.source}
        with self._database.writing(alone=False) as writing:
            known = update(feeds).where(*(_C[name] == value for name, value in its.items()))
            if writing.execute(known.values(**values)).rowcount:
                return
            new = {"last_success": None, "last_error": "", "last_error_at": None}
            writing.execute(upsert(feeds, writing.dialect.name), [{**its, **new, **values}])

    def of(self, pool: str | None = None) -> list[FeedState]:
        """Returns how the feeds of a pool, or of all, fared when they were last read.

        Raises:
            LedgerError: the database does not answer.
        """
        query = select(feeds).order_by(_C.pool, _C.gives, _C.source)
        if pool is not None:
            query = query.where(_C.pool == pool)
        with self._database.reading() as reading:
            rows = reading.execute(query).mappings().all()
        return [restore(FeedState, dict(row)) for row in rows]
