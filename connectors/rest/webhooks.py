"""Believing a system's webhooks as a manifest says: signed, and then only as a hint."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from connectors.contract import Hint, Webhook
from connectors.failures import Rejected
from connectors.rest.manifest import WebhookRule
from connectors.rest.reading import at, text_at
from connectors.secrets import read_secrets
from connectors.signatures import refuse_forged
from measures.digest import digest


def hints_of(
    rule: WebhookRule, kinds: Collection[str], webhook: Webhook, *, now: datetime
) -> tuple[Hint, ...]:
    """Returns what a genuine webhook points at.

    What it says of kinds that the manifest does not name concerns nobody and is passed over.

    Raises:
        AuthFailed: a secret is not where its reference says.
        Rejected: it is not genuine, or not as the manifest says.
    """
    refuse_forged(rule.scheme, webhook, read_secrets(rule.secret), now=now)
    try:
        events = at(rule.events, json.loads(webhook.body))
        listed = events if isinstance(events, list) else [events]
        return tuple(_hints(rule, kinds, webhook, listed))
    except (ValueError, TypeError, RecursionError) as error:
        msg = f"the webhook is signed, but not as its manifest says: {error}"
        raise Rejected(msg[:500]) from None


def _hints(
    rule: WebhookRule, kinds: Collection[str], webhook: Webhook, events: list[Any]
) -> Iterator[Hint]:
    # All of it is signed. A vendor's id alone may come twice for two contents, so these count, too.
    given = webhook.headers.get(rule.delivery.lower(), "") if rule.delivery else ""
    name = digest([given, webhook.body.hex()])[:32]
    for number, event in enumerate(events):
        said = text_at(rule.kind, event)
        kind, ref = rule.kinds.get(said, said), text_at(rule.ref, event)
        if ref and kind in kinds:
            yield Hint(kind=kind, ref=ref, delivery=f"{name}-{number}")
