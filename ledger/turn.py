"""One turn at the end of the chain: takes batches of drafts and writes all that fit at once.

Nothing is written while batches are taken, so a batch that does not fit leaves no trace and
those beside it stay whole.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, insert, select

from ledger import tables
from ledger.applied import AppliedDocument
from ledger.chain import Row, seal
from ledger.changes import Unmoved, has_changed
from ledger.folding import State, entry_of, fold, number_of
from ledger.lives import LIVES
from ledger.projection import state_of, write_states
from measures.digest import digest
from measures.entry import GENESIS, Draft, Entry, document_stream, subject_of
from measures.errors import LedgerConflictError, LedgerError, LedgerMovedError

_HEAD = (
    select(tables.entries.c.position, tables.entries.c.hash)
    .order_by(tables.entries.c.position.desc())
    .limit(1)
)
_RECORDED = (
    select(tables.entries)
    .where(tables.entries.c.stream == bindparam("stream"))
    .where(tables.entries.c.number >= bindparam("first"))
    .order_by(tables.entries.c.number)
)


class StateCache:
    """The states last folded or read, so that a busy stream is not parsed at every entry.

    A state is the outcome of its entries alone, so one that stands at the number and position
    that the database shows is never out of date.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._capacity = capacity
        self._states: OrderedDict[str, tuple[int, State]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, stream: str, number: int, position: int) -> State | None:
        """Returns the state of a stream at a number and position, when it is here."""
        with self._lock:
            found = self._states.get(stream)
            if found is None or found[0] != position or number_of(found[1]) != number:
                return None
            self._states.move_to_end(stream)
            return found[1]

    def put(self, stream: str, position: int, state: State) -> None:
        """Keeps a state; the one not used for longest goes."""
        with self._lock:
            self._states[stream] = (position, state)
            self._states.move_to_end(stream)
            if len(self._states) > self._capacity:
                self._states.popitem(last=False)


class Turn:
    """The work of one writing transaction."""

    def __init__(self, connection: Connection, cache: StateCache) -> None:
        self._connection = connection
        self._cache = cache
        self._position, self._hash = _head(connection)
        self._before: dict[str, State | None] = {}
        self._after: dict[str, tuple[int, State]] = {}
        self._rows: list[Row] = []
        self._entries: dict[str, list[Entry]] = {}

    def foresee(self, streams: Iterable[str]) -> None:
        """Reads the states of many streams at once, which is quicker than one after the other."""
        self._before.update(load_states(self._connection, self._cache, streams))

    def take(self, drafts: Sequence[Draft], bound: Unmoved | None = None) -> list[Entry]:
        """Gives a batch its place, or returns what stands there already.

        Args:
            drafts: the batch.
            bound: what it stands on; batches of this turn count, too.

        Raises:
            LedgerMovedError: when what it stands on has moved on.
            LedgerConflictError: when entries before it are missing.
            LedgerError: when it is no batch, or cannot follow what its stream holds.
        """
        if not drafts:
            return []
        stream, first = drafts[0].stream, drafts[0].number
        _check_batch(drafts)
        state = self._state(stream)
        last = 0 if state is None else number_of(state)
        if first <= last:
            return self._recorded(stream, first)
        if first != last + 1:
            msg = f"{stream}: entry {first} cannot follow entry {last}"
            raise LedgerConflictError(msg)
        if bound is not None and self._has_moved(bound):
            msg = f"{stream}: what entry {first} stands on has changed since it was decided"
            raise LedgerMovedError(msg)
        position, previous = self._position, self._hash
        rows: list[Row] = []
        entries: list[Entry] = []
        for draft in drafts:
            position += 1
            row = seal(draft, position, previous)
            previous = row["hash"]
            # Folded is what will be read back, not the draft: canonical JSON writes 1.0 as 1.
            entry = entry_of(row)
            state = fold(state, entry)
            rows.append(row)
            entries.append(entry)
        assert state is not None
        self._position, self._hash = position, previous
        self._rows += rows
        self._after[stream] = (position, state)
        self._entries.setdefault(stream, []).extend(entries)
        return entries

    def take_document(
        self, kind: str, name: str, body: dict[str, Any], by: str, at: datetime, command: str
    ) -> Entry | None:
        """Gives the next version of a document its place; None when nothing changed."""
        stream = document_stream(kind, name)
        state = self._state(stream)
        if isinstance(state, AppliedDocument) and state.digest == digest(body):
            return None
        draft = Draft(
            stream=stream,
            number=1 if state is None else number_of(state) + 1,
            kind="document_applied",
            at=at,
            by=by,
            command=command,
            body={"document": body},
        )
        return self.take([draft])[0]

    def write(self) -> None:
        """Writes what was taken: the entries, then the states they lead to."""
        if not self._rows:
            return
        self._connection.execute(insert(tables.entries), self._rows)
        write_states(
            self._connection,
            [
                (self._before[stream], state, position)
                for stream, (position, state) in self._after.items()
            ],
        )

    def keep(self) -> None:
        """Remembers the new states; only after the transaction has ended well."""
        for stream, (position, state) in self._after.items():
            self._cache.put(stream, position, state)

    def _state(self, stream: str) -> State | None:
        if stream in self._after:
            return self._after[stream][1]
        if stream not in self._before:
            self._before[stream] = load_state(self._connection, self._cache, stream)
        return self._before[stream]

    def _has_moved(self, bound: Unmoved) -> bool:
        taken = not self._after.keys().isdisjoint(bound.streams)
        return taken or has_changed(self._connection, bound.streams, bound.position)

    def _recorded(self, stream: str, first: int) -> list[Entry]:
        """Returns the entries of a stream from a number on, this turn's included."""
        found = self._connection.execute(_RECORDED, {"stream": stream, "first": first})
        stored = [entry_of(dict(row)) for row in found.mappings()]
        taken = [e for e in self._entries.get(stream, ()) if e.number >= first]
        return stored + taken


def load_state(connection: Connection, cache: StateCache, stream: str) -> State | None:
    """Reads the state of a stream; None when it has no entry."""
    table, where = _place(stream)
    if table is None:
        return None
    row = connection.execute(_LOAD[table], where).mappings().first()
    return None if row is None else known_state(cache, stream, table, dict(row))


def load_states(
    connection: Connection, cache: StateCache, streams: Iterable[str]
) -> dict[str, State | None]:
    """Reads the states of many streams; None for those that have no entry."""
    found: dict[str, State | None] = dict.fromkeys(streams)
    for thing, life in LIVES.items():
        start, table = f"{thing}:", life.table
        ids = [subject_of(stream) for stream in found if stream.startswith(start)]
        if not ids:
            continue
        for row in connection.execute(_LOAD_MANY[table], {"ids": ids}).mappings():
            stream = start + row["id"]
            found[stream] = known_state(cache, stream, table, dict(row))
    for stream in found:
        if stream.startswith("document:"):
            found[stream] = load_state(connection, cache, stream)
    return found


def known_state(cache: StateCache, stream: str, table: Table, row: Row) -> State:
    """Returns the state that a row shows, parsed only when it is not here yet."""
    number = row["version"] if table is tables.documents else row["number"]
    state = cache.get(stream, number, row["position"])
    if state is None:
        state = state_of(table, row)
        cache.put(stream, row["position"], state)
    return state


_TABLES = [life.table for life in LIVES.values()]
_LOAD_MANY = {
    table: select(table).where(table.c.id.in_(bindparam("ids", expanding=True)))
    for table in _TABLES
}
_LOAD = {
    table: select(table).where(and_(*(table.c[key] == bindparam(key) for key in keys)))
    for table, keys in (
        *((table, ("id",)) for table in _TABLES),
        (tables.documents, ("kind", "id")),
    )
}


def _place(stream: str) -> tuple[Table | None, dict[str, str]]:
    thing, subject = stream.partition(":")[0], subject_of(stream)
    if thing == "document":
        kind, _, name = subject.partition("/")
        return tables.documents, {"kind": kind, "id": name}
    life = LIVES.get(thing)
    return life and life.table, {"id": subject}


def _head(connection: Connection) -> tuple[int, str]:
    found = connection.execute(_HEAD).first()
    return (found[0], found[1]) if found else (0, GENESIS)


def _check_batch(drafts: Sequence[Draft]) -> None:
    first = drafts[0]
    fits: Iterable[bool] = (
        draft.stream == first.stream and draft.number == first.number + place
        for place, draft in enumerate(drafts)
    )
    if first.number < 1 or not all(fits):
        msg = f"{first.stream}: one append takes one stream's entries in order, from 1"
        raise LedgerError(msg)
