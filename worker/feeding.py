"""Reading pools' numbers in connected systems, and reporting them to the pools.

What is read is a report like any other: it is decided and recorded by the pool's own workflow.
Several workers read in turn; all name the same reading alike, so the pool takes it once. No reading
waits for another system's: each is a task of its own, and a system that hangs holds up its own.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from connectors.failures import ConnectorError, RetryLater
from ledger.feeds import FeedStates
from ledger.writer import AsyncLedger
from measures.errors import SluicegateError
from measures.feeding import capacity_report, load_report
from measures.feeds import Feed, number_of
from measures.pool_state import PoolState
from worker.connections import Connections
from workflows.client import SluiceClient

_log = logging.getLogger("sluicegate.worker.feeding")

FEED_SECONDS = 5.0
"""How often is looked whether a reading is due; no feed may ask for one in under 10 seconds."""

AT_ONCE = 4
"""Readings of one connection side by side."""

PATIENCE = 20.0
"""The seconds a system may take to show a number."""


def _now() -> datetime:
    return datetime.now(UTC)


class Feeding:
    """Reads what pools' feeds name whenever it is due.

    Args:
        ledger: where the pools are read, and how readings went is noted.
        connections: the systems.
        client: how a pool is told.
        now: the present moment.
    """

    def __init__(
        self,
        ledger: AsyncLedger,
        connections: Connections,
        client: SluiceClient,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._ledger = ledger
        self._states = FeedStates(ledger.ledger.database)
        self._connections = connections
        self._client = client
        self._now = now
        self._done: dict[tuple[str, str], int] = {}
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._gates: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def look(self) -> None:
        """Begins every reading that is due and not under way; waits for none of them."""
        for state in (await self._ledger.pools()).values():
            for feed in state.pool.feeds:
                key = (state.pool.id, feed.gives)
                turn = feed.turn(self._now())
                if self._done.get(key) == turn or key in self._under_way:
                    continue
                task = asyncio.create_task(self._feed(state, feed, turn))
                self._under_way[key] = task
                task.add_done_callback(lambda _, key=key: self._under_way.pop(key))  # type: ignore[misc]

    async def aclose(self) -> None:
        """Gives up what is under way."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed(self, state: PoolState, feed: Feed, turn: int) -> None:
        pool = state.pool.id
        try:
            async with self._gates[feed.connection]:
                refused, is_over = await self._outcome(state, feed, turn)
            if is_over:
                self._done[pool, feed.gives] = turn
            if refused:
                _log.warning("pool %s is not fed by %s: %s", pool, feed.source, refused)
            await asyncio.to_thread(self._states.note, pool, feed, self._now(), refused)
        except SluicegateError as error:
            _log.warning("pool %s is not fed by %s: %s", pool, feed.source, error)
        except Exception:
            _log.exception("pool %s is not fed by %s", pool, feed.source)

    async def _outcome(self, state: PoolState, feed: Feed, turn: int) -> tuple[str, bool]:
        """Reads and reports; returns why that failed, and whether this turn is over with it.

        What may go better in a moment is tried again at the next look: the connection's circuit
        keeps that from being too much.
        """
        try:
            return await self._report(state, feed, turn, self._now()), True
        except RetryLater as error:
            return str(error), False
        except TimeoutError:
            return f"it did not answer within {PATIENCE:g} s", False
        except (ConnectorError, SluicegateError, ValueError) as error:
            return str(error), True

    async def _report(self, state: PoolState, feed: Feed, turn: int, now: datetime) -> str:
        """Reads a number and reports it; returns why it was refused, empty when it was not."""
        connector = await self._connections.get(feed.connection)
        async with asyncio.timeout(PATIENCE):
            seen = await connector.get(feed.object, feed.ref)
        number = number_of(feed, {**seen.fields, "title": seen.title, "status": seen.status})
        key = f"feed:{state.pool.id}:{feed.gives}:{turn}"
        if feed.gives == "capacity":
            ask = capacity_report(feed, number, state, now)
            if ask is None:
                return ""
            answer = await self._client.report_capacity(state.pool.id, ask, key=key)
            return answer.message
        told = await self._client.report_load(
            state.pool.id, load_report(feed, number, state.pool.owner, now), key=key
        )
        return told.message


__all__ = ["FEED_SECONDS", "Feeding"]
