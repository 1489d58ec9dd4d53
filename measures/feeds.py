"""Numbers of a pool that a connected system keeps: its live load, and what it can take."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.model import Id, Line, Model, Moment, Span, Stored
from measures.teams import PeriodKind

Gives = Literal["load", "load_to_date", "utilisation", "capacity"]
"""What a number is; the first three are the forms in which a load can be reported."""

SHORTEST = timedelta(seconds=10)

LARGEST = 1e15
"""No amount is larger, see `measures.model.Amount`."""


class Feed(Model):
    """A number that is read in a connected system again and again.

    Attributes:
        gives: load (what arrives in the period at the present pace), load_to_date (what has
            arrived since it began), utilisation (a part of the capacity), or capacity
        connection: the connection to the system
        object: the kind of object that has the number
        ref: that object's name in its system
        field: its field with the number
        every: how often it is read
        per: for which period a capacity is, the one that lies around the day
    """

    gives: Gives
    connection: Id
    object: Line
    ref: Line
    field: Line
    every: Span = timedelta(minutes=1)
    per: PeriodKind = "month"

    @model_validator(mode="after")
    def _not_too_often(self) -> "Feed":
        if self.every < SHORTEST:
            raise PydanticCustomError("span", "every must be at least 10s")
        return self

    @property
    def source(self) -> str:
        """Where it comes from, for people: ``desk:queue/kyc.waiting``."""
        return f"{self.connection}:{self.object}/{self.ref}.{self.field}"

    def turn(self, now: datetime) -> int:
        """Returns which of its readings is due: it counts up every so often."""
        return int(now.timestamp() // self.every.total_seconds())


class FeedState(Stored):
    """How the readings of a feed went.

    Attributes:
        pool: which it is for.
        gives: what its number is.
        source: where it is read, see `Feed.source`.
        last_success: when a number was last read and taken.
        last_error: why the last reading that failed did; empty when none did.
        last_error_at: when that was.
    """

    pool: Id
    gives: Gives
    source: str
    last_success: Moment | None = None
    last_error: str = ""
    last_error_at: Moment | None = None


Feeds = Annotated[tuple[Feed, ...], Field(max_length=4)]


def number_of(feed: Feed, fields: Mapping[str, Any]) -> float | int:
    """Returns a feed's number from what its object shows.

    Raises:
        ValueError: it shows none, or one that cannot be true; the words say which.
    """
    if feed.field not in fields:
        known = ", ".join(sorted(fields)) or "none"
        msg = f"{feed.source}: there is no such field; it shows {known}"
        raise ValueError(msg)
    shown = fields[feed.field]
    try:
        # Python alone reads 1_200 as a number: elsewhere it is a name or a slip of the pen.
        number = float("nan") if isinstance(shown, bool) or "_" in str(shown) else float(shown)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number <= LARGEST:
        msg = f"{feed.source} shows {str(shown)[:40]!r}, which is no amount"
        raise ValueError(msg)
    return int(number) if number.is_integer() else number
