"""Whose turn it is at a pool: the more urgent first, then who has waited longer.

Every pool orders by the same two numbers of a measure, its priority and since when it asks for
the gate. So the order is one over all pools, and no two measures can each stand before the other:
nothing that needs several pools can lock another out for good.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

LOWEST, USUAL, HIGHEST = 1, 5, 9

Priority = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
"""How urgent a measure is, from 1 to 9; 9 is the most urgent."""

AGEING = timedelta(days=7)
"""Each time it has waited so long, a measure counts as one step more urgent, up to the highest.

So even the least urgent is in the highest class after eight weeks, and there only who asked
earlier stands before it. It is one span for all pools because the order must be one.
"""

Turn = tuple[int, datetime, str]
"""What measures are sorted by; the smallest comes first."""


def waiting_turn(priority: int, since: datetime, measure: str, at: datetime) -> Turn:
    """Returns the turn of a measure that waits, as of a moment."""
    return -min(HIGHEST, priority + max(0, (at - since) // AGEING)), since, measure


def holding_turn(priority: int, since: datetime, measure: str) -> Turn:
    """Returns the turn of a measure that holds capacity; who holds does not grow more urgent."""
    return -priority, since, measure


def more_urgent_at(priority: int, since: datetime, at: datetime) -> datetime | None:
    """Returns when waiting makes a measure one step more urgent; None once it cannot any more."""
    steps = max(0, (at - since) // AGEING)
    return None if priority + steps >= HIGHEST else since + (steps + 1) * AGEING
