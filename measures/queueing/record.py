"""What a simulation says, as it is shown, recorded and judged."""

from datetime import date

from measures.model import Moment, Sha256, Stored
from measures.queueing.asking import PlayAsk


class PoolWait(Stored):
    """The queue before one pool; amounts are in its unit, waits in days.

    Attributes:
        p50_days, p90_days, p95_days: half, 90 % and 95 % of those who come while the campaign
            brings anything wait no longer, over all replications.
        backlog_peak: the most that wait at the end of a day; mean of the replications.
        backlog_peak_p90: the most that wait in nine of ten replications.
        peak_on: the day on which the backlog is highest on average.
        drains_on: the day by whose end nobody waits any more in nine of ten replications; None
            when that lies behind `watched_until`.
        drains_on_p50: the same for half of the replications.
        watched_until: the last day that was played.
        arrivals: how many come while the campaign brings anything; mean.
        completed: how many are served in that time; mean.
        cost: what the campaign spends for each one served in that time; None without a budget.
        cost_planned: the same if nobody waited.
        cost_rise: by which share waiting makes it dearer; None when nobody is served.
        admissible_share: the share of the uplift, 0 to 1, that fits what is free.
        extra_capacity: by which share more must be free to carry all; None when nothing is.
        fluid_peak: the highest backlog by formula 2, without chance.
        fluid_drains_on: the day by whose end formula 2 has nobody waiting.
        resolution_days: how long one batch takes to be served; waits are no finer than that.
        batch: how many items moved as one.
    """

    pool: str
    title: str
    unit: str
    p50_days: float
    p90_days: float
    p95_days: float
    backlog_peak: float
    backlog_peak_p90: float
    peak_on: date
    drains_on: date | None
    drains_on_p50: date | None
    watched_until: date
    arrivals: float
    completed: float
    cost: float | None
    cost_planned: float | None
    cost_rise: float | None
    admissible_share: float
    extra_capacity: float | None
    fluid_peak: float
    fluid_drains_on: date | None
    resolution_days: float
    batch: int


class QueueRecord(Stored):
    """A simulation: of what, how it was played, and what came of it.

    Attributes:
        inputs: the digest of what it rests on; see `measures.queueing.inputs`.
        seed: where chance began; the same inputs, ask and seed give the same figures.
    """

    measure: str
    inputs: Sha256
    ask: PlayAsk
    seed: int
    pools: tuple[PoolWait, ...]


class RecordedQueue(QueueRecord):
    """A simulation that the engine played and recorded.

    Attributes:
        at: when.
        by: who asked for it; the engine where it played again what had changed.
    """

    at: Moment
    by: str


__all__ = ["PoolWait", "QueueRecord", "RecordedQueue"]
