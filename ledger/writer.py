"""The ledger for asyncio: one thread writes for everybody, a few threads read.

While a transaction is being committed, further appends queue up and then share the next one
(group commit), so a hundred waiting measures cost a few commits instead of a hundred.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, ParamSpec, Self, TypeVar

from ledger.changes import Unmoved
from ledger.connection_rows import Change, Decide
from ledger.reading import Docket
from ledger.remotes import Outstanding, outstanding
from ledger.store import Ledger
from measures.circuit import ConnectionState
from measures.contact import ContactState
from measures.digest import canonical
from measures.directory import Directory
from measures.documents import RulePack
from measures.entry import Draft, Entry
from measures.errors import LedgerError, LedgerMovedError
from measures.launch import LaunchState
from measures.objects import ObjectState
from measures.people import ENGINE
from measures.pool import PoolState
from measures.remote import RemoteState
from measures.state import MeasureState
from measures.surroundings import Surroundings

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Waiting = tuple[Sequence[Draft], Unmoved | None, "Future[list[Entry]]"]

MOST_AT_ONCE = 200
"""How many appends share a transaction; more would only make the first of them wait longer."""

_READERS = 4


class AsyncLedger:
    """A ledger whose calls are awaited.

    Attributes:
        ledger: the same one for callers outside the event loop.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-read")
        # Reading SQLite takes less than the hop to a thread and back, and no other process can
        # make a reader wait there (WAL); a round trip to PostgreSQL would hold up the loop.
        self._read_inline = ledger.database.is_sqlite
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="ledger-write", daemon=True)
        self._writer.start()

    @classmethod
    async def open(cls, url: str) -> "AsyncLedger":
        """Opens a ledger, see `Ledger.open`."""
        return cls(await asyncio.to_thread(Ledger.open, url))

    async def close(self) -> None:
        """Writes what still waits, then closes."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self.ledger.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def append(self, drafts: Sequence[Draft], bound: Unmoved | None = None) -> list[Entry]:
        """Records drafts, see `Ledger.append`; returns once they are committed.

        A caller that is cancelled does not know whether they were: asking again tells.
        """
        self._refuse_when_closed()
        future: Future[list[Entry]] = Future()
        self._waiting.put((drafts, bound, future))
        return await asyncio.wrap_future(future)

    async def record(self, drafts: Sequence[Draft], bound: Unmoved | None = None) -> bool:
        """Records drafts unless somebody was quicker, in their place or in what they stand on.

        Returns:
            Whether they are recorded; if not, look at the state again and decide anew.
        """
        try:
            recorded = await self.append(drafts, bound)
        except LedgerMovedError:
            return False
        # By content: another attempt at the same request may have decided otherwise.
        return len(recorded) == len(drafts) and all(
            (taken.command, taken.kind) == (draft.command, draft.kind)
            and (taken.body == draft.body or canonical(taken.body) == canonical(draft.body))
            for taken, draft in zip(recorded, drafts, strict=True)
        )

    async def append_document(
        self, kind: str, name: str, body: dict[str, Any], by: str, at: datetime, command: str
    ) -> Entry | None:
        """Records the next version of a document, see `Ledger.append_document`."""
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, self.ledger.append_document, kind, name, body, by, at, command
        )

    async def change_connection(self, name: str, decide: Decide) -> Change:
        """Changes how a connection fares, see `ledger.connection_rows`."""
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, self.ledger.connections.change, name, decide
        )

    async def connection_states(self) -> dict[str, ConnectionState]:
        """Returns how the connections fare that were ever called, by id."""
        return await self._read(self.ledger.connections.all)

    async def pack_version(self, name: str, digest: str) -> RulePack | None:
        """Returns a version of a pack; None when it was never recorded."""
        return await self._read(self.ledger.pack_version, name, digest)

    async def measure(self, name: str) -> MeasureState | None:
        """Returns a measure's state; None when there is none of that id."""
        return await self._read(self.ledger.measure, name)

    async def docket(self, name: str) -> Docket:
        """Returns a measure, the directory and the last position as of one moment."""
        return await self._read(self.ledger.docket, name)

    async def pools(self, names: Sequence[str] | None = None) -> dict[str, PoolState]:
        """Returns the states of these pools, or of all; those that do not exist are left out."""
        return await self._read(self.ledger.pools, names)

    async def campaign_holder(self, ref: str, *, except_for: str) -> str | None:
        """Returns another live measure that has a campaign of this name; None without."""
        return await self._read(self.ledger.campaign_holder, ref, except_for=except_for)

    async def rivals(self, state: MeasureState) -> list[str]:
        """Returns the measures whose campaigns share an audience and a day with a measure's."""
        return await self._read(self.ledger.rivals, state)

    async def launch(self, ref: str) -> LaunchState | None:
        """Returns a launch's state; None when there is none of that name."""
        return await self._read(self.ledger.launch, ref)

    async def object_state(self, stream: str) -> ObjectState | None:
        """Returns what was observed of an object, by its stream; None when nobody has read it."""
        return await self._read(self.ledger.object_state, stream)

    async def contact(self, connection: str) -> ContactState | None:
        """Returns whether a connection is heard; None when it always was."""
        return await self._read(self.ledger.contact, connection)

    async def launches_by_measure(self, measures: Sequence[str]) -> dict[str, LaunchState]:
        """Returns the launches of these measures that have not ended, by measure."""
        return await self._read(self.ledger.launches_by_measure, measures)

    async def live_launches(self) -> list[LaunchState]:
        """Returns the launches that have not ended."""
        return await self._read(lambda: self.ledger.launches(live=True))

    async def launches_of(self, measure: str) -> list[LaunchState]:
        """Returns the launches of a measure that have not ended."""
        return await self._read(lambda: self.ledger.launches(live=True, measure=measure))

    async def remote(self, name: str) -> RemoteState | None:
        """Returns a remote object's state, by its whole id; None when there is none."""
        return await self._read(self.ledger.remote, name)

    async def remotes(self, *, live: bool = False, **equal: str) -> list[RemoteState]:
        """Returns remote objects, see `Ledger.remotes`."""
        return await self._read(lambda: self.ledger.remotes(live=live, **equal))

    async def remote_orders(self, measure: str, *, move: str = "", by: str = ENGINE) -> Outstanding:
        """Returns what a measure wants of remote objects, see `ledger.remotes.outstanding`."""
        return await self._read(outstanding, self.ledger, measure, move=move, by=by)

    async def surroundings(self, state: MeasureState) -> Surroundings:
        """Returns the pools and the other measures that a measure's facts need."""
        return await self._read(self.ledger.surroundings, state)

    async def waiting_on(self, stream: str) -> list[str]:
        """Returns the measures whose waiting request watches a stream, the oldest first."""
        return await self._read(self.ledger.waiting_on, stream)

    async def launched_on(self, stream: str) -> list[str]:
        """Returns the measures whose permit depends on a stream, without those that wait."""
        return await self._read(self.ledger.launched_on, stream)

    async def watching(self, stream: str) -> list[str]:
        """Returns those waiting on a stream, the oldest first, then those launched on it."""
        return await self._read(self.ledger.watching, stream)

    async def waiting(self) -> list[str]:
        """Returns every measure with a waiting request, the oldest request first."""
        return await self._read(self.ledger.waiting)

    async def changed_since(self, subjects: Sequence[str], position: int) -> bool:
        """Tells whether one of these streams has an entry behind a position."""
        return await self._read(self.ledger.changed_since, subjects, position)

    async def position(self) -> int:
        """Returns the position of the last entry."""
        return await self._read(self.ledger.position)

    async def directory(self) -> Directory:
        """Returns the people, nodes, delegations and packs."""
        return await self._read(self.ledger.directory)

    async def _read(self, ask: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        self._refuse_when_closed()
        if self._read_inline:
            return ask(*args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: ask(*args, **kwargs))

    def _refuse_when_closed(self) -> None:
        if self._closed:
            msg = "the ledger is closed"
            raise LedgerError(msg)

    def _write(self) -> None:
        """Takes all that waits, writes it at once, tells everybody; until nothing more comes."""
        while True:
            group, more = self._next_group()
            if group:
                self._write_group(group)
            if not more:
                return

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        group: list[_Waiting] = []
        while len(group) < MOST_AT_ONCE:
            try:
                waiting = self._waiting.get(block=not group)
            except queue.Empty:
                break
            if waiting is None:
                return group, False
            if waiting[-1].set_running_or_notify_cancel():
                group.append(waiting)
        return group, True

    def _write_group(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = self.ledger.append_all(
                [drafts for drafts, _, _ in group], [bound for _, bound, _ in group]
            )
        except BaseException as error:  # whatever it is, those who wait must hear of it
            for *_, future in group:
                future.set_exception(error)
            return
        for (*_, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, LedgerError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
