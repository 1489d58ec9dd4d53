"""How many calls a connection may send: a token bucket that all workers draw from.

What is kept is one moment: up to when the calls given out so far use up the allowed rate (the
"theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371). A worker draws
several calls at once, so that a fast system costs few writes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

_DRAWS_A_SECOND = 5
"""A worker that is busy draws about so often, whatever the rate."""


class Draw(NamedTuple):
    """Calls that were given out.

    Attributes:
        calls: how many.
        since: when the first may be sent.
        spent_until: what to keep.
    """

    calls: int
    since: datetime
    spent_until: datetime


def draw(spent_until: datetime | None, at: datetime, a_second: float) -> Draw:
    """Gives out some calls.

    Args:
        spent_until: as the last draw said; None at first.
        at: the present moment.
        a_second: the allowed rate, above 0.
    """
    calls = max(1, int(a_second / _DRAWS_A_SECOND))
    since = max(at, spent_until) if spent_until else at
    return Draw(calls, since, since + timedelta(seconds=calls / a_second))
