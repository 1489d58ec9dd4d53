"""Two independent lights, implementation and potential, and their divergence.

Formulas 7 and 9 of product.md: implementation is green while no milestone is late, amber up to
14 days, red beyond; potential is green at a forecast of 95 % of the plan, amber from 80 %, red
below. Divergence = implementation share - min(1, forecast / plan); above 0.2 it is a warning.
"""

from datetime import date
from typing import Literal

from measures.model import Stored
from measures.money import benefit_of
from measures.plan_facts import late_days
from measures.state import MeasureState

Light = Literal["green", "amber", "red"]

AMBER_DAYS = 14
GREEN_SHARE = 0.95
AMBER_SHARE = 0.80
DIVERGENCE_LIMIT = 0.2


class Lights(Stored):
    """Both lights and the numbers behind them (shares from 0 to 1)."""

    implementation: Light
    potential: Light
    implemented_share: float
    potential_share: float

    @property
    def divergence(self) -> float:
        """By how much the implementation runs ahead of the value."""
        return self.implemented_share - min(1.0, self.potential_share)

    @property
    def diverging(self) -> bool:
        """Tells whether green milestones hide missing value."""
        return self.divergence > DIVERGENCE_LIMIT


def lights_of(state: MeasureState, today: date) -> Lights:
    """Returns a measure's lights on a day."""
    milestones = state.plan.milestones
    late = max((late_days(state, m, today) for m in milestones), default=0)
    done = sum(1 for m in milestones if state.done_on(m.id) is not None)
    share = _potential_share(state)
    return Lights(
        implementation="green" if late == 0 else "amber" if late <= AMBER_DAYS else "red",
        potential="green" if share >= GREEN_SHARE else "amber" if share >= AMBER_SHARE else "red",
        implemented_share=done / len(milestones) if milestones else 0.0,
        potential_share=share,
    )


def _potential_share(state: MeasureState) -> float:
    """Forecast over plan; without a forecast the plan is still believed."""
    planned = benefit_of(state.plan.finance.plan) if state.plan.finance else 0
    if not state.forecast or planned <= 0:
        return 1.0
    return benefit_of(state.forecast) / planned
