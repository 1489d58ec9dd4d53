"""What a business rule of an instance tells us: signed as Standard Webhooks asks."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from connectors.contract import Hint, Webhook
from connectors.failures import Rejected
from connectors.signatures import delivery_of, refuse_forged


def hints_of(
    webhook: Webhook, secrets: Sequence[str], tables: Collection[str], *, now: datetime
) -> tuple[Hint, ...]:
    """Returns the row that a genuine webhook points at; none of a table that is not ours.

    Args:
        webhook: as it came in.
        secrets: any of which may have signed it.
        tables: those that are ours.
        now: the present moment.

    Raises:
        Rejected: it is not genuine, too old, or does not name a row.
    """
    if not secrets:
        msg = "ServiceNow: webhooks are refused until the connection's webhook_secret is set"
        raise Rejected(msg)
    refuse_forged("standard", webhook, secrets, now=now)
    try:
        told = json.loads(webhook.body)
        table, ref = str(told["table"]), str(told["sys_id"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = f"ServiceNow: the webhook names no row: {type(error).__name__}"
        raise Rejected(msg) from None
    if table not in tables:
        return ()
    return (Hint(kind=table, ref=ref, delivery=delivery_of("standard", webhook)),)
