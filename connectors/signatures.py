"""Whether a webhook comes from whom it claims: one scheme for each way in which systems sign.

Every scheme is HMAC-SHA256 (RFC 2104) over what its system documents; what differs is what is
signed, how it is written, and whether a time is signed too. Several secrets may count at once,
so that a secret can be changed without losing a delivery.

Sources: GitHub "Validating webhook deliveries"; Atlassian "Webhooks: secure admin webhooks";
HubSpot "Validating requests" v3; Zendesk "Verifying webhooks"; Stripe "Verify webhook
signatures"; Redmine's model `Webhook`; standardwebhooks.com.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from connectors.contract import Webhook
from connectors.failures import Rejected

Scheme = Literal["github", "jira", "hubspot-v3", "zendesk", "stripe", "standard", "redmine"]

TOLERANCE = timedelta(minutes=5)
"""How far a signed time may be from now, either way, as Stripe and Standard Webhooks have it."""

_SHORTEST_KEY = 16
"""Bytes; Standard Webhooks asks for 24 to 64, and nobody may sign with nothing."""

SIGNED_TOO = {
    "standard": "webhook-id",
    "zendesk": "x-zendesk-webhook-signature-timestamp",
    "hubspot-v3": "x-hubspot-request-timestamp",
}
"""Headers that a scheme signs with the body and that tell one delivery from the next."""

_Verifier = Callable[[Webhook, bytes, datetime, timedelta], bool]


def refuse_forged(
    scheme: Scheme,
    webhook: Webhook,
    secrets: Sequence[str],
    *,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Refuses a webhook that none of the secrets has signed, or not just now.

    Args:
        scheme: how the system signs.
        webhook: as it came in.
        secrets: any of which may have signed it, the newest first.
        now: the present moment.
        tolerance: how far a signed time may be from now.

    Raises:
        Rejected: it is not genuine; the words never say how close it was.
    """
    verify = _SCHEMES[scheme]
    # Each is tried, also after one that fits: time tells nobody which.
    fits = [verify(webhook, secret.encode(), now, tolerance) for secret in secrets if secret]
    if not any(fits):
        msg = f"the webhook's {scheme} signature is missing, wrong, or too old"
        raise Rejected(msg)


def delivery_of(scheme: str, webhook: Webhook) -> str:
    """Returns the name by which a delivery is known again.

    It is made of what is signed: a header beside it, such as an identifier, anybody could change
    and so play a delivery again. Where a header is signed too that tells one delivery from the
    next, it counts, because bodies that name only an object repeat themselves.
    """
    told = webhook.headers.get(SIGNED_TOO.get(scheme, ""), "")
    return hashlib.sha256(f"{scheme}\0{told}\0".encode() + webhook.body).hexdigest()[:32]


def _github(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    return _hex_of_body(webhook.headers.get("x-hub-signature-256", ""), webhook.body, secret)


def _jira(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    return _hex_of_body(webhook.headers.get("x-hub-signature", ""), webhook.body, secret)


def _redmine(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    given = webhook.headers.get("x-redmine-signature-256", "")
    return _hex_of_body(given, webhook.body, secret)


def _hubspot_v3(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    written = webhook.headers.get("x-hubspot-request-timestamp", "")
    signed = f"{webhook.method}{webhook.url}".encode() + webhook.body + written.encode()
    fits = _same(webhook.headers.get("x-hubspot-signature-v3", ""), _base64(secret, signed))
    return fits and _is_recent(written, 1000, now, tolerance)


def _zendesk(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    written = webhook.headers.get("x-zendesk-webhook-signature-timestamp", "")
    signed = written.encode() + webhook.body
    fits = _same(webhook.headers.get("x-zendesk-webhook-signature", ""), _base64(secret, signed))
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return False
    return fits and at.tzinfo is not None and abs(at - now) <= tolerance


def _stripe(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    parts = [one.partition("=") for one in webhook.headers.get("stripe-signature", "").split(",")]
    times = [value.strip() for name, _, value in parts if name.strip() == "t"]
    given = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1:
        return False
    right = _hex(secret, f"{times[0]}.".encode() + webhook.body)
    fits = [_same(one, right) for one in given]
    return any(fits) and _is_recent(times[0], 1, now, tolerance)


def _standard(webhook: Webhook, secret: bytes, now: datetime, tolerance: timedelta) -> bool:
    name = webhook.headers.get("webhook-id", "")
    written = webhook.headers.get("webhook-timestamp", "")
    key = _standard_key(secret)
    if key is None or not name:
        return False
    right = _base64(key, f"{name}.{written}.".encode() + webhook.body)
    given = webhook.headers.get("webhook-signature", "").split()
    fits = [_same(one.removeprefix("v1,"), right) for one in given if one.startswith("v1,")]
    return any(fits) and _is_recent(written, 1, now, tolerance)


def standard_signature(secret: str, name: str, sent: str, body: bytes) -> str:
    """Returns the header `webhook-signature` of a delivery (standardwebhooks.com).

    Args:
        secret: as given to the receiver, with or without `whsec_`.
        name: what the header `webhook-id` says, the same when it is sent again.
        sent: what the header `webhook-timestamp` says, seconds since 1970.
        body: the raw body.

    Raises:
        Rejected: the secret carries no key worth the name.
    """
    key = _standard_key(secret.encode())
    if key is None:
        msg = f"a secret of Standard Webhooks is whsec_ and base64 of {_SHORTEST_KEY} bytes or more"
        raise Rejected(msg)
    return f"v1,{_base64(key, f'{name}.{sent}.'.encode() + body)}"


def _standard_key(secret: bytes) -> bytes | None:
    """Returns the key that a `whsec_` secret carries; None when it carries none worth the name."""
    try:
        key = base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= _SHORTEST_KEY else None


_SCHEMES: Mapping[Scheme, _Verifier] = {
    "github": _github,
    "jira": _jira,
    "hubspot-v3": _hubspot_v3,
    "zendesk": _zendesk,
    "stripe": _stripe,
    "standard": _standard,
    "redmine": _redmine,
}


def _hex_of_body(given: str, body: bytes, secret: bytes) -> bool:
    prefix, _, digest = given.partition("=")
    return prefix == "sha256" and _same(digest, _hex(secret, body))


def _hex(secret: bytes, signed: bytes) -> str:
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()


def _base64(secret: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def _same(given: str, right: str) -> bool:
    """Compares in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode(), right.encode())


def _is_recent(written: str, units: int, now: datetime, tolerance: timedelta) -> bool:
    """Tells whether a number of seconds, or parts of a second, since 1970 is about now."""
    if not (written.isascii() and written.isdecimal() and len(written) <= 16):
        return False
    try:
        at = datetime.fromtimestamp(int(written) / units, UTC)
    except (OverflowError, ValueError, OSError):
        return False
    return abs(at - now) <= tolerance
