"""Inputs spread over days: what arrives at a pool each day, and what it can serve."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from measures.errors import RefusedError
from measures.model import period_around, period_bounds, period_length
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import PoolInputs, QueueInputs, Stretch

HORIZON_DAYS = 1096
"""How long after the campaign a queue is watched: three years."""

LONGEST_CAMPAIGN_DAYS = 3660
"""Demands may lie ten years apart; what is later is a slip of the pen, and costs memory."""

_LENGTHS = ("day", "week", "month", "year")


@dataclass(frozen=True)
class Load:
    """One pool, day by day, from `first` on; amounts are in the pool's unit a day.

    Attributes:
        normal: what arrives without the campaign.
        uplift: what the campaign brings on top.
        service: what can be done.
        starts, ends: the first day on which the campaign brings anything, and the first after.
    """

    pool: str
    title: str
    unit: str
    first: date
    normal: tuple[float, ...]
    uplift: tuple[float, ...]
    service: tuple[float, ...]
    starts: int
    ends: int

    def day(self, number: int) -> date:
        """Returns the date of a day."""
        return self.first + timedelta(days=number)

    @property
    def arrivals(self) -> list[float]:
        """What arrives in all, per day."""
        return [one + other for one, other in zip(self.normal, self.uplift, strict=True)]


@dataclass(frozen=True)
class Fluid:
    """Formula 2 day by day, without chance: what waits at the end of each day.

    Attributes:
        peak: the most that ever waits.
        peak_on: the day at whose end it does.
        drained: the first day after the campaign at whose end nobody waits; None when never.
    """

    backlog: tuple[float, ...]
    peak: float
    peak_on: int
    drained: int | None


def loads_of(inputs: QueueInputs, ask: PlayAsk) -> list[Load]:
    """Returns the loads of all pools that a measure asks.

    Raises:
        RefusedError: ``no-service`` when a pool never serves, ``too-long`` when the demands lie
            further apart than can be simulated, ``beyond-calendar`` when a date does not exist,
            ``no-weekday`` when nothing arrives or is served on any day of the week.
    """
    for name, weights in (("arrive", ask.arrival_days), ("are served", ask.service_days)):
        if not any(weights):
            raise RefusedError("no-weekday", f"things {name} on no day of the week at all")
    try:
        return [_load(inputs, pool, ask) for pool in inputs.pools]
    except OverflowError:
        raise RefusedError(
            "beyond-calendar",
            f"measure {inputs.measure}: its demands or its move leave the calendar",
        ) from None


def fluid(load: Load) -> Fluid:
    """Returns the backlog that formula 2 gives, day by day."""
    waiting, backlog, drained = 0.0, [], None
    for number, (comes, goes) in enumerate(zip(load.arrivals, load.service, strict=True)):
        waiting = max(0.0, waiting + comes - goes)
        # Sums of daily shares leave a dust of the last bits that is no backlog.
        waiting = 0.0 if waiting < 1e-9 * (comes + goes) else waiting
        backlog.append(waiting)
        if drained is None and waiting == 0 and number >= load.ends - 1:
            drained = number
    peak = max(backlog)
    return Fluid(tuple(backlog), peak, backlog.index(peak), drained)


def _load(inputs: QueueInputs, pool: PoolInputs, ask: PlayAsk) -> Load:
    bounds = [period_bounds(period) for period in pool.demands]
    begins = min(first for first, _ in bounds)
    last = max(end for _, end in bounds)
    if (last - begins).days > LONGEST_CAMPAIGN_DAYS:
        raise RefusedError(
            "too-long",
            f"measure {inputs.measure} states demands on pool {pool.pool} from {begins} to"
            f" {last}, and more than ten years are not simulated; correct the periods",
        )
    uplift = _uplift(inputs, pool, ask)
    first = min([begins, *uplift])
    end = max([last, *(day + timedelta(days=1) for day in uplift)])
    days = [first + timedelta(days=n) for n in range((end - first).days + HORIZON_DAYS)]
    normal = Rates(pool.normal, ask.arrival_days)
    service = Rates(pool.free, ask.service_days)
    load = Load(
        pool=pool.pool,
        title=pool.title,
        unit=pool.unit,
        first=first,
        normal=tuple(normal.on(day) for day in days),
        uplift=tuple(uplift.get(day, 0.0) for day in days),
        service=tuple(service.on(day) for day in days),
        starts=(min(uplift, default=begins) - first).days,
        ends=(max((day + timedelta(days=1) for day in uplift), default=last) - first).days,
    )
    if not any(load.service):
        raise RefusedError(
            "no-service",
            f"pool {pool.pool} has nothing free for measure {inputs.measure} in any period that"
            " it states: others hold all of it, or it is 0; its owner reports more with:"
            f" sluice capacity {pool.pool}",
        )
    return load


def _uplift(inputs: QueueInputs, pool: PoolInputs, ask: PlayAsk) -> dict[date, float]:
    """Returns what the campaign brings per day on which it brings anything.

    The uplift of a period comes on those of its days that lie in the campaign's window; where
    none does, or there is no campaign, on all of them.
    """
    brought: dict[date, float] = {}
    for period, demand in pool.demands.items():
        total = (demand - pool.normal.get(period, 0)) * inputs.size
        if total <= 0:
            continue
        days = _days_between(*period_bounds(period))
        opens, closes = inputs.launch_on, inputs.ends_on
        if opens is not None and closes is not None:
            days = [day for day in days if opens <= day <= closes] or days
        weights = [ask.arrival_days[day.weekday()] for day in days]
        weights = weights if any(weights) else [1] * len(days)
        for day, weight in zip(days, weights, strict=True):
            share = ramp_share(inputs.ramp, (day - (opens or days[0])).days)
            part = total * share * weight / sum(weights)
            if part > 0:
                moved = day + timedelta(days=inputs.move)
                brought[moved] = brought.get(moved, 0.0) + part
    return brought


def ramp_share(ramp: Sequence[Stretch], day: int) -> float:
    """Returns the mean share of full size over a day of the campaign, counted from 0."""
    share, begins = 0.0, 0.0
    for stretch in ramp:
        ends = math.inf if stretch.days is None else begins + stretch.days
        share += stretch.share * max(0.0, min(ends, day + 1) - max(begins, day))
        begins = ends
    if not ramp:
        return 1.0
    # Beyond the last stretch its share goes on.
    return share + ramp[-1].share * min(1.0, max(0.0, day + 1 - begins))


class Rates:
    """Amounts per period as amounts per day.

    A day that several periods cover belongs to the shortest of them. A day that none covers
    takes the amount of the one stated last before it, per calendar period of the same length,
    so that 11,000 a month stays 11,000 in a short month too; before all, the first one's.
    """

    def __init__(self, stated: Mapping[str, float | int], weights: Sequence[float]) -> None:
        self._amounts: dict[tuple[str, date], float | int] = {}
        ended: list[tuple[date, int, str, float | int]] = []
        for period, amount in stated.items():
            (first, end), length = period_bounds(period), period_length(period)
            self._amounts[length, first] = amount
            # Of those that end on one day the shortest speaks of it most precisely.
            ended.append((end, -_LENGTHS.index(length), length, amount))
        self._ended = sorted(ended)
        self._ends = [end for end, *_ in self._ended]
        self._earliest = min(self._amounts, key=lambda one: one[1], default=None)
        self._lengths = [
            one for one in _LENGTHS if any(one == length for length, _ in self._amounts)
        ]
        self._weights = weights
        self._totals: dict[tuple[date, date], float] = {}

    def on(self, day: date) -> float:
        """Returns the amount of a day; 0 when nothing is stated at all."""
        for length in self._lengths:
            first, end = span_around(day, length)
            if (length, first) in self._amounts:
                return self._share(day, first, end, self._amounts[length, first])
        if self._earliest is None:
            return 0.0
        before = bisect_right(self._ends, day)
        if before:
            _, _, length, amount = self._ended[before - 1]
        else:
            length, amount = self._earliest[0], self._amounts[self._earliest]
        return self._share(day, *span_around(day, length), amount)

    def _share(self, day: date, first: date, end: date, amount: float) -> float:
        if (first, end) not in self._totals:
            weights = (self._weights[one.weekday()] for one in _days_between(first, end))
            self._totals[first, end] = sum(weights)
        total = self._totals[first, end]
        if total <= 0:
            return amount / (end - first).days
        return amount * self._weights[day.weekday()] / total


def span_around(day: date, length: str) -> tuple[date, date]:
    """Returns the calendar day, ISO week, month or year that a day lies in: first, first after."""
    return period_bounds(period_around(day, length))


def _days_between(first: date, end: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((end - first).days)]


__all__ = [
    "HORIZON_DAYS",
    "Fluid",
    "Load",
    "Rates",
    "fluid",
    "loads_of",
    "ramp_share",
    "span_around",
]
