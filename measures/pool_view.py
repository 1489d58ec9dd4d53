"""A pool as people see it: per period what it takes, who holds it, who waits, what is reliable."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from measures.documents import Pool
from measures.feeds import FeedState
from measures.model import Moment, Stored, period_bounds, write_span
from measures.pool_folding import utc_day
from measures.pool_state import Asker, Capacity, PoolState, load, over_on
from measures.turns import LOWEST, holding_turn


class Share(Stored):
    """What one measure holds, or only noted, in a period.

    Attributes:
        measure: whose it is.
        amount: how much counts in the period, in the pool's unit.
        covered: how much of what is held the capacity still covers; all of it as a rule.
        hard: whether it is held; a note takes nothing from others.
        priority: how urgent the measure was then; the least urgent loses first.
        since: from when on it has been held, or noted.
    """

    measure: str
    amount: float | int
    covered: float | int
    hard: bool
    priority: int
    since: Moment


class Waiter(Stored):
    """A measure that waits for capacity in a period.

    Attributes:
        measure: who waits.
        amount: how much it needs in the period.
        priority: how urgent it is by its plan; waiting makes it more urgent.
        since: when it asked for its gate.
        kept: whether what is free is kept for it; not while this pool, or another that it needs,
            states less than it needs.
    """

    measure: str
    amount: float | int
    priority: int
    since: Moment
    kept: bool


class PeriodView(Stored):
    """One period of a pool.

    Attributes:
        period: the period.
        capacity: how much the pool can take; None where nobody stated it.
        held: how much is held hard.
        noted: how much is noted without being held.
        kept: how much is kept for those who wait.
        free: what is left for somebody new, never below zero; None when it is not known.
        over: how much more is held than there is.
        waited_for: how much those who wait need.
        reported_at: when the capacity was stated last.
        by: who stated it.
        source: from where: ``document``, ``report`` or ``connector:NAME``; empty in old records.
        age_seconds: how long ago that was.
        stale: whether that is longer ago than some rule in force accepts.
        shares: who holds or noted something, holdings first, who would lose last at the head.
        waiting: who waits for something, whose turn comes first at the head.
    """

    period: str
    capacity: float | int | None = None
    held: float | int = 0
    noted: float | int = 0
    kept: float | int = 0
    free: float | int | None = None
    over: float | int = 0
    waited_for: float | int = 0
    reported_at: Moment | None = None
    by: str = ""
    source: str = ""
    age_seconds: int | None = None
    stale: bool = False
    shares: tuple[Share, ...] = ()
    waiting: tuple[Waiter, ...] = ()

    @property
    def utilisation(self) -> float | None:
        """The part of the capacity that is held, 1 for all of it; None where there is none."""
        return self.held / self.capacity if self.capacity else None


class FeedView(Stored):
    """A number that is read in a connected system again and again.

    Attributes:
        gives: what it is.
        source: where it is read.
        every: how often.
        last_success: when it was last read and taken; None when it never was.
        last_error: why the last reading that failed did.
        last_error_at: when that was; None when none failed.
    """

    gives: str
    source: str
    every: str
    last_success: Moment | None = None
    last_error: str = ""
    last_error_at: Moment | None = None

    @property
    def fails(self) -> bool:
        """Whether the last reading failed."""
        if self.last_error_at is None:
            return False
        return self.last_success is None or self.last_success < self.last_error_at


class PoolView(Stored):
    """Everything there is to see of a pool at a moment.

    Attributes:
        id: the pool's id.
        title: how people know it.
        unit: what is counted.
        owner: who states its capacity.
        periods: those that somebody stated, or needs in vain, in the order of time.
        over: how many periods are left out because they are over.
        feeds: what comes from connected systems, and how its readings went.
    """

    id: str
    title: str
    unit: str
    owner: str
    periods: tuple[PeriodView, ...] = ()
    over: int = 0
    feeds: tuple[FeedView, ...] = ()


def view_of(
    state: PoolState,
    now: datetime,
    accepted: timedelta | None = None,
    *,
    past: bool = True,
    fed: Iterable[FeedState] = (),
) -> PoolView:
    """Returns what there is to see of a pool.

    Args:
        state: the pool.
        now: the moment of looking.
        accepted: how old a statement may be for the strictest rule; None when none asks.
        past: whether periods that are over are shown too.
        fed: how readings of feeds went, of this pool among others.
    """
    needed = {
        *(period for holding in state.holdings.values() for period in holding.amounts),
        *(period for place in state.queue.values() for period in place.amounts),
    }
    unstated = {period for period in needed if not state.touched(period)}
    periods = sorted({*state.capacity, *unstated}, key=lambda one: (*period_bounds(one), one))
    shown = [one for one in periods if past or over_on(one) > utc_day(now)]
    return PoolView(
        id=state.pool.id,
        title=state.pool.title,
        unit=state.pool.unit,
        owner=state.pool.owner,
        periods=tuple(_period(state, period, now, accepted) for period in shown),
        over=len(periods) - len(shown),
        feeds=_feeds(state.pool, fed),
    )


def _feeds(pool: Pool, fed: Iterable[FeedState]) -> tuple[FeedView, ...]:
    went = {(one.gives, one.source): one for one in fed if one.pool == pool.id}
    views = []
    for feed in pool.feeds:
        view = FeedView(gives=feed.gives, source=feed.source, every=write_span(feed.every))
        if (state := went.get((feed.gives, feed.source))) is not None:
            view = view.model_copy(update=state.model_dump(exclude={"pool", "gives", "source"}))
        views.append(view)
    return tuple(views)


def _period(state: PoolState, period: str, now: datetime, accepted: timedelta | None) -> PeriodView:
    shares, waiting = _shares(state, period), _waiting(state, period, now)
    seen = PeriodView(
        period=period,
        held=state.held(period),
        noted=sum(share.amount for share in shares if not share.hard),
        waited_for=sum(waiter.amount for waiter in waiting),
        shares=shares,
        waiting=waiting,
    )
    stated = state.capacity.get(period)
    if stated is None:
        return seen
    # Somebody new is behind everybody who waits, and gets no more than every other stated period
    # that this one touches has; of a period that is over nobody gets anything.
    newcomer = Asker(LOWEST, now, now)
    kept = state.kept(period, "", newcomer)
    left = stated.amount - seen.held
    free = 0 if over_on(period) <= utc_day(now) else state.free_for("", period, newcomer) or 0
    return seen.model_copy(
        update={
            "kept": kept,
            "free": max(0, free),
            "over": max(0, -left),
            **_statement(stated, now, accepted),
        }
    )


def _statement(stated: Capacity, now: datetime, accepted: timedelta | None) -> dict[str, object]:
    """Returns the fields that a statement of capacity gives."""
    age = now - stated.at
    return {
        "capacity": stated.amount,
        "reported_at": stated.at,
        "by": stated.by,
        "source": stated.source,
        "age_seconds": max(0, int(age.total_seconds())),
        "stale": accepted is not None and age > accepted,
    }


def _shares(state: PoolState, period: str) -> tuple[Share, ...]:
    covered = {one.measure: one.covered for one in state.uncovered(period)}
    found = []
    for measure, holding in state.holdings.items():
        amount = load(holding.amounts, period)
        if not amount:
            continue
        share = Share(
            measure=measure,
            amount=amount,
            covered=covered.get(measure, amount) if holding.hard else 0,
            hard=holding.hard,
            priority=holding.priority,
            since=holding.held_since if holding.hard else holding.at,
        )
        turn = holding_turn(holding.priority, share.since, measure)
        found.append((not holding.hard, turn, share))
    return tuple(share for _, _, share in sorted(found, key=lambda one: one[:2]))


def _waiting(state: PoolState, period: str, now: datetime) -> tuple[Waiter, ...]:
    return tuple(
        Waiter(
            measure=measure,
            amount=load(place.amounts, period),
            priority=place.priority,
            since=place.since,
            kept=state.is_kept_for(place),
        )
        for measure in state.queued(now, period)
        for place in (state.queue[measure],)
    )


__all__ = ["FeedView", "PeriodView", "PoolView", "Share", "Waiter", "view_of"]
