"""Webhooks of Redmine 7, and of our plugin for Redmine 5 and 6 (deploy/redmine).

The signature covers no time, so deliveries must be remembered.

Source: Redmine's models `Webhook` and `WebhookPayload`.
"""

import hashlib
import json
from datetime import datetime

from connectors.contract import Hint, Webhook
from connectors.failures import Rejected
from connectors.redmine.config import RedmineConfig
from connectors.secrets import read_secret
from connectors.signatures import refuse_forged


def hints(config: RedmineConfig, webhook: Webhook, now: datetime) -> tuple[Hint, ...]:
    """Returns the issue that a genuine webhook points at.

    Raises:
        Rejected: nobody can tell that it is genuine, or it is not.
    """
    if config.webhook_secret is None:
        msg = "Redmine: the connection has no webhook_secret, so no webhook can be believed"
        raise Rejected(msg)
    refuse_forged("redmine", webhook, [read_secret(config.webhook_secret)], now=now)
    try:
        told = json.loads(webhook.body)["data"]
        # It tells of wiki pages and news too.
        refs = [str(told["issue"]["id"])] if "issue" in told else []
    except (ValueError, KeyError, TypeError) as error:
        msg = f"Redmine sent a webhook that is not understood: {error!r}"
        raise Rejected(msg) from None
    delivery = hashlib.sha256(webhook.body).hexdigest()
    return tuple(Hint(kind="issue", ref=ref, delivery=delivery) for ref in refs)
