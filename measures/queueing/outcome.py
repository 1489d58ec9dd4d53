"""Many replications of all queues of a measure, and the figures that come of them."""

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from measures.errors import RefusedError
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import PoolInputs, QueueInputs
from measures.queueing.load import HORIZON_DAYS, Fluid, Load, fluid, loads_of
from measures.queueing.play import Chance, Run, play
from measures.queueing.record import PoolWait, QueueRecord
from measures.queueing.theory import admissible_share, extra_capacity

Chances = Callable[[str], Chance]
"""Makes chance from a seed: the same text, the same numbers."""

BATCHES = 60_000
"""How many batches are played in all: about a second, however much arrives."""

MOST_PLAYS = 5_000
"""So many queues are played at most: replications times pools; some ten seconds."""

_MOST_BATCHES, _FEWEST_BATCHES = 1_000, 400
"""How many each replication has; the fewest are shared by all pools."""

_STEADY_BATCHES = 20_000
"""How many there are without chance, where one replication says all."""


@dataclass(frozen=True)
class Curve:
    """One pool day by day: means over the replications; `high` is the backlog's P90."""

    pool: str
    title: str
    unit: str
    first: date
    arrivals: tuple[float, ...]
    service: tuple[float, ...]
    backlog: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def days(self) -> list[date]:
        """The days of the curve."""
        return [self.first + timedelta(days=n) for n in range(len(self.backlog))]


@dataclass(frozen=True)
class Simulation:
    """The record of a simulation and the curves that only pictures need."""

    record: QueueRecord
    curves: tuple[Curve, ...]


def simulate(inputs: QueueInputs, ask: PlayAsk, chances: Chances) -> Simulation:
    """Plays all queues of a measure; the same arguments always give the same figures.

    Args:
        inputs: what plan and pools say.
        ask: how it is played.
        chances: ``random.Random``, or what makes chance in its place.

    Raises:
        RefusedError: as `measures.queueing.load.loads_of`, or ``too-much`` when it would take
            minutes.
    """
    if ask.replications * len(inputs.pools) > MOST_PLAYS:
        raise RefusedError(
            "too-much",
            f"measure {inputs.measure}: {ask.replications} replications of {len(inputs.pools)}"
            f" pools are more than {MOST_PLAYS:,} queues; ask for fewer --replications",
        )
    digest = inputs.digest
    seed = int(digest[:8], 16) if ask.seed is None else ask.seed
    played = [
        _pool(inputs, pool, load, ask, seed, chances)
        for pool, load in zip(inputs.pools, loads_of(inputs, ask), strict=True)
    ]
    record = QueueRecord(
        measure=inputs.measure,
        inputs=digest,
        ask=ask,
        seed=seed,
        pools=tuple(wait for wait, _ in played),
    )
    return Simulation(record, tuple(curve for _, curve in played))


def _pool(
    inputs: QueueInputs, pool: PoolInputs, load: Load, ask: PlayAsk, seed: int, chances: Chances
) -> tuple[PoolWait, Curve]:
    flowing = fluid(load)
    days = _watched_days(load, flowing)
    batch = _batch(load, flowing, ask, len(inputs.pools))
    runs: list[Run] = []
    backlogs: list[array[float]] = []
    for run in _runs(load, days, batch, ask, seed, chances, pool.error):
        runs.append(run)
        backlogs.append(_backlog(run))
        if len(runs) > 1:
            # Only their sums are needed on; a thousand replications would fill the memory.
            runs[0].came = [a + b for a, b in zip(runs[0].came, run.came, strict=True)]
            runs[0].served = [a + b for a, b in zip(runs[0].served, run.served, strict=True)]
            run.came, run.served = [], []
    number = len(runs)
    waits = quantiles([wait for run in runs for wait in run.waits], (0.5, 0.9, 0.95))
    peaks = sorted(max(backlog) for backlog in backlogs)
    # Whoever is under way has come to his turn: the last batch is no queue any more.
    drained = sorted(
        math.inf if run.drained is None else max(load.ends, run.drained - run.grain) for run in runs
    )
    mean = [sum(day) / number for day in zip(*backlogs, strict=True)]
    came = sum(runs[0].came[load.starts : load.ends]) / number
    served = sum(runs[0].served[load.starts : load.ends]) / number
    spend = _spend(inputs, pool, load)
    wait = _rounded(
        pool=load.pool,
        title=load.title,
        unit=load.unit,
        p50_days=waits[0],
        p90_days=waits[1],
        p95_days=waits[2],
        backlog_peak=sum(peaks) / number,
        backlog_peak_p90=_at(peaks, 0.9),
        peak_on=load.day(mean.index(max(mean))),
        drains_on=_day_of(load, _at(drained, 0.9)),
        drains_on_p50=_day_of(load, _at(drained, 0.5)),
        watched_until=load.day(days - 1),
        arrivals=came,
        completed=served,
        cost=None if spend is None or served <= 0 else spend / served,
        cost_planned=None if spend is None or came <= 0 else spend / came,
        cost_rise=max(0.0, came / served - 1) if served > 0 else None,
        admissible_share=_admissible(inputs, pool),
        extra_capacity=_extra(inputs, pool),
        fluid_peak=flowing.peak,
        fluid_drains_on=None if flowing.drained is None else load.day(flowing.drained),
        resolution_days=max(run.grain for run in runs),
        batch=batch,
    )
    shown = _shown_days(load, mean)
    return wait, Curve(
        pool=load.pool,
        title=load.title,
        unit=load.unit,
        first=load.first,
        arrivals=tuple(load.arrivals[:shown]),
        service=load.service[:shown],
        backlog=tuple(mean[:shown]),
        high=tuple(_at(sorted(day), 0.9) for day in list(zip(*backlogs, strict=True))[:shown]),
    )


def _rounded(**figures: Any) -> PoolWait:
    """Drops digits that chance makes: people read these, and rules compare them."""
    return PoolWait.model_validate(
        {name: round(one, 4) if isinstance(one, float) else one for name, one in figures.items()}
    )


def _runs(
    load: Load, days: int, batch: int, ask: PlayAsk, seed: int, chances: Chances, error: float
) -> Iterator[Run]:
    for number in range(1 if ask.steady else ask.replications):
        # The campaign draws the same crowd at every pool; what a pool can do is its own chance.
        crowd = _factor(chances(f"{seed}:{number}"), math.hypot(ask.volume_error, error))
        chance = chances(f"{seed}:{number}:{load.pool}")
        strength = _factor(chance, ask.service_error)
        if ask.steady:
            crowd = strength = 1.0
        yield play(
            [n + u * crowd for n, u in zip(load.normal[:days], load.uplift[:days], strict=True)],
            [amount * strength for amount in load.service[:days]],
            watched=(load.starts, load.ends),
            batch=batch,
            chance=None if ask.steady else chance,
        )


def _factor(chance: Chance, deviation: float) -> float:
    """Draws a factor of mean 1 from a log-normal distribution with a standard deviation."""
    variance = math.log1p(deviation**2)
    return math.exp(chance.gauss(-variance / 2, math.sqrt(variance)))


def _watched_days(load: Load, flowing: Fluid) -> int:
    """Returns how many days are played: long after the queue should be gone, never for ever."""
    most = load.ends + HORIZON_DAYS - 1
    if flowing.drained is None:
        return most
    return min(most, 2 * flowing.drained + 180)


def _batch(load: Load, flowing: Fluid, ask: PlayAsk, pools: int) -> int:
    end = len(load.normal) if flowing.drained is None else flowing.drained + 1
    if ask.steady:
        each = _STEADY_BATCHES // pools
    else:
        each = min(BATCHES // (ask.replications * pools), _MOST_BATCHES)
    each = max(each, _FEWEST_BATCHES // pools, 20)
    return max(1, math.ceil(sum(load.arrivals[:end]) / each))


def _backlog(run: Run) -> "array[float]":
    came, served = accumulate(run.came), accumulate(run.served)
    return array(
        "d", (max(0.0, round(one - other, 6)) for one, other in zip(came, served, strict=True))
    )


def _spend(inputs: QueueInputs, pool: PoolInputs, load: Load) -> float | None:
    """Returns what the campaign spends: its budget, in proportion to what it brings."""
    planned = sum(max(0, d - pool.normal.get(p, 0)) for p, d in pool.demands.items())
    if inputs.budget is None or planned <= 0:
        return None
    return inputs.budget * sum(load.uplift) / planned


def _sized(inputs: QueueInputs, pool: PoolInputs, period: str) -> float:
    normal = pool.normal.get(period, 0)
    return normal + (pool.demands[period] - normal) * inputs.size


def _admissible(inputs: QueueInputs, pool: PoolInputs) -> float:
    """Returns formula 1 for the tightest period of which an offer is stated; 1 without any."""
    return min(
        (
            admissible_share(_sized(inputs, pool, p), pool.free[p], pool.normal.get(p, 0))
            for p in pool.demands
            if p in pool.free
        ),
        default=1.0,
    )


def _extra(inputs: QueueInputs, pool: PoolInputs) -> float | None:
    shares = [
        extra_capacity(_sized(inputs, pool, p), pool.free[p])
        for p in pool.demands
        if p in pool.free
    ]
    known = [share for share in shares if share is not None]
    return None if len(known) < len(shares) else max(known, default=0.0)


def quantiles(waits: Sequence[tuple[float, float]], shares: Sequence[float]) -> list[float]:
    """Returns the waits that the given shares of all items do not exceed; 0 without items.

    Args:
        waits: days, and how many items waited so long.
        shares: between 0 and 1, rising.
    """
    ordered = sorted(waits)
    total = sum(items for _, items in ordered)
    found, so_far, place = [], 0.0, 0
    for share in shares:
        while place < len(ordered) - 1 and so_far + ordered[place][1] < share * total:
            so_far += ordered[place][1]
            place += 1
        found.append(ordered[place][0] if ordered else 0.0)
    return found


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def _day_of(load: Load, time: float) -> date | None:
    # Whoever is done at midnight is done on the day that ends then.
    return None if math.isinf(time) else load.day(max(0, math.ceil(time - 1e-9) - 1))


def _shown_days(load: Load, mean: Sequence[float]) -> int:
    """Returns how many days a picture shows: until a tenth of the most waits, and a week."""
    little = max(mean) / 10
    last = max((n for n, waiting in enumerate(mean) if waiting > little), default=0)
    return min(len(mean), max(last, load.ends) + 8)


__all__ = ["BATCHES", "Curve", "Simulation", "quantiles", "simulate"]
