"""Reserving over several pools, all or none, by asking each pool's own workflow."""

from temporalio import activity

from measures.errors import RefusedError
from measures.places import Places
from measures.plan import Demand
from measures.state import Reserved
from workflows.client import SluiceClient
from workflows.contract import (
    RESERVE_CAPACITY,
    TAKE_PLACES,
    Holding,
    HoldingResult,
    PoolAnswer,
    QueueAsk,
    ReleaseAsk,
    ReserveAsk,
)


class CapacityActivities:
    """Fills `workflows.ports.reserve_capacity` and `take_places`."""

    def __init__(self, client: SluiceClient) -> None:
        self._client = client

    @activity.defn(name=RESERVE_CAPACITY)
    async def reserve_capacity(self, holding: Holding) -> HoldingResult:
        """Brings every pool to hold exactly what is asked, or says what is lacking.

        Pools are asked in the order of their names and nothing waits inside a pool, so two
        measures cannot wait for each other. When one pool cannot, the workflow brings those
        asked before it back to what the measure's record says; until then they hold too much
        for this measure, never too little, and no other measure is oversold.
        """
        amounts: dict[str, dict[str, float | int]] = {}
        for demand in holding.demands:
            amounts.setdefault(demand.pool, {})[demand.period] = demand.amount
        changed = False
        freed: list[str] = []
        for pool in holding.pools:
            wanted = tuple(d for d in holding.demands if d.pool == pool)
            answer = await self._ask(holding, pool, wanted)
            if answer is None:
                amounts.pop(pool, None)
                if wanted and holding.hard:
                    return HoldingResult(
                        reserved=Reserved(), lacking=f"there is no pool {pool}", changed=changed
                    )
                continue
            if answer.lacking:
                return HoldingResult(reserved=Reserved(), lacking=answer.lacking, changed=changed)
            changed = changed or answer.changed
            freed += [name for name in answer.woken if name not in freed]
        return HoldingResult(
            reserved=Reserved(amounts=amounts, hard=holding.hard and bool(amounts)),
            changed=changed,
            freed_for=tuple(freed),
        )

    @activity.defn(name=TAKE_PLACES)
    async def take_places(self, places: Places) -> None:
        """Has a measure stand in the queues of exactly these pools.

        A pool that is not there any more has no queue either.
        """
        # Half of it done twice is done once: a pool that has the place already changes nothing.
        key = activity.info().activity_id
        for pool in places.pools:
            ask = QueueAsk(
                measure=places.measure,
                demands=tuple(d for d in places.demands if d.pool == pool),
                priority=places.priority,
                since=places.since,
                ready=not set(places.unready) - {pool},
            )
            run = activity.info().workflow_run_id
            try:
                await self._client.queue(pool, ask, key=f"{run}:{key}:{pool}")
            except RefusedError as error:
                if error.code != "unknown-pool":
                    raise

    async def _ask(
        self, holding: Holding, pool: str, wanted: tuple[Demand, ...]
    ) -> PoolAnswer | None:
        """Asks one pool; None when there is no such pool."""
        key = f"{holding.command}:{pool}"
        try:
            if wanted:
                ask = ReserveAsk(
                    measure=holding.measure,
                    demands=wanted,
                    hard=holding.hard,
                    priority=holding.priority,
                    since=holding.since,
                )
                return await self._client.reserve(pool, ask, key=key)
            release = ReleaseAsk(measure=holding.measure, reason=holding.reason)
            return await self._client.release(pool, release, key=key)
        except RefusedError as error:
            if error.code == "unknown-pool":
                return None
            raise
