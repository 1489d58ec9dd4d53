"""The circuits as this worker knows them: read once a second, changed in the ledger's database."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from ledger.connection_rows import Decide
from ledger.writer import AsyncLedger
from measures.circuit import ConnectionState, Outcome, note_call, note_check
from measures.errors import LedgerError

_log = logging.getLogger("sluicegate.worker.circuits")

_FRESH = 1.0
"""Seconds for which what was read counts; a call more into an open circuit does no harm."""

_SUCCESS_EVERY = timedelta(seconds=10)
"""How often it is written that all is well."""


def _now() -> datetime:
    return datetime.now(UTC)


class Circuits:
    """How every connection fares.

    Args:
        ledger: where it is kept, for all workers.
        first: for how long a circuit opens at first.
        clock: the time.
    """

    def __init__(
        self, ledger: AsyncLedger, first: timedelta, clock: Callable[[], datetime] = _now
    ) -> None:
        self._ledger = ledger
        self._first = first
        self._states: dict[str, ConnectionState] = {}
        self._read_at = -_FRESH
        self.now = clock

    async def state(self, name: str) -> ConnectionState:
        """Returns how a connection fares, as of the last second."""
        if time.monotonic() - self._read_at >= _FRESH:
            await self.read()
        return self._states.get(name) or ConnectionState(id=name)

    async def read(self) -> dict[str, ConnectionState]:
        """Reads how all connections fare now."""
        self._states = await self._ledger.connection_states()
        self._read_at = time.monotonic()
        return self._states

    async def change(self, name: str, decide: Decide) -> bool:
        """Changes how a connection fares; tells whether that changed anything."""
        before, after = await self._ledger.change_connection(name, decide)
        self._states[name] = after
        _tell(before, after)
        return before != after

    async def note_call(self, name: str, outcome: Outcome) -> None:
        """Notes how a call ended.

        A database that does not take it changes nothing about what the system has done.
        """
        if outcome.kind == "answered" and self._is_known_to_be_well(name, outcome.at):
            return
        try:
            await self.change(name, partial(note_call, outcome=outcome, first=self._first))
        except LedgerError as error:
            _log.warning("how %s fares was not noted: %s", name, error)

    async def note_check(self, name: str, outcome: Outcome) -> None:
        """Notes how a check ended."""
        await self.change(name, partial(note_check, outcome=outcome, first=self._first))

    def _is_known_to_be_well(self, name: str, at: datetime) -> bool:
        state = self._states.get(name)
        return (
            state is not None
            and state.circuit == "closed"
            and not state.failures
            and not state.openings
            and state.last_success is not None
            and at - state.last_success < _SUCCESS_EVERY
        )


def _tell(before: ConnectionState, after: ConnectionState) -> None:
    was_closed, is_closed = before.circuit == "closed", after.circuit == "closed"
    if was_closed and not is_closed:
        until = f"until {after.until}" if after.until else "until somebody acts"
        _log.warning("%s is not called %s: %s", after.id, until, after.last_error)
    elif is_closed and not was_closed:
        _log.info("%s is called again", after.id)
