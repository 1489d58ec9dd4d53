"""What a pool is told of a number that was read in a connected system, in its owner's name."""

from datetime import UTC, datetime, timedelta

from measures.feeds import Feed
from measures.model import period_around
from measures.pool_state import PoolState
from measures.requests import CapacityInput, LoadInput

RENEWED_AFTER = timedelta(hours=6)
"""A capacity that stays as it is is stated anew after so long: within the day that rules accept."""

_FORMS = {"load": "value", "load_to_date": "to_date", "utilisation": "utilisation"}


def load_report(feed: Feed, number: float, owner: str, at: datetime) -> LoadInput:
    """Returns the report of a load that a feed makes in its pool's owner's name.

    Raises:
        pydantic.ValidationError: the number lies beyond all bounds.
    """
    form = {_FORMS[feed.gives]: number}
    return LoadInput.model_validate(
        {"by": owner, "measured_at": at, "connector": feed.connection, **form}
    )


def capacity_report(
    feed: Feed, number: float, state: PoolState, at: datetime
) -> CapacityInput | None:
    """Returns the statement of a capacity that a feed makes; None while there is no news in it.

    Raises:
        pydantic.ValidationError: the number lies beyond all bounds.
    """
    period = period_around(at.astimezone(UTC).date(), feed.per)
    known = state.capacity.get(period)
    if known is not None and known.amount == number and at - known.at < RENEWED_AFTER:
        return None
    return CapacityInput.model_validate(
        {
            "by": state.pool.owner,
            "period": period,
            "amount": number,
            "connector": feed.connection,
        }
    )
