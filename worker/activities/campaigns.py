"""Bringing a campaign in a connected system to the wanted state."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from connectors.base import Connector, HoldProof
from connectors.registry import connector_named
from workflows.contract import TELL_CAMPAIGN, CampaignOrder


class CampaignActivities:
    """Fills `workflows.ports.tell_campaign`."""

    def __init__(self, connectors: dict[str, Connector]) -> None:
        self._connectors = connectors

    @activity.defn(name=TELL_CAMPAIGN)
    async def tell_campaign(self, order: CampaignOrder) -> None:
        """Holds or releases a campaign and believes only what is read back.

        Raises:
            ApplicationError: the system shows something else; asked again until it does not.
        """
        connector = connector_named(self._connectors, order.connector)
        act = connector.hold if order.state == "held" else connector.release
        proof: HoldProof = await act(order.ref, key=order.key)
        if proof.state != order.state:
            msg = (
                f"{order.connector} shows campaign {order.ref} {proof.state},"
                f" wanted {order.state} for measure {order.measure}"
            )
            raise ApplicationError(msg, type="not-in-step")
