"""Bringing a campaign in a connected system to the wanted state, and looking at it."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from connectors.contract import Connector
from measures.launch import Desire, Sighting
from worker.activities.telling import beating, told_to_temporal
from worker.connections import Connections
from workflows.contract import (
    BRING_CAMPAIGN,
    LOOK_AT_CAMPAIGN,
    CampaignGlance,
    CampaignOrder,
    GlanceResult,
)


class CampaignActivities:
    """Fills `workflows.ports.bring_campaign` and `workflows.ports.look_at_campaign`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    @activity.defn(name=BRING_CAMPAIGN)
    async def bring_campaign(self, order: CampaignOrder) -> Sighting:
        """Holds, releases or throttles a campaign and believes only what is read back.

        Raises:
            ApplicationError: the system shows something else.
        """
        wanted = Desire(state=order.state, share=order.share if order.state == "released" else 0.0)
        with told_to_temporal():
            connector = await self._connections.get(order.connector)
            async with beating():
                seen = await _bring(connector, order)
        if not wanted.shown_by(seen):
            msg = (
                f"{order.connector} shows campaign {order.ref} {seen.state} at {seen.share:.0%},"
                f" wanted {wanted.state} at {wanted.share:.0%} for measure {order.measure}"
            )
            raise ApplicationError(msg, type="not-in-step")
        return seen

    @activity.defn(name=LOOK_AT_CAMPAIGN)
    async def look_at_campaign(self, glance: CampaignGlance) -> GlanceResult:
        """Reads what the system shows of a campaign."""
        with told_to_temporal():
            connector = await self._connections.get(glance.connector)
            async with beating():
                return GlanceResult(seen=await connector.look(glance.ref))


async def _bring(connector: Connector, order: CampaignOrder) -> Sighting:
    if order.state == "held":
        return await connector.hold(order.ref, key=order.key)
    shown = await connector.look(order.ref)
    if shown is not None and shown.state == "released":
        return await connector.throttle(order.ref, order.share, key=order.key)
    return await connector.release(order.ref, order.share, key=order.key)
