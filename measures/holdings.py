"""What pools shall hold for a measure after a hold, a step back, a cancellation or a resumption."""

from measures.plan import Demand
from measures.state import MeasureState, Reserved


def demands_of(reserved: Reserved) -> tuple[Demand, ...]:
    """Returns what pools hold for a measure as demands in the pools' units."""
    return tuple(
        Demand(pool=pool, period=period, amount=amount)
        for pool, periods in reserved.amounts.items()
        for period, amount in periods.items()
    )


def must_let_go(state: MeasureState) -> bool:
    """Tells whether pools hold what a cancelled, held or stepped back measure may not keep."""
    early = not state.lifecycle.reached(state.stage, state.lifecycle.hard_at)
    let_go = state.on_hold is not None and state.lifecycle.on_hold == "release"
    hard = state.reserved.hard and (early or let_go)
    return bool(state.reserved.amounts) and (state.cancelled is not None or hard)


def to_take_back(state: MeasureState) -> tuple[Demand, ...]:
    """Returns what a hold released and a resumed measure needs again; nothing at early stages."""
    parked, lifecycle = state.parked, state.lifecycle
    needed = parked.hard and lifecycle.reached(state.stage, lifecycle.hard_at)
    return demands_of(parked) if needed else ()
