"""A pool's live load as it was reported, and what its entries leave behind."""

from typing import Any

from measures.entry import Draft
from measures.model import Moment, Stored, restore
from measures.throttle import Throttle


class PoolLoad(Stored):
    """The load of a pool as it was reported last.

    Attributes:
        period: the period whose capacity it is compared with.
        load: how much arrives in the period at the present pace, in the pool's unit.
        capacity: how much the pool can take in the period, in its unit.
        utilisation: load / capacity; `measures.throttle.CEILING` at most.
        measured_at: when it was so.
        at: when it was reported.
        by: who reported it.
        source: the connection that fed it, as ``connector:NAME``; empty when a person reported it.
    """

    period: str
    load: float | int
    capacity: float | int
    utilisation: float
    measured_at: Moment
    at: Moment
    by: str
    source: str = ""


def loaded(entry: Draft) -> dict[str, Any]:
    """Returns the fields of a pool's state that an entry about its load sets.

    Raises:
        ValueError: when it is none.
    """
    match entry.kind:
        case "load_reported":
            return {"load": restore(PoolLoad, entry.body["load"])}
        case "throttle_decided":
            return {"throttle": restore(Throttle, entry.body["throttle"])}
        case _:
            msg = f"{entry.kind} does not belong to a pool"
            raise ValueError(msg)
