"""Keeping a campaign in its own system where the measure's state wants it: held or released.

It runs beside the measure's life, so that a system which is down for weeks holds up nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from measures.documents import Campaign
    from measures.state import MeasureState
    from workflows import ports
    from workflows.contract import CampaignOrder

Wanted = Literal["held", "released"]


class CampaignKeeper:
    """Tells a campaign's system what is wanted until it shows it.

    Args:
        life: returns the measure's state as it is now.
        record: records that the system now shows what was wanted.
    """

    def __init__(
        self, life: Callable[[], MeasureState], record: Callable[[Wanted], Awaitable[None]]
    ) -> None:
        self._life = life
        self._record = record
        # Which campaign is known to show what was told. None at the start of a run: an order of
        # the run before may have been carried out without this one knowing.
        self._sure_of: Campaign | None = None

    def in_step(self) -> bool:
        """Tells whether the system is known to show what is wanted."""
        state = self._life()
        wanted = state.campaign_wanted
        return wanted is None or (
            self._sure_of == state.plan.campaign and wanted == state.campaign_told
        )

    async def keep(self) -> None:
        """Keeps the campaign in step for ever."""
        while True:
            await workflow.wait_condition(lambda: not self.in_step())
            await self._tell()

    async def _tell(self) -> None:
        state = self._life()
        campaign, wanted = state.plan.campaign, state.campaign_wanted
        assert campaign is not None, "out of step only with a campaign"
        assert wanted is not None, "out of step only with a campaign"
        self._sure_of = None
        telling = asyncio.create_task(
            ports.tell_campaign(
                CampaignOrder(
                    measure=state.id,
                    connector=campaign.connector,
                    ref=campaign.ref,
                    state=wanted,
                    key=f"{workflow.info().workflow_id}#{state.number}",
                )
            )
        )
        await workflow.wait_condition(
            lambda: telling.done() or self._life().campaign_wanted != wanted
        )
        # A hold must not wait behind a release that is still being tried; and the new order is
        # given only after the old one has ended, so that the old one cannot come in last.
        if not telling.done():
            telling.cancel()
        try:
            await telling
        except (ActivityError, asyncio.CancelledError):
            return
        self._sure_of = campaign
        if self._life().campaign_told != wanted:
            await self._record(wanted)
