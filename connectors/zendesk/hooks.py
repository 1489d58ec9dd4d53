"""What Zendesk tells us: events that a webhook is subscribed to, and bodies that triggers send."""

import json
from collections.abc import Sequence
from datetime import datetime

from connectors.contract import Hint, Webhook
from connectors.failures import Rejected
from connectors.signatures import delivery_of, refuse_forged

_EVENTS = "zen:event-type:"


def hints_of(webhook: Webhook, secrets: Sequence[str], *, now: datetime) -> tuple[Hint, ...]:
    """Returns the ticket that a genuine webhook points at; none for events about something else.

    An event names its ticket in `detail.id` ("Ticket events"); the body of a trigger is written by
    an administrator and names it in `ticket_id`.

    Raises:
        Rejected: it is not genuine, too old, or does not name a ticket.
    """
    if not secrets:
        msg = "Zendesk: webhooks are refused until the connection's webhook_secret is set"
        raise Rejected(msg)
    refuse_forged("zendesk", webhook, secrets, now=now)
    try:
        told = json.loads(webhook.body)
        event = str(told.get("type", ""))
        if event.startswith(_EVENTS) and not event.startswith(f"{_EVENTS}ticket."):
            return ()
        ref = str(int(told["detail"]["id"] if event.startswith(_EVENTS) else told["ticket_id"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = (
            f"Zendesk: the webhook names no ticket ({type(error).__name__}); a trigger's body must"
            ' hold {"ticket_id": "{{ticket.id}}"}'
        )
        raise Rejected(msg) from None
    return (Hint(kind="ticket", ref=ref, delivery=delivery_of("zendesk", webhook)),)
