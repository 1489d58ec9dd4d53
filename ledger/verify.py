"""Recomputes the whole record and names the first entry that does not fit.

What is checked: every hash, every link, positions and numbers without gaps, that every stream
folds, and that the projections say what the entries say. What cannot be found this way: a record
whose tail was cut off, or that was re-hashed from some entry to the end. Both are found by a
checkpoint, the position and hash that somebody else noted earlier.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select, text

from ledger import tables
from ledger.chain import ChainCheck, Row
from ledger.database import Database, LedgerDamagedError
from ledger.folding import State
from ledger.lines import read_line
from ledger.projection import SHOWN, links_of, rows_of, state_of
from ledger.rebuild import refold, streams
from measures.errors import LedgerError, LedgerTamperedError
from measures.model import Stored
from measures.state import MeasureState

Checkpoint = tuple[int, str]
"""A position and the hash that the entry there must have."""

Progress = Callable[[int], None]
"""Is told now and then how many entries are checked."""

_TELL_EVERY = 1000
_TEXTS = {"state", "body"}  # JSON as a whole
_NO_ENTRY = 0  # the position named when no entry, but something beside the entries is bad


class VerifyReport(Stored):
    """A record that verifies; one that does not raises `LedgerTamperedError` instead.

    Attributes:
        head: the hash of the last entry: with `entries`, the checkpoint to note elsewhere.
    """

    entries: int
    head: str
    ok: bool = True


def verify_database(
    database: Database, on_progress: Progress | None, checkpoint: Checkpoint | None
) -> VerifyReport:
    """Verifies a ledger as it is at one moment; others may go on writing.

    Raises:
        LedgerTamperedError: naming the first bad entry.
    """
    chain = ChainCheck(checkpoint)
    try:
        with database.reading(snapshot=True) as connection:
            query = select(tables.entries).order_by(tables.entries.c.position)
            with connection.execute(query.execution_options(yield_per=_TELL_EVERY)) as rows:
                for row in rows.mappings():
                    chain.follow(dict(row))
                    _tell(on_progress, chain.entries)
            chain.finish()
            _Shown(connection).check()
            if database.is_sqlite:
                _check_file(connection)
    except LedgerDamagedError as error:
        raise LedgerTamperedError(chain.entries + 1, str(error)) from error
    return VerifyReport(entries=chain.entries, head=chain.head)


def verify_file(
    path: Path, on_progress: Progress | None = None, checkpoint: Checkpoint | None = None
) -> VerifyReport:
    """Verifies an exported record; needs no database.

    Raises:
        LedgerError: when the file cannot be read.
        LedgerTamperedError: naming the first bad entry.
    """
    chain = ChainCheck(checkpoint)
    states: dict[str, State] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                row = _read(line, chain.entries + 1)
                chain.follow(row)
                states[row["stream"]] = refold(states.get(row["stream"]), row)
                _tell(on_progress, chain.entries)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise LedgerError(msg) from error
    chain.finish()
    return VerifyReport(entries=chain.entries, head=chain.head)


def _tell(on_progress: Progress | None, entries: int) -> None:
    if on_progress is not None and entries % _TELL_EVERY == 0:
        on_progress(entries)


def _read(line: bytes, place: int) -> Row:
    try:
        return read_line(line)
    except ValueError as error:
        raise LedgerTamperedError(place, str(error)) from error


class _Shown:
    """Compares what the projections show with what the entries say.

    Every stream is looked at before anything is raised, since streams are not in the order of
    positions and the first bad entry is the one to name.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._faults: list[LedgerTamperedError] = []
        self._known: dict[Table, set[tuple[Any, ...]]] = {}
        self._watches: dict[str, set[str]] = {}
        for stream, measure in connection.execute(select(tables.watches)):
            self._watches.setdefault(measure, set()).add(stream)
        self._links: dict[str, list[Row]] = {}
        for row in connection.execute(select(tables.links)).mappings():
            self._links.setdefault(row["measure"], []).append(dict(row))

    def check(self) -> None:
        """Folds every stream and compares.

        Raises:
            LedgerTamperedError: naming the first entry whose outcome is not what is shown.
        """
        with streams(self._connection) as lives:
            for stream, rows in lives:
                try:
                    self._check_life(stream, rows)
                except LedgerTamperedError as error:
                    self._faults.append(error)
        self._find_orphans()
        if self._faults:
            raise min(self._faults, key=lambda fault: fault.position or sys.maxsize)

    def _check_life(self, stream: str, rows: Iterator[Row]) -> None:
        state: State | None = None
        position = 0
        for row in rows:
            position, state = row["position"], refold(state, row)
        if state is not None:
            self._compare(stream, state, position)

    def _compare(self, stream: str, state: State, position: int) -> None:
        table, wanted = rows_of(state, position)
        keys = _keys(table, wanted)
        self._known.setdefault(table, set()).add(tuple(keys.values()))
        query = select(table).where(*(table.c[name] == value for name, value in keys.items()))
        found = self._connection.execute(query).mappings().first()
        if found is None:
            raise LedgerTamperedError(position, f"the projections do not show {stream}")
        shown = dict(found)
        # A state written by an older release may lack what has a default now; it reads the same.
        differ = [n for n in wanted if n not in _TEXTS and shown[n] != wanted[n]]
        if not differ and any(shown[n] != wanted[n] for n in _TEXTS & wanted.keys()):
            differ = [] if _reads_as(table, shown, state) else ["state"]
        if isinstance(state, MeasureState):
            watched = self._watches.pop(state.id, set())
            differ += ["watches"] if watched != set(state.watches) else []
            linked = self._links.pop(state.id, [])
            differ += ["links"] if _as_set(linked) != _as_set(links_of(state)) else []
        if differ:
            reason = f"the projections show another {', '.join(differ)} of {stream}"
            raise LedgerTamperedError(position, reason)

    def _find_orphans(self) -> None:
        for table in SHOWN:
            keys = table.primary_key.columns
            known = self._known.get(table, set())
            for row in self._connection.execute(select(*keys)):
                if tuple(row) not in known:
                    reason = f"no entry makes what {table.name} shows as {'/'.join(row)}"
                    self._faults.append(LedgerTamperedError(_NO_ENTRY, reason))
        for name, shown in (("watches", self._watches), ("links", self._links)):
            for measure in shown:
                reason = f"no entry makes what {name} shows as {measure}"
                self._faults.append(LedgerTamperedError(_NO_ENTRY, reason))


def _keys(table: Table, row: Row) -> Row:
    return {column.name: row[column.name] for column in table.primary_key.columns}


def _as_set(rows: list[Row]) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(row.items()) for row in rows}


def _reads_as(table: Table, shown: Row, state: State) -> bool:
    try:
        return state_of(table, shown) == state
    except LedgerError:
        return False


def _check_file(connection: Connection) -> None:
    """Finds damage in parts of a SQLite file that no query above has read."""
    found = connection.execute(text("PRAGMA integrity_check(1)")).scalar()
    if found != "ok":
        raise LedgerTamperedError(_NO_ENTRY, f"the file is damaged: {found}")
