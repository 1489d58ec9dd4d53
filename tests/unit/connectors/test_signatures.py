"""Webhooks are believed only when they are genuine and new, whatever the system's way to sign."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Webhook
from connectors.failures import Rejected
from connectors.signatures import Scheme, refuse_forged

NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)
BODY = '{"id": 7, "title": "Blöcker"}'.encode()
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
URL = "https://sluice.example.com/hooks/crm?x=1"

Sender = Callable[[bytes, datetime, str], dict[str, str]]


def _hex(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _b64(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _github(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    return {"x-hub-signature-256": f"sha256={_hex(secret, body)}"}


def _jira(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    return {"x-hub-signature": f"sha256={_hex(secret, body)}"}


def _hubspot(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    ms = str(int(at.timestamp() * 1000))
    signed = b"POST" + URL.encode() + body + ms.encode()
    return {
        "x-hubspot-request-timestamp": ms,
        "x-hubspot-signature-v3": _b64(secret.encode(), signed),
    }


def _zendesk(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    written = at.isoformat().replace("+00:00", "Z")
    return {
        "x-zendesk-webhook-signature-timestamp": written,
        "x-zendesk-webhook-signature": _b64(secret.encode(), written.encode() + body),
    }


def _stripe(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    t = str(int(at.timestamp()))
    return {"stripe-signature": f"t={t},v1={_hex(secret, f'{t}.'.encode() + body)},v0=old"}


def _standard(body: bytes, at: datetime, secret: str) -> dict[str, str]:
    t = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": t,
        "webhook-signature": f"v1a,zzz v1,{_b64(key, f'msg_1.{t}.'.encode() + body)}",
    }


SENDERS: dict[Scheme, Sender] = {
    "github": _github,
    "jira": _jira,
    "hubspot-v3": _hubspot,
    "zendesk": _zendesk,
    "stripe": _stripe,
    "standard": _standard,
}
TIMED: tuple[Scheme, ...] = ("hubspot-v3", "zendesk", "stripe", "standard")


def _sent(scheme: Scheme, body: bytes = BODY, at: datetime = NOW, secret: str = SECRET) -> Webhook:
    return Webhook(url=URL, headers=SENDERS[scheme](body, at, secret), body=body)


def _is_believed(scheme: Scheme, webhook: Webhook, *secrets: str, now: datetime = NOW) -> bool:
    try:
        refuse_forged(scheme, webhook, secrets or (SECRET,), now=now)
    except Rejected:
        return False
    return True


OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


@pytest.mark.parametrize("scheme", SENDERS)
class TestEveryScheme:
    """What holds however a system signs."""

    def test_believes_what_is_genuine(self, scheme: Scheme) -> None:
        """Signed with the secret."""
        assert _is_believed(scheme, _sent(scheme))

    def test_knows_nobody_without_a_secret(self, scheme: Scheme) -> None:
        """No secret, an empty one, another one, or one of nothing believe nothing."""
        genuine = _sent(scheme)
        with pytest.raises(Rejected):
            refuse_forged(scheme, genuine, (), now=NOW)
        assert not _is_believed(scheme, genuine, "")
        assert not _is_believed(scheme, genuine, OTHER)
        nothing = Webhook(url=URL, headers=SENDERS[scheme](BODY, NOW, "whsec_"), body=BODY)
        assert scheme != "standard" or not _is_believed(scheme, nothing, "whsec_")

    def test_changes_secrets_without_losing_a_delivery(self, scheme: Scheme) -> None:
        """The old one counts as long as it is named."""
        assert _is_believed(scheme, _sent(scheme), OTHER, SECRET)
        assert not _is_believed(scheme, _sent(scheme, secret=OTHER), SECRET)

    @given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
    def test_sees_every_changed_bit(self, scheme: Scheme, place: int, bit: int) -> None:
        """Anywhere in the body."""
        body = bytearray(BODY)
        body[place] ^= 1 << bit
        assert not _is_believed(scheme, _sent(scheme).model_copy(update={"body": bytes(body)}))

    @given(text=st.text(max_size=80))
    def test_is_not_talked_into_anything(self, scheme: Scheme, text: str) -> None:
        """Whatever stands in the headers is no reason to believe, and no traceback."""
        genuine = _sent(scheme)
        for name, value in genuine.headers.items():
            if value != text:
                forged = genuine.model_copy(update={"headers": {**genuine.headers, name: text}})
                assert not _is_believed(scheme, forged)

    def test_needs_its_headers(self, scheme: Scheme) -> None:
        """Each of them."""
        genuine = _sent(scheme)
        for name in genuine.headers:
            fewer = {key: value for key, value in genuine.headers.items() if key != name}
            assert not _is_believed(scheme, genuine.model_copy(update={"headers": fewer}))


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize("seconds", [-300, -1, 0, 299, 300])
def test_takes_what_was_signed_about_now(scheme: Scheme, seconds: int) -> None:
    """Five minutes either way."""
    assert _is_believed(scheme, _sent(scheme, at=NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize("seconds", [-86400 * 8, -301, 301, 86400])
def test_refuses_what_was_signed_another_time(scheme: Scheme, seconds: int) -> None:
    """Replayed later, or signed ahead."""
    assert not _is_believed(scheme, _sent(scheme, at=NOW + timedelta(seconds=seconds)))


def test_a_url_and_method_that_were_signed_count() -> None:
    """HubSpot signs where it sends: the same body is not good for another address."""
    genuine = _sent("hubspot-v3")
    assert not _is_believed("hubspot-v3", genuine.model_copy(update={"url": f"{URL}&y=2"}))
    assert not _is_believed("hubspot-v3", genuine.model_copy(update={"method": "PUT"}))
