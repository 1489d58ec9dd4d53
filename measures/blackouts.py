"""Black-out calendars: the days and hours in which campaigns of a kind must not run."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from measures.documents import Blackout, Measure
from measures.model import FIRST_MOMENT, LAST_MOMENT


class Window(NamedTuple):
    """A black-out as it stands on the calendar.

    Attributes:
        begins: its first moment (UTC).
        ends: the first moment after it (UTC).
    """

    id: str
    reason: str
    owner: str
    begins: datetime
    ends: datetime


def window_of(blackout: Blackout) -> Window:
    """Returns when a black-out begins and ends.

    A day counts whole in the black-out's zone. Where a time comes twice, or never, because clocks
    are set, it begins at the earlier and ends at the later moment that may be meant, so that it is
    never shorter than written.
    """
    begins = _moment(blackout.starts, blackout.zone, last=False)
    ends = _moment(blackout.ends, blackout.zone, last=True)
    return Window(blackout.id, blackout.reason, blackout.owner, begins, ends)


def blackouts_for(plan: Measure, blackouts: Iterable[Blackout]) -> list[Window]:
    """Returns the black-outs that concern a measure's campaign, the earliest first."""
    found = [window_of(one) for one in blackouts if _concerns(one, plan)]
    return sorted(found, key=lambda one: (one.begins, one.id))


def _concerns(blackout: Blackout, plan: Measure) -> bool:
    """Tells whether each list that the black-out gives names something of the plan."""
    campaign = plan.campaign
    if campaign is None:
        return False
    scope = blackout.scope
    return all(
        not wanted or bool(set(wanted) & set(has))
        for wanted, has in (
            (scope.types, (plan.type,)),
            (scope.packages, (plan.package,)),
            (scope.audiences, campaign.audience),
            (scope.connectors, (campaign.connector,)),
        )
    )


def _moment(written: date | datetime, zone: str, *, last: bool) -> datetime:
    """Returns a moment as UTC; what lies beyond an end of the calendar is that end."""
    try:
        if isinstance(written, datetime):
            return _clock_time(written, zone, last=last)
        day = written + timedelta(days=1) if last else written
        return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:
        return FIRST_MOMENT if written.year == date.min.year else LAST_MOMENT


def _clock_time(written: datetime, zone: str, *, last: bool) -> datetime:
    """Returns which of the two moments that a clock's time may mean makes the window longer.

    They differ where clocks are set back, and where they are set forward and never show it.
    """
    if written.tzinfo is not None:
        return written.astimezone(UTC)
    local = written.replace(tzinfo=ZoneInfo(zone))
    both = (local.astimezone(UTC), local.replace(fold=1).astimezone(UTC))
    return max(both) if last else min(both)
