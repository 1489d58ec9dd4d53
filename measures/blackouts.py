"""Black-outs: the days and hours in which campaigns of a kind must not run."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from measures.model import FIRST_MOMENT, LAST_MOMENT, Id, Line, Model
from measures.plan import Measure


class BlackoutScope(Model):
    """Which campaigns a black-out concerns: those that each list given here names.

    Attributes:
        types: types of measure
        packages: packages of the tree
        audiences: ids of audiences
        connectors: connected systems
    """

    types: tuple[Id, ...] = ()
    packages: tuple[Id, ...] = ()
    audiences: tuple[Id, ...] = ()
    connectors: tuple[Id, ...] = ()


def _day_or_moment(value: Any) -> Any:
    """Reads a text as a day when it is as long as one, else as a moment."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError(
            "blackout_time",
            "write a day, like 2031-12-24, or a time, like 2031-12-24T18:00:00",
        ) from None


DayOrMoment = Annotated[datetime | date, BeforeValidator(_day_or_moment)]
"""A whole day, or a moment; a moment without an offset is a clock's time in a stated zone."""


class Blackout(Model):
    """Days or hours in which campaigns must not run.

    A launch in it is refused, a campaign that runs is paused, and both go on by themselves after.

    Attributes:
        kind: what this document is
        id: the name by which messages refer to it
        reason: why nothing may run then
        owner: the person who can lift it
        starts: the first day, or the moment at which it begins
        ends: the last day, or the moment at which it ends
        zone: the IANA time zone of days and of times without an offset, e.g. Europe/Amsterdam
        scope: which campaigns it concerns; all of them without
    """

    kind: Literal["Blackout"] = "Blackout"
    id: Id
    reason: Line
    owner: Id
    starts: DayOrMoment
    ends: DayOrMoment
    zone: Line = "UTC"
    scope: BlackoutScope = BlackoutScope()

    @model_validator(mode="after")
    def _makes_sense(self) -> "Blackout":
        try:
            zone = ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise PydanticCustomError(
                "zone",
                "there is no time zone {zone}; write one like UTC or Europe/Amsterdam",
                {"zone": self.zone},
            ) from None
        first = _first_of(self.starts, zone)
        if isinstance(self.ends, datetime):
            is_before = _first_of(self.ends, zone) < first
        else:
            is_before = self.ends < _day_of(self.starts, zone)
        if is_before:
            raise PydanticCustomError("window", "ends lies before starts")
        return self


def _first_of(written: date | datetime, zone: ZoneInfo) -> datetime:
    """Returns the first moment of a day, or the moment."""
    if not isinstance(written, datetime):
        return datetime.combine(written, time(), zone)
    return written if written.tzinfo is not None else written.replace(tzinfo=zone)


def _day_of(written: date | datetime, zone: ZoneInfo) -> date:
    """Returns the day, in the zone, on which it begins."""
    if not isinstance(written, datetime):
        return written
    try:
        return written.date() if written.tzinfo is None else written.astimezone(zone).date()
    except OverflowError:
        return written.date()


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
