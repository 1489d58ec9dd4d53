"""Telling a campaign's launch what its measure wants, beside the measure's own life.

The launch's workflow does the rest: a system that is down for weeks holds up nothing here.
"""

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from measures.launch import LaunchOrder, Order
    from measures.plan import Campaign
    from measures.state import MeasureState
    from workflows import ports
    from workflows.contract import LaunchTelling

_Told = tuple[Campaign | None, Order]


class LaunchTeller:
    """Tells a launch whatever changes in what a measure wants of its campaign.

    Args:
        life: returns the measure's state as it is now.
    """

    def __init__(self, life: Callable[[], MeasureState]) -> None:
        self._life = life
        # None at the start of a run: an order of the run before may not have arrived.
        self._told: _Told | None = None
        self._has_news = False
        self._is_telling = False

    def hear_news(self) -> None:
        """Notes that what the launch's rules look at has changed."""
        state = self._life()
        campaign = state.plan.campaign
        if campaign is not None and campaign.ramp and state.permit is not None:
            self._has_news = True

    def is_done(self) -> bool:
        """Tells whether the launch knows all, and a campaign that must be held is held."""
        state = self._life()
        held = state.campaign_wanted != "held" or state.campaign_told == "held"
        return held and self._is_told() and not self._has_news and not self._is_telling

    async def keep(self) -> None:
        """Tells for ever."""
        while True:
            await workflow.wait_condition(lambda: self._has_news or not self._is_told())
            wanted = self._wanted()
            self._has_news, self._is_telling = False, True
            await ports.tell_launch(self._telling(wanted))
            self._told, self._is_telling = wanted, False

    def _is_told(self) -> bool:
        wanted = self._wanted()
        return self._told == wanted or (wanted[0] is None and self._told is None)

    def _wanted(self) -> _Told:
        state = self._life()
        if state.cancelled is not None:
            return state.plan.campaign, "ended"
        if state.campaign_wanted == "released":
            return state.plan.campaign, "open"
        if state.ended:
            return state.plan.campaign, "ended"
        # Who waits with an open ramp goes on where it was.
        return state.plan.campaign, "waiting" if state.launch_waits is not None else "held"

    def _telling(self, wanted: _Told) -> LaunchTelling:
        state = self._life()
        campaign, order = wanted
        if campaign is None:
            return LaunchTelling(measure=state.id, number=state.number)
        why = ""
        for pause in (state.on_hold, state.cancelled):
            why = pause.reason if pause is not None else why
        return LaunchTelling(
            measure=state.id,
            number=state.number,
            order=LaunchOrder(
                measure=state.id,
                campaign=campaign,
                wanted=order,
                reason=why,
                number=state.number,
            ),
        )
