"""What is special about Salesforce, on the simulated organisation."""

import logging
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from connectors.conformance.faults import failing
from connectors.contract import Webhook
from connectors.cursor import cursor_from
from connectors.failures import AuthFailed, NotFound, Rejected, RetryLater, Unsupported
from connectors.salesforce.answers import classify
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceConfig
from connectors.texts import CUT
from tests.simulators.openapi import Described
from tests.simulators.salesforce import (
    CLIENT,
    EXTERNAL_ID,
    ROOT,
    SECRET,
    USERNAME,
    Salesforce,
    described,
)

NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def system() -> Salesforce:
    """An organisation."""
    return Salesforce()


@pytest.fixture
def crm(system: Salesforce, monkeypatch: pytest.MonkeyPatch) -> SalesforceConnector:
    """A connection to it."""
    monkeypatch.setenv("TEST_SALESFORCE", SECRET)
    config = SalesforceConfig(
        url=ROOT,
        client_id=CLIENT,
        client_secret="env:TEST_SALESFORCE",
        new={"lead": {"Company": "unknown"}},
    )
    return SalesforceConnector(config, transport=Described(system, described()))


def _says(code: int, error: str, message: str = "no") -> httpx.AsyncBaseTransport:
    """An organisation that gives a token, and then says no to everything."""
    refusing = failing(code, body=f'[{{"errorCode": "{error}", "message": "{message}"}}]')
    system = Salesforce()

    class Refusing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            way = system if request.url.path.endswith("/token") else refusing
            return await way.handle_async_request(request)

    return Refusing()


async def test_the_check_tells_who_we_are_and_what_is_left(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """And what is missing, in words for whoever gives rights."""
    health = await crm.check()
    assert (health.account, health.version, health.missing) == (USERNAME, "v62.0", ())
    assert health.calls_left == 14_999
    assert health.clock_skew is not None
    assert abs(health.clock_skew) < timedelta(minutes=1)
    system.rights["updateable"] = False
    system.hidden = {"Company"}
    assert (await crm.check()).missing[:2] == ("Lead: not updateable", "Lead.Company: not seen")


async def test_a_session_that_ended_is_renewed_once(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """INVALID_SESSION_ID is no failure; the request is sent again with a new token."""
    ref = system.insert("Lead", LastName="Nora", Company="Acme")
    await crm.get("lead", ref)
    system.end_sessions()
    system.asked.clear()
    assert (await crm.get("lead", ref)).title == "Nora"
    asked = [one.url.path.rpartition("/")[2] for one in system.asked]
    assert asked == ["query", "token", "query"]


async def test_a_session_that_is_always_refused_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not a loop."""
    monkeypatch.setenv("TEST_SALESFORCE", SECRET)
    config = SalesforceConfig(url=ROOT, client_id=CLIENT, client_secret="env:TEST_SALESFORCE")
    crm = SalesforceConnector(config, transport=_says(401, "INVALID_SESSION_ID"))
    with pytest.raises(AuthFailed, match="INVALID_SESSION_ID"):
        await crm.get("lead", "00Q5g0000000001AAA")


async def test_an_assertion_signed_by_our_key_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The JWT bearer flow; the organisation reads the assertion with the public key."""
    key = RSAKey.generate_key(2048)
    monkeypatch.setenv("TEST_KEY", key.as_pem(private=True).decode())
    system = Salesforce(key=RSAKey.import_key(key.as_pem(private=False)))
    config = SalesforceConfig(
        url=ROOT, client_id=CLIENT, private_key="env:TEST_KEY", username=USERNAME
    )
    crm = SalesforceConnector(config, transport=Described(system, described()))
    assert (await crm.check()).account == USERNAME
    other = config.model_copy(update={"username": "somebody@else.example"})
    with pytest.raises(AuthFailed, match="invalid assertion"):
        await SalesforceConnector(other, transport=system).check()


async def test_what_is_no_key_is_said_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password where the key belongs."""
    monkeypatch.setenv("TEST_KEY", "hunter2")
    config = SalesforceConfig(
        url=ROOT, client_id=CLIENT, private_key="env:TEST_KEY", username=USERNAME
    )
    with pytest.raises(AuthFailed, match="env:TEST_KEY holds no private RSA key") as raised:
        await SalesforceConnector(config).check()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "one of both"),
        ({"client_secret": "env:A", "private_key": "env:B"}, "one of both"),
        ({"private_key": "env:B"}, "needs username"),
        ({"client_secret": "env:A", "api": "62"}, "pattern"),
        ({"client_secret": "env:A", "new": {"account": {}}}, "lead"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], fault: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValidationError, match=fault):
        SalesforceConfig.model_validate({"url": ROOT, "client_id": CLIENT, **settings})


async def test_the_token_is_in_no_failure_and_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the organisation repeats it."""
    monkeypatch.setenv("TEST_SALESFORCE", SECRET)
    caplog.set_level(logging.DEBUG)
    config = SalesforceConfig(url=ROOT, client_id=CLIENT, client_secret="env:TEST_SALESFORCE")
    crm = SalesforceConnector(config, transport=_says(400, "MALFORMED", "session 00D5g!session-1"))
    with pytest.raises(Rejected, match=r"session \*\*\*") as raised:
        await crm.get("lead", "00Q5g0000000001AAA")
    assert "00D5g!session" not in str(raised.value) + caplog.text


async def test_calls_that_are_used_up_are_waited_for(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """403, but nobody's right is missing."""
    system.calls_left = 0
    with pytest.raises(RetryLater, match="REQUEST_LIMIT_EXCEEDED") as raised:
        await crm.find("lead", "sluice-1")
    assert raised.value.after == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("code", "error", "message", "failure"),
    [
        (400, "UNABLE_TO_LOCK_ROW", "no", RetryLater),
        (400, "DUPLICATE_VALUE", f"duplicate value found: {EXTERNAL_ID}", RetryLater),
        (400, "DUPLICATE_VALUE", "duplicate value found: Email__c", Rejected),
        (400, "MALFORMED_ID", "no", NotFound),
        (404, "ENTITY_IS_DELETED", "no", NotFound),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", "no", Rejected),
        (503, "SERVER_UNAVAILABLE", "no", RetryLater),
    ],
)
async def test_what_an_error_means(
    code: int,
    error: str,
    message: str,
    failure: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By its code, not by its status alone."""
    monkeypatch.setenv("TEST_SALESFORCE", SECRET)
    config = SalesforceConfig(url=ROOT, client_id=CLIENT, client_secret="env:TEST_SALESFORCE")
    crm = SalesforceConnector(config, transport=_says(code, error, message))
    with pytest.raises(failure, match=error):
        await crm.get("lead", "00Q5g0000000001AAA")


async def test_several_of_one_name_are_nobodys(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """Where the field is not unique; writing would change the wrong one."""
    for _ in range(2):
        system.insert("Lead", LastName="N", Company="A", **{EXTERNAL_ID: "twice"})
    with pytest.raises(Rejected, match=r"make Lead\.Sluice_Id__c unique and case-sensitive"):
        await crm.upsert("lead", "twice", {"title": "x"}, key="k")


def test_several_made_meanwhile_are_said_too() -> None:
    """Salesforce answers 300 to a write that fits several records."""
    patch = httpx.Request("PATCH", f"{ROOT}/sobjects/Lead/{EXTERNAL_ID}/twice")
    failure = classify(httpx.Response(300, json=["/a", "/b"], request=patch), EXTERNAL_ID)
    assert isinstance(failure, Rejected)
    assert "several records with this Sluice_Id__c: make the field unique" in str(failure)


async def test_a_name_in_other_letters_is_another_name(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """Salesforce takes ABC for abc where the field is not case-sensitive."""
    ref = system.insert("Lead", LastName="N", Company="A", **{EXTERNAL_ID: "SLUICE-1"})
    with pytest.raises(Rejected, match=ref):
        await crm.upsert("lead", "sluice-1", {"title": "x"}, key="k")
    assert system.records["Lead"][ref]["LastName"] == "N"


async def test_a_new_record_gets_what_settings_say(crm: SalesforceConnector) -> None:
    """Fields that Salesforce asks for, unless they are written."""
    first = await crm.upsert("lead", "a", {"title": "N"}, key="k")
    second = await crm.upsert("lead", "b", {"title": "N", "Company": "Acme"}, key="k")
    assert (first.fields["Company"], second.fields["Company"]) == ("unknown", "Acme")
    with pytest.raises(Rejected, match="REQUIRED_FIELD_MISSING"):
        await crm.upsert("opportunity", "c", {"title": "N"}, key="k")


async def test_what_is_closed_and_what_is_won(crm: SalesforceConnector) -> None:
    """From the organisation's own stages."""
    deals, leads = await crm.describe("opportunity"), await crm.describe("lead")
    assert (deals.closed, deals.won) == (("Closed Won", "Closed Lost"), ("Closed Won",))
    assert leads.closed == leads.won == ("Closed - Converted",)
    assert deals.fields["CloseDate"].required
    assert (await crm.describe("campaign")).closed == ("Completed", "Aborted")


async def test_a_long_comment_is_cut_where_all_see_it(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """Up to the limit whole; it is found again by its subject."""
    ref = system.insert("Opportunity", Name="O", StageName="Prospecting", CloseDate="2031-03-02")
    for key, letters in (("a", 9_000), ("b", 40_000), ("b", 40_000)):
        await crm.comment("opportunity", ref, "x" * letters, key=key)
    first, second = system.records["Task"].values()
    assert first["Description"] == "x" * 9_000
    assert first["WhatId"] == ref
    assert first["Status"] == "Completed"
    assert len(second["Description"]) == 32_000
    assert second["Description"].endswith(CUT)


async def test_a_backlog_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """By nextRecordsUrl, each record once, also those that the platform touched."""
    monkeypatch.setenv("TEST_SALESFORCE", SECRET)
    config = SalesforceConfig(url=ROOT, client_id=CLIENT, client_secret="env:TEST_SALESFORCE")
    system = Salesforce(page=200)
    refs = {system.insert("Lead", LastName=f"N{n}", Company="A") for n in range(1_000)}
    crm = SalesforceConnector(config, transport=Described(system, described()))
    cursor, found, more = cursor_from(NOW - timedelta(days=9_999)), [], True
    while more:
        page = await crm.changes("lead", cursor, limit=400)
        cursor, more = page.cursor, page.more
        found += [one.ref for one in page.items]
    assert sorted(found) == sorted(refs)


async def test_a_campaign_is_only_labelled(crm: SalesforceConnector, system: Salesforce) -> None:
    """By id or by name; whatever it shows, nobody may call it enforced."""
    ref = system.insert("Campaign", Name="Spring", Status="In Progress", IsActive=True)
    held = await crm.hold("Spring", key="k")
    assert (held.state, held.share, held.level) == ("held", 0.0, "advisory")
    assert system.records["Campaign"][ref]["Status"] == "Planned"
    with pytest.raises(Unsupported, match="stays inactive while only 10%"):
        await crm.throttle(ref, 0.1, key="k")
    released = await crm.release(ref, 1.0, key="k")
    assert (released.state, released.level) == ("released", "advisory")
    system.change("Campaign", ref, "olga@acme.example", IsActive=False)
    seen = await crm.look(ref)
    assert seen is not None
    assert seen.state == "released"  # its status still lets people send


async def test_a_completed_campaign_stays_completed(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """A hold takes it off, and does not plan it anew."""
    ref = system.insert("Campaign", Name="Old", Status="Completed", IsActive=True)
    assert (await crm.hold(ref, key="k")).state == "held"
    assert system.records["Campaign"][ref]["Status"] == "Completed"


async def test_two_campaigns_of_one_name_are_nobodys(
    crm: SalesforceConnector, system: Salesforce
) -> None:
    """Names are not unique in Salesforce."""
    for _ in range(2):
        system.insert("Campaign", Name="Spring")
    with pytest.raises(Rejected, match="write the id instead"):
        await crm.hold("Spring", key="k")
    assert await crm.look("Summer") is None


def test_it_sends_no_webhooks(crm: SalesforceConnector) -> None:
    """Outbound messages and change data capture are not spoken here."""
    with pytest.raises(Unsupported, match="cannot send webhooks"):
        crm.verify(Webhook(headers={}, body=b""), now=NOW)
