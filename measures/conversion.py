"""From marketing units to operational ones: ratios with error bars, chained, learned from actuals.

A ratio is lognormal: it cannot be negative, its errors multiply, and a product of independent
lognormals is lognormal again, so a chain has a closed form (Aitchison and Brown, *The Lognormal
Distribution*, 1957). With mean m and relative standard error e of one ratio,

    s2 = ln(1 + e^2)        mu = ln m - s2 / 2

a chain has the sums of both, and of `amount` units there arrive

    mean = amount * exp(mu + s2 / 2)        P90 = amount * exp(mu + z * s)    z = 1.2816

The steps count as independent; where good campaigns are good at every step, give each step a wider
error. What was reported moves a ratio by exponentially weighted mean and variance (T. Finch,
*Incremental calculation of weighted mean and variance*, 2009, section 9) of y = ln(out / in):

    d = y - mu        mu <- mu + w d        s2 <- (1 - w) (s2 + w d^2)
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import reduce
from statistics import NormalDist
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.digest import digest
from measures.entry import Draft, document_stream
from measures.errors import RefusedError
from measures.model import Amount, Id, Line, Model, Moment, Period, period_bounds

Z90 = NormalDist().inv_cdf(0.9)
"""How many standard deviations above the median nine of ten outcomes end."""

FARTHEST = 3.0
"""So many standard deviations one report moves a ratio at most; a farther one counts as this."""

NARROWEST = 0.05
"""The spread below which nothing is called far: a ratio typed without error still learns."""

KEPT_REPORTS = 120
"""So many periods are kept; with the usual weight an older one counts less than 1e-11."""


class Actual(Model):
    """What really went into a conversion and came out of it in a period.

    Attributes:
        went_in: how many units went in
        came_out: how many came out of them
        at: when it was reported
        by: who reported it
    """

    went_in: Annotated[Amount, Field(gt=0)]
    came_out: Amount
    at: Moment
    by: Id


class Conversion(Model):
    """One step from a unit to another: how many of the second come of one of the first.

    Attributes:
        kind: what this document is
        id: the name by which others refer to this conversion
        title: how people know it
        from_: the unit that goes in, e.g. clicks
        to: the unit that comes out, e.g. leads; such as a pool's unit
        ratio: how many come out of one that goes in, on average
        error: the relative standard error of the ratio: 0.2 is plus or minus 20 %
        weight: how much one reported period counts against all before it; 0 learns nothing
        owner: the person who answers for the ratio and reports actuals
        actuals: what was reported per period; written by `sluice actuals`, never by hand
    """

    kind: Literal["Conversion"] = "Conversion"
    id: Id
    title: Line
    from_: Line = Field(alias="from")
    to: Line
    ratio: Annotated[int | float, Field(gt=0, le=1e9)]
    error: Annotated[int | float, Field(ge=0, le=3)]
    weight: Annotated[int | float, Field(ge=0, lt=1)] = 0.2
    owner: Id
    actuals: dict[Period, Actual] = {}

    @model_validator(mode="after")
    def _leads_elsewhere(self) -> "Conversion":
        if self.from_ == self.to:
            raise PydanticCustomError("unit", "a conversion leads from one unit to another")
        return self

    @property
    def version(self) -> str:
        """Its name with the beginning of its content address: which ratio judged."""
        return f"{self.id}@{digest(self.model_dump(mode='json', by_alias=True))[:12]}"

    def typed(self) -> dict[str, Any]:
        """Returns what the owner decided: a change of any of it makes learning start anew."""
        return self.model_dump(include={"from_", "to", "ratio", "error", "weight"})


class Estimate(NamedTuple):
    """A lognormal ratio: mean and variance of its logarithm."""

    mu: float
    variance: float

    @property
    def mean(self) -> float:
        """The average ratio."""
        return math.exp(self.mu + self.variance / 2)

    @property
    def p90(self) -> float:
        """The ratio that nine of ten outcomes do not exceed."""
        return math.exp(self.mu + Z90 * math.sqrt(self.variance))

    @property
    def error(self) -> float:
        """The relative standard error."""
        return math.sqrt(math.expm1(self.variance))


class Lesson(NamedTuple):
    """One reported period and what the ratio was after it.

    Attributes:
        outlier: it lay farther than `FARTHEST` and counted as that.
    """

    period: str
    actual: Actual
    estimate: Estimate
    outlier: bool


def as_typed(conversion: Conversion) -> Estimate:
    """Returns the ratio as its owner states it."""
    variance = math.log1p(conversion.error**2)
    return Estimate(math.log(conversion.ratio) - variance / 2, variance)


def lessons(conversion: Conversion) -> Iterator[Lesson]:
    """Yields what each reported period taught, in the order of the periods, not of reporting."""
    estimate = as_typed(conversion)
    for period, actual in in_order(conversion.actuals):
        estimate, outlier = _after(estimate, actual, conversion.weight)
        yield Lesson(period, actual, estimate, outlier)


def estimate_of(conversion: Conversion) -> Estimate:
    """Returns the ratio as it is now: as typed, moved by everything reported."""
    return reduce(lambda _, lesson: lesson.estimate, lessons(conversion), as_typed(conversion))


def in_order(actuals: Mapping[str, Actual]) -> list[tuple[str, Actual]]:
    """Returns reports in the order of their periods."""
    return sorted(actuals.items(), key=lambda one: period_bounds(one[0]))


def report_actual(
    conversion: Conversion,
    *,
    version: int,
    period: str,
    went_in: float,
    came_out: float,
    by: str,
    at: datetime,
    command: str,
) -> tuple[Conversion, Draft]:
    """Drafts the next version of a conversion: with what really happened in a period.

    A period that was reported already is corrected. Nothing out counts as half a unit, since the
    logarithm of nothing is no number (the Haldane-Anscombe correction), and never raises the ratio.

    Args:
        version: how many versions the ledger has.

    Raises:
        RefusedError: ``not-entitled``, ``period-not-over``, ``overlapping-period`` or
            ``learns-nothing``.
        pydantic.ValidationError: an amount is not finite, negative, or nothing went in.
    """
    name = f"conversion {conversion.id}"
    if by != conversion.owner:
        raise RefusedError(
            "not-entitled", f"{name}: its owner {conversion.owner} reports actuals, not {by}"
        )
    if conversion.weight == 0:
        raise RefusedError(
            "learns-nothing", f"{name} has weight 0; apply it with a weight, such as 0.2"
        )
    first, end = period_bounds(period)
    if end > at.date():
        raise RefusedError("period-not-over", f"{name}: {period} is not over; report it after it")
    for known in conversion.actuals:
        starts, ends = period_bounds(known)
        if known != period and starts < end and first < ends:
            raise RefusedError(
                "overlapping-period",
                f"{name}: {period} overlaps with {known}, which is reported; the same units would"
                f" count twice. Correct it: --period {known}",
            )
    actual = Actual(went_in=went_in, came_out=came_out, at=at, by=by)
    kept = in_order({**conversion.actuals, period: actual})[-KEPT_REPORTS:]
    learned = conversion.model_copy(update={"actuals": dict(kept)})
    draft = Draft(
        stream=document_stream("Conversion", conversion.id),
        number=version + 1,
        kind="document_applied",
        at=at,
        by=by,
        command=command,
        body={"document": learned.model_dump(mode="json", by_alias=True)},
    )
    return learned, draft


def carried_over(typed: Conversion, before: Conversion | None) -> Conversion:
    """Returns a document as it is to be recorded: with what was reported about the same ratio.

    Whoever types another ratio, error, weight or unit knows better: learning starts anew.
    """
    if before is None or typed.actuals or typed.typed() != before.typed():
        return typed
    return typed.model_copy(update={"actuals": before.actuals})


def _after(estimate: Estimate, actual: Actual, weight: float) -> tuple[Estimate, bool]:
    out = actual.came_out or 0.5
    away = math.log(out) - math.log(actual.went_in) - estimate.mu
    if not actual.came_out:
        away = min(away, 0.0)  # half a unit of few is much: nothing out never raises a ratio
    bound = FARTHEST * max(math.sqrt(estimate.variance), NARROWEST)
    moved = max(-bound, min(bound, away))
    variance = (1 - weight) * (estimate.variance + weight * moved**2)
    return Estimate(estimate.mu + weight * moved, variance), moved != away
