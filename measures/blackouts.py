"""Black-out calendars: the days and hours in which campaigns of a kind must not run."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from measures.documents import Blackout, Measure


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

    A day counts whole in the black-out's zone. Where clocks are set back and a time comes twice,
    it begins at the first and ends at the second, so that it is never shorter than written.
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
    if not isinstance(written, datetime):
        day = written + timedelta(days=1) if last else written
        local = datetime.combine(day, time(), ZoneInfo(zone))
    elif written.tzinfo is None:
        local = written.replace(tzinfo=ZoneInfo(zone), fold=int(last))
    else:
        local = written
    return local.astimezone(UTC)
