"""Taking verified news into the inbox: many deliveries share one write, and a flood is refused.

Nothing is kept only in memory: a delivery is acknowledged when it is in the database. What is
refused comes again, because senders repeat what was not acknowledged.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import ceil

from ledger.inbox import Inbox, News
from measures.errors import SluicegateError

MOST_WAITING = 500
"""Deliveries that may wait for their write."""

MOST_KEPT = 20_000
"""News of one connection that may wait in the inbox."""

BURST_SECONDS = 4
"""For how long a connection may send at twice its rate before it is slowed down."""

_COUNTED_FOR = 1.0
_FULL_SECONDS = 30


class FloodedError(SluicegateError):
    """More comes in than can be taken.

    Attributes:
        after: the seconds after which to try again.
    """

    def __init__(self, why: str, after: int) -> None:
        super().__init__(why)
        self.after = after


class Intake:
    """Writes news into the inbox.

    Args:
        inbox: where to.
        rate: deliveries a second of one connection, on average.
    """

    def __init__(self, inbox: Inbox, rate: float) -> None:
        self._inbox = inbox
        self._rate = rate
        self._paces: dict[str, _Pace] = {}
        self._kept: dict[str, tuple[float, int]] = {}
        self._waiting: list[tuple[Sequence[News], asyncio.Future[bool]]] = []
        self._wake = asyncio.Event()

    async def take(self, connection: str, news: Sequence[News]) -> bool:
        """Keeps what one delivery says; returns once it is written whether any of it is new.

        Raises:
            FloodedError: too much comes in, or waits.
            LedgerError: the database does not do it.
        """
        wait = self._paces.setdefault(connection, _Pace(self._rate)).wait()
        if wait > 0:
            why = f"{connection} sends more than {self._rate:g} deliveries a second"
            raise FloodedError(why, ceil(wait))
        if len(self._waiting) >= MOST_WAITING:
            raise FloodedError("too many deliveries wait to be written", 1)
        if await self._backlog(connection) >= MOST_KEPT:
            why = f"{MOST_KEPT:,} news of {connection} wait to be acted on: does a worker run?"
            raise FloodedError(why, _FULL_SECONDS)
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((news, written))
        self._wake.set()
        return await written

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Writes while the block runs."""
        task = asyncio.create_task(self._write_for_ever())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _write_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            group, self._waiting = self._waiting, []
            news = [one for each, _ in group for one in each]
            failure: Exception | None = None
            new: set[tuple[str, str]] = set()
            try:
                new = await asyncio.to_thread(self._inbox.put, news, datetime.now(UTC))
            except Exception as error:  # whatever it is, those who wait must hear of it
                failure = error
            for part, written in group:
                # Of the same delivery twice in one write, the first is what is new.
                its = {(one.connection, one.delivery) for one in part} & new
                new -= its
                if written.done():
                    continue  # its sender has gone
                if failure is None:
                    written.set_result(bool(its))
                else:
                    written.set_exception(failure)

    async def _backlog(self, connection: str) -> int:
        """Returns about how much news of a connection waits."""
        at, many = self._kept.get(connection, (-_COUNTED_FOR, 0))
        if time.monotonic() - at >= _COUNTED_FOR:
            # Noted beforehand: those who come meanwhile go by the last count and do not count too.
            self._kept[connection] = (time.monotonic(), many)
            many = await asyncio.to_thread(self._inbox.backlog, connection)
            self._kept[connection] = (time.monotonic(), many)
        return many


class _Pace:
    """A bucket that fills evenly and holds a few seconds' worth."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * BURST_SECONDS)
        self._left = self._most
        self._at = time.monotonic()

    def wait(self) -> float:
        """Takes one out; else returns after how many seconds one will be there."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0
