"""Which measures stand in the queues of pools: those that wait for capacity and nothing else."""

from collections.abc import Mapping
from datetime import datetime

from measures.model import Moment, Stored
from measures.plan import Demand
from measures.pool_state import Capacity, Place, PoolState
from measures.state import MeasureState
from measures.verdict import Verdict

_PLENTY = 1e15
"""More than any demand asks for; the largest amount that is taken anywhere."""


class Places(Stored):
    """Brings a measure's places in the queues of pools to exactly this.

    Attributes:
        demands: what it waits for; empty when it waits nowhere.
        pools: every pool in whose queue it may stand.
        since: when it asked for the gate.
        unready: the pools that state less than it needs, whoever holds it.
    """

    measure: str
    demands: tuple[Demand, ...] = ()
    pools: tuple[str, ...]
    priority: int
    since: Moment
    unready: tuple[str, ...] = ()


def waits_at_pools(state: MeasureState) -> bool:
    """Tells whether a measure may stand in queues: it waits at the gate that holds capacity."""
    waiting = state.request
    return (
        waiting is not None
        and waiting.gate == state.lifecycle.hard_at
        and state.on_hold is None
        and not state.ended
    )


def may_want_places(state: MeasureState, verdict: Verdict) -> bool:
    """Tells whether every blocker is about what the measure needs of pools; cheap to ask."""
    demands = {f"demand:{d.pool}/{d.period}" for d in state.plan.demands}
    return bool(verdict.blockers) and all(
        demands & set(blocker.subject.split(" ")) for blocker in verdict.blockers
    )


def as_if_plenty(
    state: MeasureState, pools: Mapping[str, PoolState], now: datetime
) -> dict[str, PoolState]:
    """Returns the pools as if each had just stated more than enough and nobody held any.

    A gate that would open on them waits for capacity alone.
    """
    return {
        name: pool.model_copy(
            update={
                "holdings": {},
                "queue": {},
                "capacity": {
                    demand.period: Capacity(amount=_PLENTY, at=now, by=pool.pool.owner)
                    for demand in state.plan.demands
                    if demand.pool == name
                },
            }
        )
        for name, pool in pools.items()
    }


def places_to_take(
    state: MeasureState, demands: tuple[Demand, ...], pools: Mapping[str, PoolState]
) -> Places | None:
    """Returns the places a measure is to take or to leave; None when all is as it should be.

    Args:
        state: the measure.
        demands: what it waits for, in the pools' units; empty when it does not wait for capacity
            alone.
        pools: every pool it has, or just had, demands on.
    """
    waiting = state.request
    since = waiting.at if waiting is not None else state.changed_at
    demands = tuple(d for d in demands if d.pool in pools)
    unready = tuple(
        name
        for name, pool in sorted(pools.items())
        if any(d.pool == name for d in demands)
        and not pool.is_kept_for(_place(state, demands, name, since, ready=True))
    )
    wanted = {
        name: _place(state, demands, name, since, ready=not set(unready) - {name})
        for name in {d.pool for d in demands}
    }
    if all(pool.queue.get(state.id) == wanted.get(name) for name, pool in pools.items()):
        return None
    return Places(
        measure=state.id,
        demands=demands,
        pools=tuple(sorted(pools)),
        priority=state.plan.priority,
        since=since,
        unready=unready,
    )


def _place(
    state: MeasureState, demands: tuple[Demand, ...], pool: str, since: datetime, *, ready: bool
) -> Place:
    amounts = {d.period: d.amount for d in demands if d.pool == pool}
    return Place(amounts=amounts, priority=state.plan.priority, since=since, ready=ready)
