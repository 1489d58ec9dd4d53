"""Facts about what a measure asks of pools, and what they can give."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from measures.facts.base import FactBase
from measures.model import Id, Model, Moment, Number, Period


def _same_as(field: str) -> Callable[[dict[str, Any]], Any]:
    """Returns what a field is where nothing else is stated: the same as one before it."""
    return lambda stated: stated.get(field)


class DemandFact(FactBase):
    """What the measure needs of a pool in a period.

    Attributes:
        pool: the pool that is asked
        period: when
        amount: how much, in the pool's unit; the P90 of what arrives when it was stated in another
        unit: the pool's unit; empty when the pool is not there
        stated: how much the plan states, where that is in another unit
        stated_unit: the unit in which the plan states it, where that is another
        mean: how much arrives on average, where it was converted
        chain: the versions of the conversions it came through, where it was converted
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period")
    PLANNED: ClassVar[frozenset[str]] = frozenset({"pool", "period", "amount", "unit"})

    kind: Literal["demand"] = "demand"
    pool: Id
    period: Period
    amount: Number | None = None
    unit: str
    stated: Number | None = None
    stated_unit: str | None = None
    mean: Number | None = None
    chain: str | None = None

    @model_serializer(mode="wrap")
    def _only_what_is_converted(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keeps the digest that facts had before demands could be stated in other units."""
        content: dict[str, Any] = write(self)
        if self.stated is None:
            for field in ("stated", "stated_unit", "mean", "chain"):
                content.pop(field, None)
        return content


class SurgeFact(FactBase):
    """A pool, or a team of it, that must confirm because the measure needs more than normal there.

    Attributes:
        pool: the pool that is touched
        period: when
        team: the team that is touched; empty for the pool itself
        title: what the pool or the team is called
        who: who must confirm
        unit: the pool's unit
        needed: how much arrives there
        normal: how much is normal
        limit: how much arrives at most without being a surge
        above: by which share of the normal it lies above it
        takes: how much is free there, or the team can take; left out when nobody has said
        cadence: how often they report; empty when nothing is agreed
        confirmed: whether that person has confirmed this much
        by: who has confirmed, that person or their delegate; empty until then
        declined: why that person has declined; empty when they have not
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period", "team")
    PERSONS: ClassVar[tuple[str, ...]] = ("who", "by")
    PLANNED: ClassVar[frozenset[str]] = frozenset({"needed"})

    kind: Literal["surge"] = "surge"
    pool: Id
    period: Period
    team: str
    title: str
    who: str
    unit: str
    needed: Number
    normal: Number
    limit: Number
    above: Number
    takes: Number | None = None
    cadence: str
    confirmed: bool
    by: str
    declined: str = ""

    @model_serializer(mode="wrap")
    def _only_what_is_declined(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keeps the digest that facts had before anybody could decline."""
        content: dict[str, Any] = write(self)
        if not self.declined:
            content.pop("declined", None)
        return content


class WaitFact(FactBase):
    """How long those whom the measure brings wait at a pool, as simulated for what holds now.

    It is there once a simulation was recorded (``sluice simulate capacity MEASURE --record``),
    and only while plan and pools are as they were then.

    Attributes:
        pool: the pool before which they wait
        title: its title
        unit: what is counted
        p50_days: half of them wait no longer, in days
        p90_days: nine of ten wait no longer, in days
        p95_days: 19 of 20 wait no longer, in days
        backlog_peak: how many wait at the worst, on average
        drains: whether nobody waits any more some day, in nine of ten replications
        drains_on: the day from which on nobody waits; empty when it does not come
        cost_rise: by which share waiting makes each one served dearer; left out if nobody is
        admissible_share: the share of the uplift that fits what is free
        seed: where chance began
        replications: how often it was played
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool",)
    OUTSIDE: ClassVar[bool] = True

    kind: Literal["wait"] = "wait"
    pool: Id
    title: str
    unit: str
    p50_days: Number
    p90_days: Number
    p95_days: Number
    backlog_peak: Number
    drains: bool
    drains_on: str
    cost_rise: Number | None = None
    admissible_share: Number
    seed: int
    replications: int


class Statement(Model):
    """A stated period that an offer rests on.

    Attributes:
        period: the period.
        at: when its capacity was stated.
        capacity: what there is in it.
        enough: what there must be for all that the measure needs; the capacity where that will do.
        left: what that leaves for the offer's demand.
    """

    period: Period
    at: Moment
    capacity: Number
    enough: int | float
    left: int | float


class OfferFact(FactBase):
    """What is free for this measure: capacity less what is taken.

    Attributes:
        pool: the pool's id
        title: its title
        period: when
        available: capacity less what others hold, and what is kept for who waits before it
        capacity: what there is in all
        held_by_others: what other measures hold, and what is kept for who waits before it
        unit: what is counted
        owner: who states the capacity
        limited_by: the stated period that leaves least: this one, or one that overlaps it
        spoken_for: what others hold there, and what is kept there for who waits before it
        oldest: the stated period that was stated longest ago: this one, or one that overlaps it
        oldest_capacity: what there is in that one
        rests_on: every stated period that it touches, and each that must be raised with them, in
            order. Not for conditions: from it come the commands that state them.
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period")
    OUTSIDE: ClassVar[bool] = True
    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)

    kind: Literal["offer"] = "offer"
    pool: Id
    title: str
    period: Period
    available: Number
    capacity: Number
    held_by_others: Number
    unit: str
    owner: str
    limited_by: Period = Field(default_factory=_same_as("period"))
    spoken_for: Number = Field(default_factory=_same_as("held_by_others"))
    oldest: Period = Field(default_factory=_same_as("period"))
    oldest_capacity: Number = Field(default_factory=_same_as("capacity"))
    rests_on: tuple[Statement, ...] = Field(default=(), exclude=True)

    @model_serializer(mode="wrap")
    def _only_what_differs(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keeps the digest that facts had before other periods were named."""
        content: dict[str, Any] = write(self)
        for name, value in (("limited_by", "spoken_for"), ("oldest", "oldest_capacity")):
            if content.get(name) == self.period:
                content.pop(name)
                content.pop(value, None)
        return content


class ReservationFact(FactBase):
    """What a pool holds for this measure.

    Attributes:
        pool: the pool that holds it
        period: when
        amount: how much, as far as the pool's capacity still covers it
        hard: whether it holds capacity, or only notes the demand
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period")

    kind: Literal["reservation"] = "reservation"
    pool: Id
    period: Period
    amount: Number
    hard: bool
