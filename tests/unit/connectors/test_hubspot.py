"""What is special about HubSpot, on the simulated account."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.conformance.faults import failing
from connectors.contract import Scalar, Webhook
from connectors.cursor import cursor_from
from connectors.failures import AuthFailed, NotFound, Rejected, RetryLater, Unsupported
from connectors.hubspot.answers import written
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.settings import HubspotConfig
from connectors.texts import CUT
from tests.simulators.hubspot import (
    APP,
    CLIENT,
    EXTERNAL_ID,
    PORTAL,
    REFRESH,
    SECRET,
    TOKEN,
    Hubspot,
    described,
    webhook,
)

NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)
LONG_AGO = cursor_from(datetime(2020, 1, 1, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HUBSPOT", TOKEN)
    monkeypatch.setenv("TEST_HUBSPOT_APP", SECRET)
    monkeypatch.setenv("TEST_HUBSPOT_REFRESH", REFRESH)


@pytest.fixture
def system() -> Hubspot:
    """An account."""
    return Hubspot()


@pytest.fixture
def crm(system: Hubspot) -> HubspotConnector:
    """A connection to it."""
    config = HubspotConfig(token="env:TEST_HUBSPOT", client_secret="env:TEST_HUBSPOT_APP")
    return HubspotConnector(config, transport=described(system))


def refusing(transport: httpx.AsyncBaseTransport) -> HubspotConnector:
    """A connection to an account that says no."""
    return HubspotConnector(HubspotConfig(token="env:TEST_HUBSPOT"), transport=transport)


async def test_the_check_tells_who_we_are_and_what_is_left(
    crm: HubspotConnector, system: Hubspot
) -> None:
    """And which scopes are missing."""
    health = await crm.check()
    assert (health.account, health.missing) == (f"app {APP}", ())
    assert health.version == f"v3 of account {PORTAL}"
    assert health.calls_left == 249_000
    system.scopes = tuple(one for one in system.scopes if one != "tickets")
    assert (await crm.check()).missing == ("tickets",)


async def test_a_token_is_renewed_in_time_and_not_because_it_is_refused(system: Hubspot) -> None:
    """HubSpot says that 401 is no sign; expires_in is."""
    config = HubspotConfig(
        client_id=CLIENT,
        client_secret="env:TEST_HUBSPOT_APP",
        refresh_token="env:TEST_HUBSPOT_REFRESH",
        app_id=APP,
    )
    crm = HubspotConnector(config, transport=described(system))
    clock = [0.0] * 9
    crm._access._clock = clock.pop  # type: ignore[union-attr]
    assert (await crm.check()).account == f"app {APP}"
    for now, renewals in ((1_700.0, 1), (1_771.0, 2)):
        clock[:] = [now] * 9
        await crm.check()
        assert [one.url.path for one in system.asked].count("/oauth/v3/token") == renewals
    system.tokens.clear()
    with pytest.raises(AuthFailed, match="INVALID_AUTHENTICATION"):
        await crm.check()
    assert [one.url.path for one in system.asked].count("/oauth/v3/token") == 2


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "one of both"),
        ({"token": "env:A", "refresh_token": "env:B"}, "one of both"),
        ({"refresh_token": "env:B"}, "needs client_id, client_secret and app_id"),
        ({"token": "env:A", "api": "v4"}, "pattern"),
        ({"token": "env:A", "campaign_running": []}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], fault: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValidationError, match=fault):
        HubspotConfig.model_validate(settings, strict=False)


@pytest.mark.parametrize(
    ("area", "rest", "v3", "dated"),
    [
        ("crm", "objects/deals/7", "crm/v3/objects/deals/7", "crm/objects/2026-03/deals/7"),
        ("marketing", "campaigns", "marketing/v3/campaigns", "marketing/campaigns/2026-03"),
        ("account-info", "details", "account-info/v3/details", "account-info/details/2026-03"),
    ],
)
def test_the_version_stands_where_hubspot_has_it(area: str, rest: str, v3: str, dated: str) -> None:
    """Behind the area, or behind what is asked for."""
    config = HubspotConfig(token="env:TEST_HUBSPOT")
    assert config.path(area, rest) == v3
    assert config.model_copy(update={"api": "2026-03"}).path(area, rest) == dated


@pytest.mark.parametrize(
    ("code", "body", "headers", "wait"),
    [
        (429, '{"policyName": "TEN_SECONDLY_ROLLING"}', {}, timedelta(seconds=10)),
        (429, '{"policyName": "SECONDLY"}', {}, timedelta(seconds=1)),
        (429, '{"policyName": "DAILY"}', {}, timedelta(hours=1)),
        (429, '{"policyName": "DAILY"}', {"Retry-After": "7"}, timedelta(seconds=7)),
        (429, "<html>", {}, None),
        (423, "{}", {}, timedelta(seconds=2)),
        (477, "{}", {"Retry-After": "3600"}, timedelta(hours=1)),
    ],
)
async def test_how_long_to_wait(
    code: int, body: str, headers: dict[str, str], wait: timedelta | None
) -> None:
    """By the policy that was exceeded, unless HubSpot says how long."""
    with pytest.raises(RetryLater) as raised:
        await refusing(failing(code, headers, body)).check()
    assert raised.value.after == wait


async def test_what_is_closed_and_what_is_won(crm: HubspotConnector) -> None:
    """From the account's own pipelines; those of others say which pipeline."""
    deals, tickets = await crm.describe("deal"), await crm.describe("ticket")
    assert deals.statuses[-2:] == ("Partners: Contract sent", "Partners: Signed")
    assert (deals.closed[:2], deals.won) == (
        ("Closed won", "Closed lost"),
        ("Closed won", "Partners: Signed"),
    )
    assert (tickets.statuses, tickets.closed) == (("New", "Waiting on us", "Closed"), ("Closed",))
    contacts = await crm.describe("contact")
    assert (contacts.statuses[0], contacts.closed) == ("New", ("Unqualified",))
    assert (await crm.describe("campaign")).closed == ("completed",)


async def test_a_stage_that_nobody_knows_shows_as_it_is(
    crm: HubspotConnector, system: Hubspot
) -> None:
    """As of a pipeline that was deleted; it is asked for once, not with every deal."""
    refs = [system.insert("deals", dealname="D", dealstage="gone") for _ in range(3)]
    assert [(await crm.get("deal", ref)).status for ref in refs] == ["gone"] * 3
    assert [one.url.path for one in system.asked].count("/crm/v3/pipelines/deals") == 1


async def test_a_deal_moves_to_the_pipeline_of_its_stage(
    crm: HubspotConnector, system: Hubspot
) -> None:
    """HubSpot refuses a stage of another pipeline; what stages are called is asked for once."""
    ref = system.insert("deals", dealname="D")
    moved = await crm.transition("deal", ref, "Partners: Signed", key="k")
    assert (moved.status, moved.fields["pipeline"]) == ("Partners: Signed", "4711")
    assert (await crm.transition("deal", ref, "Closed won", key="k")).fields[
        "pipeline"
    ] == "default"
    assert [one.url.path for one in system.asked].count("/crm/v3/pipelines/deals") == 1


async def test_who_changed_a_deal_is_known(crm: HubspotConnector, system: Hubspot) -> None:
    """The app that we are, a user, another app."""
    made = await crm.upsert("deal", "d", {"title": "D", "amount": 13_000.0}, key="k")
    assert (made.actor, made.fields["amount"]) == (f"app {APP}", "13000")
    for by in ("user 7", "app 99"):
        system.change("deals", made.ref, by, dealstage="closedwon")
        assert (await crm.get("deal", made.ref)).actor == by


async def test_what_the_search_shows_late_is_found(crm: HubspotConnector, system: Hubspot) -> None:
    """Its index lags; the overlap looks back, and what is shown is read anew."""
    system.indexing = False
    early = system.insert("deals", dealname="early")
    system._now += timedelta(seconds=30)
    late = system.insert("deals", dealname="late")
    system._index["deals"][late] = dict(system.objects["deals"][late])
    system.change("deals", late, "user 7", dealname="later")
    first = await crm.changes("deal", LONG_AGO)
    assert [(one.ref, one.title) for one in first.items] == [(late, "later")]
    system.index()
    second = await crm.changes("deal", first.cursor)
    assert [one.ref for one in second.items] == [early]


async def test_a_late_index_moves_no_cursor_beyond_what_is_to_come(
    crm: HubspotConnector, system: Hubspot
) -> None:
    """An object that has changed since it was listed is told, but at the time of its listing."""
    refs = [system.insert("deals", dealname=name) for name in ("first", "second")]
    system.indexing = False
    system._now += timedelta(minutes=10)
    system.change("deals", refs[0], "user 7", dealname="changed")
    page = await crm.changes("deal", LONG_AGO, limit=1)
    assert [one.title for one in page.items] == ["changed"]
    rest = await crm.changes("deal", page.cursor, limit=1)
    assert [one.title for one in rest.items] == ["second"]


async def test_a_change_meanwhile_hides_no_other(system: Hubspot) -> None:
    """Who changes goes to the end; what comes after it must not slip onto a page already read."""
    refs = [system.insert("deals", dealname=f"D{n}") for n in range(250)]
    early = iter(refs)

    class Busy(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await system.handle_async_request(request)
            if request.url.path.endswith("/search"):
                system.change("deals", next(early), "user 7", dealname="again")
            return response

    crm = HubspotConnector(HubspotConfig(token="env:TEST_HUBSPOT"), transport=Busy())
    page = await crm.changes("deal", LONG_AGO, limit=1_000)
    assert {one.ref for one in page.items} == set(refs)


async def test_more_than_a_search_shows_is_read(system: Hubspot) -> None:
    """It ends after 10,000; unchecked, for 10,000 answers would be checked one by one."""
    system.indexing = False
    refs = {system.insert("tickets", subject="T") for _ in range(10_150)}
    system.index()
    crm = HubspotConnector(HubspotConfig(token="env:TEST_HUBSPOT"), transport=system)
    page = await crm.changes("ticket", LONG_AGO, limit=20_000)
    assert {one.ref for one in page.items} == refs
    assert not page.more


async def test_more_than_a_search_shows_at_one_moment_is_said(system: Hubspot) -> None:
    """A bulk change can give one time to all of them."""
    system.indexing = False
    for _ in range(10_050):
        system.insert("tickets", subject="T")
    system.index()
    for row in system._index["tickets"].values():
        row["properties"]["hs_lastmodifieddate"] = "2031-03-02T09:00:00.000Z"
    crm = HubspotConnector(HubspotConfig(token="env:TEST_HUBSPOT"), transport=system)
    with pytest.raises(Rejected, match="more than 10,000 tickets changed at 2031-03-02"):
        await crm.changes("ticket", LONG_AGO, limit=20_000)


async def test_a_note_is_text_and_is_cut_where_all_see_it(
    crm: HubspotConnector, system: Hubspot
) -> None:
    """HTML in it is shown, not meant; 9,000 letters are whole; each key once."""
    ref = system.insert("tickets", subject="T")
    for key, text in (("a", "<b>1\n2"), ("b", "x" * 9_000), ("c", '"' * 70_000), ("c", "again")):
        await crm.comment("ticket", ref, text, key=key)
    first, second, third = (one["properties"]["hs_note_body"] for one in system.notes.values())
    assert first.startswith("&lt;b&gt;1<br>2<br><br>[")
    assert second.startswith("x" * 9_000)
    assert len(third) <= 65_536
    assert CUT.strip() in third
    assert len(system.notes) == 3


async def test_a_note_is_found_among_many(crm: HubspotConnector, system: Hubspot) -> None:
    """Page by page; the search would show it too late."""
    ref = system.insert("deals", dealname="D")
    for number in range(205):
        await crm.comment("deal", ref, "seen", key=f"k{number}") if number in (0, 204) else (
            system.notes.update(
                {f"9{number}": {"id": f"9{number}", "properties": {}, "to": ("deals", ref)}}
            )
        )
    await crm.comment("deal", ref, "seen", key="k204")
    assert sum("seen" in str(one["properties"]) for one in system.notes.values()) == 2


async def test_a_new_object_begins_in_the_pipeline_that_settings_name(system: Hubspot) -> None:
    """At its first stage."""
    settings = {"token": "env:TEST_HUBSPOT", "pipelines": {"deal": "4711"}}
    crm = HubspotConnector(HubspotConfig(**settings), transport=described(system))
    made = await crm.upsert("deal", "d", {"title": "D"}, key="k")
    assert made.status == "Contract sent"
    assert made.fields["pipeline"] == "4711"
    gone = HubspotConfig(**{**settings, "pipelines": {"deal": "none"}})
    with pytest.raises(Rejected, match=r"no deal pipeline 'none': set pipelines\.deal"):
        await HubspotConnector(gone, transport=system).upsert("deal", "e", {}, key="k")


async def test_an_unknown_property_is_refused_by_name(crm: HubspotConnector) -> None:
    """HubSpot says which."""
    with pytest.raises(Rejected, match="no_such"):
        await crm.upsert("contact", "c", {"title": "N", "no_such": "x"}, key="k")


async def test_a_name_in_other_letters_is_another_name(
    crm: HubspotConnector, system: Hubspot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where HubSpot should take one for the other, nothing is written."""
    ref = system.insert("contacts", lastname="N", **{EXTERNAL_ID: "SLUICE-1"})
    monkeypatch.setattr(system, "_by", lambda *asked: ref)
    with pytest.raises(Rejected, match="must differ by more than the case"):
        await crm.upsert("contact", "sluice-1", {"title": "x"}, key="k")
    assert system.objects["contacts"][ref]["properties"]["lastname"] == "N"


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()))
def test_every_value_is_written_as_text(value: Scalar) -> None:
    """And numbers as they would be read back."""
    text = written(value)
    assert isinstance(text, str)
    if isinstance(value, float):
        assert float(text) == value


def test_a_batch_of_events_is_as_many_hints(crm: HubspotConnector) -> None:
    """Of both forms; what concerns other objects is passed over; a repeat has the same name."""
    old = {"eventId": 1, "subscriptionType": "deal.propertyChange", "objectId": 7}
    new = {
        "eventId": 1,
        "subscriptionType": "object.creation",
        "objectTypeId": "0-5",
        "objectId": 8,
    }
    other = {"eventId": 3, "subscriptionType": "company.creation", "objectId": 9}
    events = [{**old, "attemptNumber": 0}, new, other, {**old, "attemptNumber": 2}]
    hints = crm.verify(webhook(NOW, *events), now=NOW)
    assert [(one.kind, one.ref) for one in hints] == [("deal", "7"), ("ticket", "8"), ("deal", "7")]
    assert hints[0].delivery == hints[2].delivery != hints[1].delivery
    assert len(crm.verify(webhook(NOW, *([old] * 100)), now=NOW)) == 100


@pytest.mark.parametrize("event", ["text", 7, None, [], {"objectId": 7}])
def test_what_is_no_list_of_events_is_refused(crm: HubspotConnector, event: object) -> None:
    """Even when it is signed."""
    with pytest.raises(Rejected, match="no list of events"):
        crm.verify(webhook(NOW, event), now=NOW)  # type: ignore[arg-type]


def test_two_secrets_count_while_one_is_changed(
    crm: HubspotConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one and the old one, so that no delivery is lost."""
    event = {"subscriptionType": "deal.creation", "objectId": 7}
    for secrets, fits in ((f"brand-new {SECRET}", True), ("brand-new", False)):
        monkeypatch.setenv("TEST_HUBSPOT_APP", secrets)
        changed = HubspotConnector(crm._config)
        if fits:
            assert changed.verify(webhook(NOW, event), now=NOW)
        else:
            with pytest.raises(Rejected, match="hubspot-v3 signature"):
                changed.verify(webhook(NOW, event), now=NOW)


def test_without_the_apps_secret_nothing_is_believed() -> None:
    """And the words say what to set."""
    crm = HubspotConnector(HubspotConfig(token="env:TEST_HUBSPOT"))
    with pytest.raises(Unsupported, match="set client_secret"):
        crm.verify(Webhook(headers={}, body=b"[]"), now=NOW)


async def test_a_campaign_is_only_labelled(crm: HubspotConnector, system: Hubspot) -> None:
    """By id or by its whole name; whatever it shows, nobody may call it enforced."""
    ref = system.campaign("Spring", "in_progress")
    system.campaign("Spring 2")
    held = await crm.hold("Spring", key="k")
    assert (held.state, held.share, held.level) == ("held", 0.0, "advisory")
    assert system.campaigns[ref]["properties"]["hs_campaign_status"] == "paused"
    with pytest.raises(Unsupported, match="stays held while only 10%"):
        await crm.throttle(ref, 0.1, key="k")
    released = await crm.release(ref, 1.0, key="k")
    assert (released.state, released.level) == ("released", "advisory")
    assert system.campaigns[ref]["properties"]["hs_campaign_status"] == "active"
    system.campaign("Spring")
    with pytest.raises(Rejected, match="write the id instead"):
        await crm.hold("Spring", key="k")


async def test_a_campaign_that_does_not_run_stays_as_it_is(
    crm: HubspotConnector, system: Hubspot
) -> None:
    """Planned is held enough, and completed stays completed."""
    ref = system.campaign("Old", "completed")
    assert (await crm.hold("Old", key="k")).state == "held"
    assert system.campaigns[ref]["properties"]["hs_campaign_status"] == "completed"


async def test_campaigns_are_objects_too(crm: HubspotConnector, system: Hubspot) -> None:
    """They are read, moved, and listed by change; they have no field for a name of ours."""
    refs = [system.campaign(f"C{number:03}") for number in range(130)]
    page = await crm.changes("campaign", LONG_AGO, limit=100)
    assert [one.ref for one in page.items] == refs[:100]
    rest = await crm.changes("campaign", page.cursor, limit=100)
    assert [one.ref for one in rest.items] == refs[100:]
    moved = await crm.transition("campaign", refs[3], "completed", key="k")
    assert (moved.title, moved.status) == ("C003", "completed")
    with pytest.raises(Rejected, match="allowed options"):
        await crm.transition("campaign", refs[3], "no-such", key="k")
    with pytest.raises(NotFound, match="UUIDs"):
        await crm.get("campaign", "C003")
    with pytest.raises(Unsupported, match="no field for it"):
        await crm.upsert("campaign", "x", {}, key="k")
