"""Moving a plan later as one block: its launch window and the periods of its demands alike."""

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from measures.model import period_around, period_bounds, period_length
from measures.plan import Demand

_MONTHS = {"year": 12, "month": 1}


@dataclass(frozen=True)
class Shift:
    """By how much a plan moves later: whole months, or days where no demand is by the month.

    Attributes:
        months: calendar months; 0 when the plan moves by days.
        days: days; 0 when the plan moves by months.
    """

    months: int = 0
    days: int = 0

    def __str__(self) -> str:
        """Writes the shift for people, e.g. ``15 days``."""
        number, unit = (self.months, "month") if self.months else (self.days, "day")
        if self.days and self.days % 7 == 0 and self.days > 7:
            number, unit = self.days // 7, "week"
        return f"{number} {unit}{'s' if number != 1 else ''}"

    def day(self, day: date) -> date:
        """Returns the day to which a day moves; the last day of a month stays a last day.

        Raises:
            ValueError, OverflowError: that day lies beyond the calendar.
        """
        if not self.months:
            return day + timedelta(days=self.days)
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        was_last = calendar.monthrange(day.year, day.month)[1]
        return date(year, month + 1, last if day.day == was_last else min(day.day, last))

    def period(self, period: str) -> str:
        """Returns the period of the same length to which a period moves.

        Raises:
            ValueError, OverflowError: that period lies beyond the calendar.
        """
        return period_around(self.day(period_bounds(period)[0]), period_length(period))

    def demands(self, demands: Iterable[Demand]) -> Iterator[Demand]:
        """Yields demands with their periods moved, the amounts as they are.

        Raises:
            ValueError, OverflowError: a period would lie beyond the calendar.
        """
        for demand in demands:
            yield demand.model_copy(update={"period": self.period(demand.period)})


def shift_by(demands: Iterable[Demand], steps: int) -> Shift:
    """Returns the shift of a plan by so many of the steps in which it can move at all.

    A period moves to one of its own length only, so the longest period among the demands gives
    the step: a month or a year moves by months, a week by weeks, a day by days.
    """
    lengths = {period_length(demand.period) for demand in demands}
    for length, months in _MONTHS.items():
        if length in lengths:
            return Shift(months=steps * months)
    return Shift(days=steps * (7 if "week" in lengths else 1))


__all__ = ["Shift", "shift_by"]
