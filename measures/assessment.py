"""What a measure's plan comes to at the pools."""

from collections.abc import Mapping
from typing import NamedTuple

from measures.directory import Directory
from measures.loads import Confirmation, Need, Touched
from measures.needs import needs_of
from measures.pool_state import PoolState
from measures.state import MeasureState
from measures.surge import surge_of


class Assessment(NamedTuple):
    """What a plan comes to at the pools.

    Attributes:
        needs: its demands in the pools' units.
        surge: whom it touches with more than is normal.
    """

    needs: tuple[Need, ...]
    surge: tuple[Touched, ...]


def assess(state: MeasureState, pools: Mapping[str, PoolState], directory: Directory) -> Assessment:
    """Returns what a measure's plan comes to at the pools.

    Once the plan is frozen it keeps the conversions that it was judged with.

    Args:
        state: the measure.
        pools: the pools it has demands on, and those that its demands may reach.
        directory: the conversions.
    """
    conversions = directory.conversions
    judged = {need.name: need for need in state.needs} if state.frozen else {}
    needs = needs_of(state.plan.demands, pools, conversions, judged)
    surge = surge_of(state.id, needs, pools, conversions, _by_others(state))
    return Assessment(needs, tuple(_with_four_eyes(one, state, directory) for one in surge))


def _by_others(state: MeasureState) -> tuple[Confirmation, ...]:
    """Returns the confirmations that count: who owns the measure may object, but not confirm."""
    owner = state.plan.owner
    return tuple(one for one in state.confirmations if one.declined or one.by != owner)


def _with_four_eyes(touched: Touched, state: MeasureState, directory: Directory) -> Touched:
    owner = state.plan.owner
    if touched.person != owner:
        return touched
    instead = sorted(directory.bearers("operations") - {owner})
    return touched.model_copy(update={"own": True, "instead": tuple(instead)})
