"""What a pool says of its normal load, and who must be asked when a plan exceeds it."""

from typing import Annotated, Literal

from pydantic import Field

from measures.model import Amount, Id, Line, Model, period_bounds, period_length

PeriodKind = Literal["day", "week", "month", "year"]
Cadence = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]

Threshold = Annotated[int | float, Field(ge=0, le=10)]
"""A share above normal: 0.1 is 10 %."""

_DAYS: dict[PeriodKind, float] = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}


class Team(Model):
    """People who do a pool's work, and who speaks for them.

    Attributes:
        id: the name by which a confirmation refers to this team
        title: how people know it
        lead: the person who confirms that the team can take a surge
        cadence: how often the team reports its load
        takes: how much it can take per kind of period, in the pool's unit: {month: 4000}
    """

    id: Id
    title: Line
    lead: Id
    cadence: Cadence | None = None
    takes: dict[PeriodKind, Amount] = {}


def per_period(amounts: dict[PeriodKind, float | int], period: str) -> float | int | None:
    """Returns what amounts per kind of period come to in a period; None when nothing is said.

    Where the period's own kind is missing the nearest shorter one counts, else the shortest
    longer one, in proportion to the days (a month of 365.25 / 12 days).
    """
    kinds: list[PeriodKind] = ["day", "week", "month", "year"]
    own = next(kind for kind in kinds if kind == period_length(period))
    if own in amounts:
        return amounts[own]
    place = kinds.index(own)
    known = [kind for kind in (*reversed(kinds[:place]), *kinds[place:]) if kind in amounts]
    if not known:
        return None
    first, end = period_bounds(period)
    return amounts[known[0]] * (end - first).days / _DAYS[known[0]]
