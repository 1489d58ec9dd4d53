"""The ledger: appends entries, keeps their projections, answers from them.

Workflows decide drafts, the ledger arbitrates: what it recorded first is what counts, and a
workflow folds what `append` returns. Everything here may be called from any thread.
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select

from ledger import installation, tables
from ledger.applied import REMOVED
from ledger.changes import Unmoved
from ledger.connection_rows import ConnectionRows
from ledger.database import Database
from ledger.lines import write_file
from ledger.reading import Reader
from ledger.rebuild import refold_if_outdated, refold_projections
from ledger.schema import prepare
from ledger.turn import Turn
from ledger.verify import Checkpoint, Progress, VerifyReport, verify_database
from measures.entry import Draft, Entry
from measures.errors import LedgerError


class Ledger(Reader):
    """The record of everything that was decided.

    Attributes:
        connections: how connected systems fare; no part of the record.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Threads of one process queue here rather than at the database, which makes them poll.
        self._writing = threading.Lock()
        self.connections = ConnectionRows(database, self._writing)

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> "Ledger":
        """Opens a ledger; creates or migrates it where needed.

        Args:
            url: `sqlite:///path` (options `synchronous=NORMAL|FULL|EXTRA`, `timeout=SECONDS`)
                or `postgresql://user:password@host/database`.
            create: whether to make one where there is none; who only looks says no.

        Raises:
            ConfigurationError: when the URL is wrong, names no ledger, or one of a newer release.
            LedgerError: when the database does not answer.
        """
        database = Database(url)
        try:
            prepare(database, create=create)
            refold_if_outdated(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Closes every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def database(self) -> Database:
        """What it stands on."""
        return self._database

    def append(self, drafts: Sequence[Draft], bound: Unmoved | None = None) -> list[Entry]:
        """Records drafts of one stream with consecutive numbers, all or none.

        Safe to repeat: where the first number is taken, nothing is written and what the stream
        holds from there on is returned instead, whoever wrote it.

        Args:
            drafts: what to record.
            bound: what they stand on; checked by the one writer, in the same transaction.

        Raises:
            LedgerMovedError: when what they stand on has moved on; nothing is written.
            LedgerConflictError: when entries before the first are missing.
            LedgerError: when they cannot follow, or the database does not do it.
        """
        outcome = self.append_all([drafts], [bound])[0]
        if isinstance(outcome, LedgerError):
            raise outcome
        return outcome

    def append_all(
        self, batches: Sequence[Sequence[Draft]], bounds: Sequence[Unmoved | None] = ()
    ) -> list[list[Entry] | LedgerError]:
        """Records several appends in one transaction; each has its own outcome.

        Args:
            batches: what to record.
            bounds: what each batch stands on, in their order; nothing where there are fewer.

        Raises:
            LedgerError: when the database does not do it; then nothing of all is written.
        """
        outcomes: list[list[Entry] | LedgerError] = []
        with self._writing:
            with self._database.writing() as connection:
                turn = Turn(connection, self._states)
                turn.foresee(drafts[0].stream for drafts in batches if drafts)
                for drafts, bound in zip(batches, chain(bounds, repeat(None)), strict=False):
                    try:
                        outcomes.append(turn.take(drafts, bound))
                    except LedgerError as error:
                        outcomes.append(error)
                turn.write()
            turn.keep()
        return outcomes

    def append_document(
        self, kind: str, name: str, body: dict[str, Any], by: str, at: datetime, command: str
    ) -> Entry | None:
        """Records the next version of a document; None when its content is unchanged.

        Raises:
            LedgerError: when it cannot be recorded.
        """
        with self._writing:
            with self._database.writing() as connection:
                turn = Turn(connection, self._states)
                entry = turn.take_document(kind, name, body, by, at, command)
                turn.write()
            turn.keep()
        return entry

    def remove_document(
        self, kind: str, name: str, reason: str, by: str, at: datetime, command: str
    ) -> Entry | None:
        """Records that a document no longer counts; None when it does not count already.

        Its versions stay readable, and recording it again makes it count again.

        Raises:
            LedgerError: when it cannot be recorded.
        """
        if self.document(kind, name) is None:
            return None
        return self.append_document(kind, name, {REMOVED: reason}, by, at, command)

    def name_installation(self, name: str) -> str:
        """Gives this installation a name, and returns the one that it had.

        Raises:
            LedgerError: when it cannot be kept.
        """
        with self._writing, self._database.writing() as connection:
            return installation.rename(connection, name)

    def rebuild_projections(self) -> None:
        """Throws every projection away and makes it anew from the entries."""
        with self._writing:
            refold_projections(self._database)

    def verify(
        self, on_progress: Progress | None = None, checkpoint: Checkpoint | None = None
    ) -> VerifyReport:
        """Recomputes the whole record, see `ledger.verify`.

        Args:
            on_progress: is told now and then how many entries are checked.
            checkpoint: a position and the hash that the entry there must have.

        Raises:
            LedgerTamperedError: naming the first bad entry.
        """
        return verify_database(self._database, on_progress, checkpoint)

    def export(self, path: Path) -> tuple[int, str]:
        """Writes the record to a file of lines that `ledger.verify.verify_file` reads.

        Returns:
            How many entries, and the hash of the last one: the checkpoint to note.
        """
        return write_file(path, self.rows(select(tables.entries)))
