"""Reading pools' numbers in connected systems, and reporting them to the pools.

What is read is a report like any other: it is decided and recorded by the pool's own workflow.
Several workers read in turn; all name the same reading alike, so the pool takes it once.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from connectors.failures import ConnectorError, RetryLater
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

AT_ONCE = 10
"""Readings side by side."""


def _now() -> datetime:
    return datetime.now(UTC)


class Feeding:
    """Reads what pools' feeds name whenever it is due.

    Args:
        ledger: where the pools are read.
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
        self._connections = connections
        self._client = client
        self._now = now
        self._done: dict[tuple[str, str], int] = {}

    async def look(self) -> None:
        """Reads and reports everything that is due."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(pool: PoolState, feed: Feed) -> None:
            async with gate:
                await self._feed(pool, feed)

        pools = (await self._ledger.pools()).values()
        await asyncio.gather(*(one(pool, feed) for pool in pools for feed in pool.pool.feeds))

    async def _feed(self, state: PoolState, feed: Feed) -> None:
        now, key = self._now(), (state.pool.id, feed.gives)
        turn = feed.turn(now)
        if self._done.get(key) == turn:
            return
        try:
            refused = await self._report(state, feed, turn, now)
        except RetryLater as error:
            # Tried again at the next look: the connection's circuit keeps that from being too much.
            _log.info("pool %s is not fed: %s", state.pool.id, error)
            return
        except (ConnectorError, SluicegateError, ValueError) as error:
            refused = str(error)
        self._done[key] = turn
        if refused:
            _log.warning("pool %s is not fed by %s: %s", state.pool.id, feed.source, refused)

    async def _report(self, state: PoolState, feed: Feed, turn: int, now: datetime) -> str:
        """Reads a number and reports it; returns why it was refused, empty when it was not."""
        connector = await self._connections.get(feed.connection)
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
