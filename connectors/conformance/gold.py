"""Gold: it knows its own writes, and believes a webhook only when it is genuine and new."""

from datetime import UTC, datetime, timedelta

from connectors.conformance.bronze import connected, kind_of
from connectors.conformance.results import Checks, ExemptError, Tier
from connectors.conformance.subject import Subject
from connectors.contract import Hint, Webhook
from connectors.failures import Rejected

gold = Checks(Tier.GOLD)

_NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)


@gold
async def recognises_its_own_writes(subject: Subject) -> None:
    """What we wrote shows our account as its author."""
    async with connected(subject) as connector:
        if "upsert" not in connector.manifest.can:
            raise ExemptError("it cannot upsert")
        account = (await connector.check()).account
        patch = {"title": "ours", **subject.extra}
        name = f"sluice-echo-{datetime.now(UTC).timestamp()}"
        made = await connector.upsert(kind_of(subject), name, patch, key="echo")
        assert made.actor == account, f"it shows {made.actor!r}, but we are {account!r}"


@gold
async def takes_a_genuine_webhook(subject: Subject) -> None:
    """A signed webhook points at an object."""
    hints = await _verified(subject, _webhook(subject))
    assert hints, "a genuine webhook points at nothing"
    assert all(one.ref and one.kind and one.delivery for one in hints), "a hint is incomplete"


@gold
async def refuses_a_changed_webhook(subject: Subject) -> None:
    """One changed byte anywhere in the body is Rejected."""
    genuine = _webhook(subject)
    step = max(1, len(genuine.body) // 20)
    for place in range(0, len(genuine.body), step):
        body = bytearray(genuine.body)
        body[place] ^= 1
        await _refused(subject, genuine.model_copy(update={"body": bytes(body)}))


@gold
async def refuses_an_unsigned_webhook(subject: Subject) -> None:
    """Without its headers, or with empty ones, a webhook is Rejected."""
    genuine = _webhook(subject)
    await _refused(subject, genuine.model_copy(update={"headers": {}}))
    empty = dict.fromkeys(genuine.headers, "")
    await _refused(subject, genuine.model_copy(update={"headers": empty}))


@gold
async def tells_the_same_delivery_again(subject: Subject) -> None:
    """A delivery that comes twice has the same name twice."""
    genuine = _webhook(subject)
    first, second = await _verified(subject, genuine), await _verified(subject, genuine)
    assert first == second, "one delivery has two names"


@gold
async def knows_a_delivery_under_another_header(subject: Subject) -> None:
    """A header that is not signed makes no new delivery of one that was there."""
    genuine = _webhook(subject)
    names = await _verified(subject, genuine)
    async with connected(subject) as connector:
        for header in genuine.headers:
            other = {**genuine.headers, header: f"{genuine.headers[header]}0"}
            again = genuine.model_copy(update={"headers": other})
            try:
                hints = connector.verify(again, now=_NOW)
            except Rejected:
                continue  # it is signed
            known = {one.delivery for one in names}
            fresh = [one.ref for one in hints if one.delivery not in known]
            assert not fresh, f"played again with another {header} it is another delivery"


@gold
async def keeps_deliveries_apart(subject: Subject) -> None:
    """Two deliveries have two names, also within one second."""
    make = subject.webhook
    if make is None:
        raise ExemptError("it takes no webhooks")
    names = [await _verified(subject, make(_NOW)) for _ in range(2)]
    assert names[0][0].delivery != names[1][0].delivery, "two deliveries have one name"


@gold
async def refuses_an_old_webhook(subject: Subject) -> None:
    """A webhook that was signed an hour ago is Rejected, where the signature has a time."""
    genuine = _webhook(subject)
    async with connected(subject) as connector:
        try:
            connector.verify(genuine, now=_NOW + timedelta(hours=1))
        except Rejected:
            return
    if _has_a_time(genuine):
        msg = "it believes an old webhook"
        raise AssertionError(msg)
    raise ExemptError("its signature has no time; deliveries are remembered instead")


@gold
async def refuses_a_webhook_from_the_future(subject: Subject) -> None:
    """A webhook signed for an hour from now is Rejected, where the signature has a time."""
    make = subject.webhook
    if make is None:
        raise ExemptError("it takes no webhooks")
    early = make(_NOW + timedelta(hours=1))
    if not _has_a_time(early):
        raise ExemptError("its signature has no time; deliveries are remembered instead")
    await _refused(subject, early)


@gold
async def refuses_what_is_no_webhook(subject: Subject) -> None:
    """Bytes of any kind under a signature of something else are Rejected, never a crash."""
    genuine = _webhook(subject)
    for body in (b"", b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 100_000, b'{"id": 1e999}'):
        await _refused(subject, genuine.model_copy(update={"body": body}))


@gold
async def takes_webhooks_in_any_order(subject: Subject) -> None:
    """What a webhook points at does not depend on which came before it."""
    make = subject.webhook
    if make is None:
        raise ExemptError("it takes no webhooks")
    first, second = make(_NOW - timedelta(minutes=1)), make(_NOW)
    async with connected(subject) as connector:
        forward = [connector.verify(one, now=_NOW) for one in (first, second)]
    async with connected(subject) as connector:
        backward = [connector.verify(one, now=_NOW) for one in (second, first)]
    assert forward == backward[::-1], "another order gives other hints"


def _has_a_time(webhook: Webhook) -> bool:
    return any("timestamp" in name or name == "stripe-signature" for name in webhook.headers)


def _webhook(subject: Subject) -> Webhook:
    if subject.webhook is None:
        raise ExemptError("it takes no webhooks")
    return subject.webhook(_NOW)


async def _verified(subject: Subject, webhook: Webhook) -> tuple[Hint, ...]:
    async with connected(subject) as connector:
        return connector.verify(webhook, now=_NOW)


async def _refused(subject: Subject, webhook: Webhook) -> None:
    async with connected(subject) as connector:
        try:
            connector.verify(webhook, now=_NOW)
        except Rejected:
            return
    msg = "it believes a webhook that is not genuine"
    raise AssertionError(msg)
