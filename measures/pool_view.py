"""A pool as people see it: per period what it takes, who holds it, and what can be relied on."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from measures.model import Moment, Stored, period_bounds
from measures.pool import Capacity, Holding, PoolState


class Share(Stored):
    """What one measure holds, or only noted, in a period.

    Attributes:
        measure: whose it is.
        amount: how much of the period, in the pool's unit.
        hard: whether it is held; a note takes nothing from others.
        since: when it was reserved or noted.
    """

    measure: str
    amount: float | int
    hard: bool
    since: Moment


class PeriodView(Stored):
    """One period of a pool.

    Attributes:
        period: the period.
        capacity: how much the pool can take; None where nobody stated it.
        held: how much is held hard.
        noted: how much is noted without being held.
        free: what is left, below zero where less was stated than is held; None when not known.
        over: how much more is held than there is.
        reported_at: when the capacity was stated last.
        by: who stated it.
        age_seconds: how long ago that was.
        stale: whether that is longer ago than some rule in force accepts.
        shares: who holds or noted it, what is held first, the earliest at the head.
    """

    period: str
    capacity: float | int | None = None
    held: float | int = 0
    noted: float | int = 0
    free: float | int | None = None
    over: float | int = 0
    reported_at: Moment | None = None
    by: str = ""
    age_seconds: int | None = None
    stale: bool = False
    shares: tuple[Share, ...] = ()

    @property
    def utilisation(self) -> float | None:
        """The part of the capacity that is held, 1 for all of it; None where there is none."""
        return self.held / self.capacity if self.capacity else None


class PoolView(Stored):
    """Everything there is to see of a pool at a moment.

    Attributes:
        id: the pool's id.
        title: how people know it.
        unit: what is counted.
        owner: who states its capacity.
        periods: those that somebody stated or needs, in the order of time.
    """

    id: str
    title: str
    unit: str
    owner: str
    periods: tuple[PeriodView, ...] = ()


def view_of(state: PoolState, now: datetime, accepted: timedelta | None = None) -> PoolView:
    """Returns what there is to see of a pool.

    Args:
        state: the pool.
        now: the moment of looking.
        accepted: how old a statement may be for the strictest rule; None when none asks.
    """
    needed = (period for holding in state.holdings.values() for period in holding.amounts)
    periods = sorted({*state.capacity, *needed}, key=lambda one: (*period_bounds(one), one))
    return PoolView(
        id=state.pool.id,
        title=state.pool.title,
        unit=state.pool.unit,
        owner=state.pool.owner,
        periods=tuple(_period(state, period, now, accepted) for period in periods),
    )


def _period(state: PoolState, period: str, now: datetime, accepted: timedelta | None) -> PeriodView:
    stated = state.capacity.get(period)
    shares = _shares(state.holdings.items(), period)
    held = sum(share.amount for share in shares if share.hard)
    seen = PeriodView(
        period=period,
        held=held,
        noted=sum(share.amount for share in shares if not share.hard),
        shares=shares,
    )
    return (
        seen if stated is None else seen.model_copy(update=_statement(stated, held, now, accepted))
    )


def _statement(
    stated: Capacity, held: float, now: datetime, accepted: timedelta | None
) -> dict[str, object]:
    """Returns the fields that a statement of capacity gives."""
    age = now - stated.at
    return {
        "capacity": stated.amount,
        "free": stated.amount - held,
        "over": max(0, held - stated.amount),
        "reported_at": stated.at,
        "by": stated.by,
        "age_seconds": max(0, int(age.total_seconds())),
        "stale": accepted is not None and age > accepted,
    }


def _shares(holdings: Iterable[tuple[str, Holding]], period: str) -> tuple[Share, ...]:
    found = [
        Share(measure=measure, amount=amount, hard=holding.hard, since=holding.at)
        for measure, holding in holdings
        if (amount := holding.amounts.get(period, 0))
    ]
    return tuple(sorted(found, key=lambda share: (not share.hard, share.since, share.measure)))


__all__ = ["PeriodView", "PoolView", "Share", "view_of"]
