"""Verbs for pools."""

from pydantic import BaseModel
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy

from measures.documents import Pool
from measures.entry import pool_stream
from measures.errors import RefusedError
from measures.pool import PoolState
from measures.requests import CapacityInput, LoadInput, PoolInput
from workflows.client.speaking import Beginning, Speaker, fresh_key, refuse_large
from workflows.contract import (
    DECISION_LIMIT,
    FACTS_LIMIT,
    OWNER,
    POOL_WORKFLOW,
    PoolAnswer,
    PoolStart,
    QueueAsk,
    ReleaseAsk,
    ReserveAsk,
)
from workflows.describing import summary_of
from workflows.load_contract import LoadAnswer


class PoolVerbs(Speaker):
    """Begins pools and asks them."""

    async def open_pool(self, pool: Pool, by: str, *, key: str | None = None) -> PoolState:
        """Starts a pool's workflow and waits until the pool is recorded.

        Raises:
            RefusedError: ``exists`` or ``too-large``.
        """
        refuse_large(pool, FACTS_LIMIT, f"pool {pool.id}")
        start = PoolStart(pool=pool.id, document=pool, by=by, command=key or fresh_key())
        if not await self._begin_pool(start, pool):
            raise RefusedError("exists", f"{pool_stream(pool.id)} is there already")
        await self.change_pool(pool, by)
        return await self.pool_status(pool.id)

    async def restart_pool(self, state: PoolState) -> bool:
        """Starts the workflow of a pool that the ledger knows; False when it runs already."""
        return await self._begin_pool(PoolStart(pool=state.pool.id, state=state), state.pool)

    async def report_capacity(
        self, pool: str, ask: CapacityInput, *, key: str | None = None
    ) -> PoolAnswer:
        """Reports a pool's capacity in a period."""
        return await self._ask_pool(pool, "report_capacity", ask, key)

    async def report_load(self, pool: str, ask: LoadInput, *, key: str | None = None) -> LoadAnswer:
        """Reports a pool's live load; the launches on it are throttled by it."""
        return await self._update(
            pool_stream(pool), "report_load", ask, key, DECISION_LIMIT, LoadAnswer
        )

    async def change_pool(self, pool: Pool, by: str, *, key: str | None = None) -> PoolAnswer:
        """Brings a pool's document to a newer version."""
        return await self._ask_pool(pool.id, "change", PoolInput(by=by, pool=pool), key)

    async def reserve(self, pool: str, ask: ReserveAsk, *, key: str) -> PoolAnswer:
        """Makes one pool hold, or note, a measure's demands."""
        return await self._ask_pool(pool, "reserve", ask, key)

    async def release(self, pool: str, ask: ReleaseAsk, *, key: str) -> PoolAnswer:
        """Makes one pool forget what it holds for a measure."""
        return await self._ask_pool(pool, "release", ask, key)

    async def queue(self, pool: str, ask: QueueAsk, *, key: str) -> PoolAnswer:
        """Makes a measure wait for one pool's capacity, or no longer."""
        return await self._ask_pool(pool, "queue", ask, key)

    async def pool_status(self, pool: str) -> PoolState:
        """Returns a pool's capacity and reservations."""
        return await self._look(pool_stream(pool), "status", PoolState)

    async def _begin_pool(self, start: PoolStart, pool: Pool) -> bool:
        life = Beginning(
            POOL_WORKFLOW,
            pool_stream(pool.id),
            start,
            summary=summary_of(pool.title, pool.id),
            title=pool.title,
            attributes=TypedSearchAttributes([SearchAttributePair(OWNER, pool.owner)]),
            reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        )
        return await self._begin(life)

    async def _ask_pool(
        self, pool: str, update: str, ask: BaseModel, key: str | None
    ) -> PoolAnswer:
        return await self._update(pool_stream(pool), update, ask, key, FACTS_LIMIT, PoolAnswer)
