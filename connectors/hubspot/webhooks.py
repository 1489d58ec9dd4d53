"""What HubSpot tells by itself: batches of events, each a hint at an object."""

import json
from typing import Any

from connectors.contract import Hint, Webhook
from connectors.failures import Rejected
from connectors.hubspot.settings import KINDS
from connectors.understanding import version_of

_BY_NAME: dict[str, str] = {shape.name: shape.name for shape in KINDS.values()}
_BY_NUMBER: dict[str, str] = {shape.type_id: shape.name for shape in KINDS.values()}


def hints(webhook: Webhook) -> tuple[Hint, ...]:
    """Returns what a genuine webhook points at; events of other kinds are passed over.

    An event's own id is not unique ("Webhooks"), so that the whole event names the delivery, but
    for the number of the attempt.

    Raises:
        Rejected: it holds no events.
    """
    try:
        events = json.loads(webhook.body)
        found = [hint for event in events if (hint := _hint(event)) is not None]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"HubSpot's webhook holds no list of events: {type(error).__name__}"
        raise Rejected(msg) from None
    return tuple(found)


def _hint(event: dict[str, Any]) -> Hint | None:
    of = str(event["subscriptionType"]).partition(".")[0]
    kind = _BY_NUMBER.get(str(event.get("objectTypeId"))) if of == "object" else _BY_NAME.get(of)
    if kind is None:
        return None
    lasting = {name: value for name, value in event.items() if name != "attemptNumber"}
    return Hint(
        kind=kind,
        ref=str(event["objectId"]),
        delivery=version_of(json.dumps(lasting, sort_keys=True)),
    )
