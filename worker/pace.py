"""How fast one connection is called: all workers draw from one bucket, holds go first.

aiolimiter and its like know one process only; several workers would send several times what a
system allows. And a hold must not wait behind a poll.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.failures import RetryLater
from ledger.writer import AsyncLedger
from measures.circuit import ConnectionState
from measures.pacing import Draw, draw

_LONGEST_QUEUE = 20.0
"""Seconds that a call that is not urgent may wait here; above, Temporal waits, which costs less."""


class Pace:
    """The turns of one connection in this worker.

    Args:
        ledger: where the bucket is.
        name: the connection.
        a_second: how many calls all workers together may send.
        clock: the time.
    """

    def __init__(
        self, ledger: AsyncLedger, name: str, a_second: float, clock: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._name = name
        self._a_second = a_second
        self._now = clock
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._left = 0
        self._giving: asyncio.Task[None] | None = None

    async def turn(self, *, urgent: bool) -> None:
        """Waits until a call may be sent.

        Raises:
            RetryLater: too many wait already.
            LedgerError: the bucket cannot be read.
        """
        if not urgent:
            self._refuse_when_long()
        turn = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._others).append(turn)
        if self._giving is None or self._giving.done():
            self._giving = asyncio.create_task(self._give())
        await turn

    async def aclose(self) -> None:
        """Gives no more turns."""
        if self._giving is not None:
            self._giving.cancel()
            await asyncio.gather(self._giving, return_exceptions=True)

    def _refuse_when_long(self) -> None:
        wait = len(self._others) / self._a_second
        if wait > _LONGEST_QUEUE:
            msg = (
                f"{len(self._others)} calls wait for {self._name},"
                f" which takes {self._a_second:g} a second (calls_a_second of its Connection)"
            )
            raise RetryLater(msg, timedelta(seconds=wait))

    async def _give(self) -> None:
        try:
            while self._urgent or self._others:
                if not self._left:
                    await self._draw()
                # Chosen only now: a hold may have come while we waited.
                turn = (self._urgent or self._others).popleft()
                if not turn.done():
                    self._left -= 1
                    turn.set_result(None)
        except BaseException as error:
            for waiting in (self._urgent, self._others):
                while waiting:
                    turn = waiting.popleft()
                    if not turn.done():
                        turn.set_exception(error) if isinstance(error, Exception) else turn.cancel()
            if not isinstance(error, Exception):
                raise

    async def _draw(self) -> None:
        drawn: list[Draw] = []

        def take(state: ConnectionState) -> ConnectionState:
            drawn.append(draw(state.spent_until, self._now(), self._a_second))
            return state.model_copy(update={"spent_until": drawn[-1].spent_until})

        await self._ledger.change_connection(self._name, take)
        self._left = drawn[-1].calls
        await asyncio.sleep((drawn[-1].since - self._now()).total_seconds())
