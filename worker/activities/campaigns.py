"""Bringing a campaign in a connected system to the wanted state, and looking at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from connectors.contract import Connector
from connectors.failures import ConnectorError, RetryLater
from measures.errors import ConfigurationError
from measures.launch import Desire, Sighting
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
        with _told_to_temporal():
            seen = await _bring(await self._connections.get(order.connector), order)
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
        with _told_to_temporal():
            connector = await self._connections.get(glance.connector)
            return GlanceResult(seen=await connector.look(glance.ref))


_UNTIL_SOMEBODY_ACTED = timedelta(minutes=1)
"""How often to try what only a person can mend: it must go on by itself once they have."""


@contextmanager
def _told_to_temporal() -> Iterator[None]:
    """Has Temporal try again when a system asked for it; what a person must mend, less often."""
    try:
        yield
    except RetryLater as failure:
        raise ApplicationError(
            str(failure), type="RetryLater", next_retry_delay=failure.after
        ) from failure
    except (ConnectorError, ConfigurationError) as failure:
        raise ApplicationError(
            str(failure), type=type(failure).__name__, next_retry_delay=_UNTIL_SOMEBODY_ACTED
        ) from failure


async def _bring(connector: Connector, order: CampaignOrder) -> Sighting:
    if order.state == "held":
        return await connector.hold(order.ref, key=order.key)
    shown = await connector.look(order.ref)
    if shown is not None and shown.state == "released":
        return await connector.throttle(order.ref, order.share, key=order.key)
    return await connector.release(order.ref, order.share, key=order.key)
