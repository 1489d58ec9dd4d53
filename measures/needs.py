"""What a measure needs of each pool, in the pool's own unit, whatever unit it was stated in."""

import math
from collections.abc import Iterable, Mapping

from measures.chains import NoChainError, arriving, chain
from measures.conversion import Conversion
from measures.loads import Need
from measures.plan import Demand
from measures.pool import PoolState


def needs_of(
    demands: Iterable[Demand],
    pools: Mapping[str, PoolState],
    conversions: Mapping[str, Conversion],
    judged: Mapping[str, Need],
) -> tuple[Need, ...]:
    """Returns what demands come to at their pools.

    Args:
        demands: as the plan states them.
        pools: the pools that are asked; one that is not there converts nothing.
        conversions: the newest version of each.
        judged: what a frozen plan was judged with, by name: it stays so, whatever is learned.
    """
    return tuple(
        judged.get(f"{demand.pool}/{demand.period}") or _need(demand, pools, conversions)
        for demand in demands
    )


def in_pool_units(needs: Iterable[Need]) -> tuple[Demand, ...]:
    """Returns demands as pools take them, without those whose amount cannot be known."""
    return tuple(
        Demand(pool=need.pool, period=need.period, amount=need.amount)
        for need in needs
        if need.amount is not None
    )


def as_stated(
    amount: float, stated: float | int | None, arrives: float | int | None
) -> float | int:
    """Returns what a plan must state so that not more than an amount arrives at the pool.

    What arrives grows in proportion to what is stated, and was rounded up by less than a unit.

    Args:
        amount: what may arrive, in the pool's unit.
        stated: what the plan states now; None when it speaks in the pool's unit.
        arrives: what arrives of that.
    """
    if stated is None or not arrives:
        return amount
    rate = stated / arrives
    wanted = max(0.0, (amount - (1 if arrives >= 100 else 0.01)) * rate)
    return math.floor(wanted) if wanted >= 100 else wanted


def _need(
    demand: Demand, pools: Mapping[str, PoolState], conversions: Mapping[str, Conversion]
) -> Need:
    pool = pools.get(demand.pool)
    unit = pool.pool.unit if pool else ""
    stated_unit = demand.unit or unit
    need = Need(
        pool=demand.pool,
        period=demand.period,
        amount=demand.amount,
        unit=unit,
        stated=demand.amount,
        stated_unit=stated_unit,
    )
    if stated_unit == unit:
        return need
    if pool is None:
        why = f"there is no pool {demand.pool} that says what {stated_unit} are to become"
        return need.model_copy(update={"amount": None, "why": why})
    try:
        arrival = arriving(demand.amount, chain(conversions, stated_unit, unit))
    except NoChainError as error:
        return need.model_copy(update={"amount": None, "why": error.message})
    return need.model_copy(
        update={"amount": arrival.p90, "mean": arrival.mean, "chain": arrival.chain}
    )
