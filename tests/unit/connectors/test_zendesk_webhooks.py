"""News from Zendesk: events of its own, and bodies that an administrator wrote."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Hint, Webhook
from connectors.failures import Rejected
from connectors.zendesk.hooks import hints_of

NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)
OLD, NEW = "old-secret", "new-secret"


def told(body: object, *, secret: str = NEW, at: datetime = NOW) -> Webhook:
    """What Zendesk sends and signs."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    written = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hmac.digest(secret.encode(), written.encode() + raw, "sha256")
    headers = {
        "x-zendesk-webhook-signature": base64.b64encode(mac).decode(),
        "x-zendesk-webhook-signature-timestamp": written,
    }
    return Webhook(headers=headers, body=raw)


def hint(webhook: Webhook) -> Hint:
    """The only hint of a webhook."""
    (one,) = hints_of(webhook, (NEW, OLD), now=NOW)
    return one


@pytest.mark.parametrize(
    "body",
    [
        {"type": "zen:event-type:ticket.status_changed", "detail": {"id": "5158"}},
        {"ticket_id": "5158"},
        {"ticket_id": 5158, "note": "by a trigger"},
    ],
)
def test_the_ticket_that_is_meant(body: dict[str, object]) -> None:
    """Whichever way it is named."""
    assert (hint(told(body)).kind, hint(told(body)).ref) == ("ticket", "5158")


def test_events_about_something_else() -> None:
    """Genuine, and nothing to us."""
    event = {"type": "zen:event-type:user.created", "detail": {"id": "7"}}
    assert hints_of(told(event), (NEW,), now=NOW) == ()


def test_a_secret_that_is_being_changed() -> None:
    """The old one counts beside the new one."""
    assert hint(told({"ticket_id": 1}, secret=OLD)).ref == "1"
    with pytest.raises(Rejected, match="signature is missing, wrong"):
        hints_of(told({"ticket_id": 1}, secret="another"), (NEW, OLD), now=NOW)


def test_the_same_words_a_second_later_are_another_delivery() -> None:
    """A trigger says the same each time; its signed time tells one from the next."""
    body = {"ticket_id": 1}
    later = told(body, at=NOW + timedelta(seconds=1))
    assert hint(told(body)) == hint(told(body))
    assert hint(told(body)).delivery != hint(later).delivery


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"[]", b"7", {}, {"ticket_id": "x"}, {"type": "zen:event-type:ticket.x"}],
)
def test_what_names_no_ticket(body: object) -> None:
    """Signed or not, it is refused, and says what a trigger's body must hold."""
    with pytest.raises(Rejected, match=r"\{\{ticket\.id\}\}"):
        hints_of(told(body), (NEW,), now=NOW)


def test_without_a_secret_nothing_is_genuine() -> None:
    """So nothing is believed."""
    with pytest.raises(Rejected, match="until the connection's webhook_secret is set"):
        hints_of(told({"ticket_id": 1}), (), now=NOW)
