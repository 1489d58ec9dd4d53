"""Closed tickets, late searches, locks to the second, rules of the house: Zendesk as it is."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance import faults
from connectors.cursor import cursor_from
from connectors.failures import AuthFailed, Conflict, NotFound, Rejected, RetryLater
from connectors.zendesk.connector import ZendeskConnector
from connectors.zendesk.settings import ZendeskConfig
from tests.simulators.openapi import Described
from tests.simulators.zendesk import AGENT, TEAM, TOKEN, US, USER, Ticket, Zendesk
from tests.simulators.zendesk_described import zendesk

Connect = Callable[..., ZendeskConnector]
A_MINUTE = timedelta(seconds=61)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DESK", TOKEN)


def connected(transport: httpx.AsyncBaseTransport, **settings: object) -> ZendeskConnector:
    """Connects, with more settings."""
    named = {"url": "https://desk.test/", "user": USER, "token": "env:TEST_DESK", **settings}
    config = ZendeskConfig.model_validate(named, strict=False)
    return ZendeskConnector(config, transport=transport)


@pytest.fixture
def account() -> Zendesk:
    """An account."""
    return Zendesk()


@pytest.fixture
def connect(account: Zendesk) -> Connect:
    """Connects to it by its own description."""
    return lambda **settings: connected(Described(account, zendesk()), **settings)


async def made(connector: ZendeskConnector, name: str = "n", title: str = "t") -> str:
    """Makes a ticket and returns its number."""
    return (await connector.upsert("ticket", name, {"title": title}, key="k")).ref


async def closed(connector: ZendeskConnector, name: str = "n") -> str:
    """Makes a ticket and closes it."""
    ref = await made(connector, name)
    return (await connector.transition("ticket", ref, "closed", key="k")).ref


async def test_a_closed_ticket_is_refused_in_clear_words(connect: Connect) -> None:
    """Nobody can open it again: not by a field, a status or a comment."""
    connector = connect()
    ref = await closed(connector)
    words = f"ticket {ref} is closed, and .* follow_up: true"
    with pytest.raises(Rejected, match=words):
        await connector.upsert("ticket", "n", {"title": "another"}, key="k2")
    with pytest.raises(Rejected, match=words):
        await connector.transition("ticket", ref, "open", key="k2")
    with pytest.raises(Rejected, match=words):
        await connector.comment("ticket", ref, "but", key="k2")


async def test_a_closed_ticket_is_followed_up_where_the_settings_say(
    account: Zendesk, connect: Connect
) -> None:
    """The new one refers to the old one, has its name, and is found from then on."""
    connector = connect(follow_up=True)
    ref = await closed(connector)
    for _ in range(2):
        shown = await connector.upsert("ticket", "n", {"title": "again", "text": "why"}, key="k")
    assert shown.ref != ref
    assert account.tickets[int(shown.ref)]["via"]["source"]["from"] == {"ticket_id": int(ref)}
    found = await connector.find("ticket", "n")
    assert found is not None
    assert found.ref == shown.ref
    assert len(account.tickets) == 2


async def test_what_happens_to_a_closed_ticket_happens_to_its_follow_up(
    account: Zendesk, connect: Connect
) -> None:
    """Said, written and moved by who only knows the closed one: there is one follow-up."""
    connector = connect(follow_up=True)
    ref = await closed(connector)
    seen = await connector.get("ticket", ref)
    for _ in range(2):
        await connector.comment("ticket", ref, "it is blocked again", key="gate/7")
    moved = await connector.transition("ticket", ref, "open", key="k2", expect=seen.version)
    assert (moved.status, moved.title) == ("open", "t")
    shown = await connector.upsert("ticket", "n", {"title": "u"}, key="k3", expect=seen.version)
    assert shown.ref == moved.ref
    assert account.comments(int(moved.ref)) == ["it is blocked again\n\n[gate/7]"]
    assert account.tickets[int(ref)]["status"] == "closed"
    assert len(account.tickets) == 2


async def test_tickets_that_are_not_ours_are_not_followed_up(
    account: Zendesk, connect: Connect
) -> None:
    """They have no name of ours, by which a follow-up would be found again."""
    connector = connect(follow_up=True)
    ref = await made(connector)
    account.write(int(ref), external_id=None, status="closed")
    with pytest.raises(Rejected, match=f"ticket {ref} is closed"):
        await connector.transition("ticket", ref, "open", key="k")


async def test_an_archived_ticket_is_found_by_the_search(
    account: Zendesk, connect: Connect
) -> None:
    """Lists leave it out; made again it would be there twice."""
    connector = connect()
    ref = await closed(connector)
    account.archived.add(int(ref))
    account.clock.move(timedelta(days=120))
    with pytest.raises(Rejected, match="is closed"):
        await connector.upsert("ticket", "n", {"title": "another"}, key="k2")
    assert len(account.tickets) == 1


async def test_two_who_make_the_same_ticket_at_once_make_one(
    account: Zendesk, connect: Connect
) -> None:
    """Neither finds it; the idempotency key is the same, and another's for another name."""
    connector = connect()
    first = await made(connector)
    account.archived.add(int(first))  # as for who asked before it was there
    assert await made(connector) == first
    assert await made(connector, name="m") != first


async def test_a_change_in_between_is_not_overwritten(account: Zendesk) -> None:
    """Read, changed by somebody else, written: the lock holds and shows what is there now."""
    numbers = itertools.count(1)

    class Meddling(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PUT":
                account.clock.move(timedelta(seconds=2))
                account.write(1, subject=f"theirs, {next(numbers)}")
            return await account.handle_async_request(request)

    connector = connected(Described(Meddling(), zendesk()))
    seen = await connector.upsert("ticket", "n", {"title": "t"}, key="k")
    with pytest.raises(Conflict) as raised:
        await connector.upsert("ticket", "n", {"title": "ours"}, key="k2", expect=seen.version)
    assert raised.value.current is not None
    assert (raised.value.current.title, raised.value.current.actor) == ("theirs, 1", str(AGENT))
    with pytest.raises(Conflict):
        await connector.transition(
            "ticket", "1", "open", key="k", expect=raised.value.current.version
        )


async def test_a_move_by_who_has_not_seen_the_last_change(
    account: Zendesk, connect: Connect
) -> None:
    """Within the same second too: what is read before counts, the lock is only the second guard."""
    connector = connect()
    ref = await made(connector)
    seen = await connector.get("ticket", ref)
    account.write(int(ref), subject="theirs")
    with pytest.raises(Conflict):
        await connector.transition("ticket", ref, "open", key="k", expect=seen.version)
    assert account.tickets[int(ref)]["status"] == "new"


async def test_of_two_closed_tickets_the_later_one_stands(
    account: Zendesk, connect: Connect
) -> None:
    """And a name in other letters is another name, whatever is listed for it."""
    connector = connect(follow_up=True)
    first = await closed(connector)
    second = (await connector.transition("ticket", first, "solved", key="k")).ref
    await connector.transition("ticket", second, "closed", key="k")
    found = await connector.find("ticket", "n")
    assert found is not None
    assert (found.ref, found.status) == (second, "closed")
    account.clock.move(timedelta(hours=1))
    assert await connector.find("ticket", "N") is None


async def test_what_a_trigger_does_not_keep_is_refused(account: Zendesk, connect: Connect) -> None:
    """Written, answered with 200, and not there."""

    def always_high(ticket: Ticket) -> None:
        ticket["priority"] = "high"

    account.rule = always_high
    for priority in ("urgent", "low"):  # made so, and changed back to it
        with pytest.raises(Rejected, match=f"priority of ticket 1 as 'high' after '{priority}'"):
            await connect().upsert("ticket", "n", {"title": "t", "priority": priority}, key="k")


async def test_new_is_never_reached_again(connect: Connect) -> None:
    """Zendesk answers 200 and stays where it is."""
    connector = connect()
    ref = await made(connector)
    await connector.transition("ticket", ref, "open", key="k")
    with pytest.raises(Rejected, match="as 'open' after it was moved to 'new'"):
        await connector.transition("ticket", ref, "new", key="k")


async def test_what_nobody_has_cannot_be_solved(account: Zendesk, connect: Connect) -> None:
    """It says so, and the settings can name who has it then."""
    account.assigns = False
    ref = await made(connect())
    with pytest.raises(Rejected, match="Assignee: is required when solving"):
        await connect().transition("ticket", ref, "solved", key="k")
    along = connect(along={"solved": {"assignee_id": AGENT}})
    moved = await along.transition("ticket", ref, "solved", key="k")
    assert moved.fields["assignee_id"] == AGENT


@pytest.mark.parametrize("public", [False, True])
async def test_who_sees_our_comments(account: Zendesk, connect: Connect, public: bool) -> None:
    """Those who work on it, or whoever asked too: the first one and all others."""
    connector = connect(public=public)
    ref = await made(connector)
    await connector.comment("ticket", ref, "cleared", key="k")
    assert account.is_public(int(ref)) == [public, public]


async def test_a_comment_is_found_behind_many_others(account: Zendesk, connect: Connect) -> None:
    """A page has a hundred; the last to change it is at the end of the audits."""
    connector = connect()
    ref = await made(connector)
    await connector.comment("ticket", ref, "cleared", key="gate/7")
    for number in range(150):
        account._save(account.tickets[int(ref)], {}, {"body": f"{number}", "public": True}, AGENT)
    await connector.comment("ticket", ref, "cleared", key="gate/7")
    assert [one for one in account.comments(int(ref)) if "[gate/7]" in one] == [
        "cleared\n\n[gate/7]"
    ]
    assert (await connector.get("ticket", ref)).actor == str(AGENT)
    await connector.comment("ticket", ref, "and gone", key="gate/8")
    assert (await connector.get("ticket", ref)).actor == USER


async def test_long_comments(account: Zendesk, connect: Connect) -> None:
    """9,000 letters stay whole; 20,000 are cut so that it shows, and found again."""
    connector = connect()
    ref = await made(connector)
    await connector.comment("ticket", ref, "x" * 9_000, key="a")
    for _ in range(2):
        await connector.comment("ticket", ref, "y" * 20_000, key="b")
    _, whole, short = account.comments(int(ref))
    assert whole == "x" * 9_000 + "\n\n[a]"
    assert short.endswith("longer than this system takes]\n\n[b]")


async def test_fields_and_statuses_are_the_accounts_own(connect: Connect) -> None:
    """On hold is there because the account has it; what is no longer used is left out."""
    schema = await connect().describe("ticket")
    assert schema.statuses == ("new", "open", "pending", "hold", "solved", "closed")
    assert schema.closed == ("solved", "closed")
    assert set(schema.fields) == {"subject", "priority", "assignee_id", f"custom_field_{TEAM}"}
    assert schema.fields["priority"].choices == ("urgent", "high", "normal", "low")
    assert schema.moves["solved"] == ("open", "pending", "hold", "closed")
    assert "closed" not in schema.moves


async def test_custom_fields(account: Zendesk, connect: Connect) -> None:
    """Written as a list of numbers, read by name, left alone where nothing differs."""
    name, connector = f"custom_field_{TEAM}", connect()
    shown = await connector.upsert("ticket", "n", {"title": "t", name: "KYC"}, key="k")
    assert shown.fields[name] == "KYC"
    again = await connector.upsert("ticket", "n", {name: "KYC"}, key="k")
    assert again.version == shown.version


async def test_a_number_that_is_written_as_a_text(connect: Connect) -> None:
    """As mappings write it: it is the same number, and stays in step."""
    connector = connect()
    shown = await connector.upsert("ticket", "n", {"title": "t", "assignee_id": "901"}, key="k")
    assert shown.fields["assignee_id"] == AGENT
    again = await connector.upsert("ticket", "n", {"assignee_id": "901"}, key="k")
    assert again.version == shown.version


async def test_a_field_that_no_ticket_has(connect: Connect) -> None:
    """Zendesk would leave it out without a word."""
    with pytest.raises(Rejected, match="no field 'subjet' that can be written: there are subject"):
        await connect().upsert("ticket", "n", {"subjet": "t"}, key="k")


@pytest.mark.parametrize("ref", ["", "..", "1/../2", "١", "x"])
async def test_what_is_no_number_is_no_ticket(connect: Connect, ref: str) -> None:
    """And leads to no other path."""
    with pytest.raises(NotFound, match="is no number of a ticket"):
        await connect().get("ticket", ref)


async def test_names_that_a_search_cannot_hold(connect: Connect) -> None:
    """They would end the quotation."""
    with pytest.raises(Rejected, match="cannot be asked for"):
        await connect().find("ticket", 'a" status:open "')


async def test_a_poll_that_begins_this_very_second(account: Zendesk, connect: Connect) -> None:
    """The export refuses to begin less than a minute ago, so it is asked from further back."""
    connector = connect()
    page = await connector.changes("ticket", cursor_from(datetime.now(UTC)))
    assert page.items == ()
    ref = await made(connector)
    account.clock.move(A_MINUTE)
    page = await connector.changes("ticket", page.cursor)
    assert [one.ref for one in page.items] == [ref]


@given(
    bursts=st.lists(st.lists(st.integers(1, 6), max_size=8), max_size=6), limit=st.integers(1, 4)
)
async def test_the_last_of_every_ticket_is_told(bursts: list[list[int]], limit: int) -> None:
    """However changes and polls fall together, in the end everything is known, nothing twice."""
    account = Zendesk()
    connector = connected(account)
    for number in range(1, 7):
        await made(connector, name=f"n{number}")
    told: list[tuple[str, str]] = []
    cursor = cursor_from(datetime.now(UTC) - timedelta(hours=1))
    for number, burst in enumerate([*bursts, []]):
        for ref in burst:
            account.write(ref, subject=f"{number}")
        account.clock.move(A_MINUTE)
        more = True
        while more:
            page = await connector.changes("ticket", cursor, limit=limit)
            assert len(page.items) <= limit
            told += [(one.ref, one.version) for one in page.items]
            cursor, more = page.cursor, page.more
    assert len(told) == len(set(told))
    for ref in map(str, account.tickets):
        shown = await connector.get("ticket", ref)
        assert [version for told_ref, version in told if told_ref == ref][-1] == shown.version


async def test_what_a_role_may_not_do(account: Zendesk, connect: Connect) -> None:
    """An agent cannot export; an end user cannot do anything here."""
    account.role = "agent"
    assert (await connect().check()).missing == ("read the incremental export: role admin",)
    account.role = "end-user"
    assert len((await connect().check()).missing) == 2


async def test_an_oauth_token(account: Zendesk) -> None:
    """Without a user the token is a bearer's."""
    health = await connected(account, user="").check()
    assert health.account == USER
    assert (
        await connected(account, user="").upsert("ticket", "n", {"title": "t"}, key="k")
    ).actor == USER


async def test_nobody_at_all() -> None:
    """The account answers 200 and takes us for an anonymous user."""
    anonymous = faults.Answering(lambda _: httpx.Response(200, json={"user": {"id": None}}))
    with pytest.raises(AuthFailed, match="anonymous user; check user and token"):
        await connected(anonymous).check()


async def test_a_limit_that_only_says_when_it_is_reset() -> None:
    """In seconds from now."""
    with pytest.raises(RetryLater) as raised:
        await connected(faults.failing(429, {"ratelimit-reset": "41"})).check()
    assert raised.value.after == timedelta(seconds=41)


async def test_our_writes_and_others(account: Zendesk, connect: Connect) -> None:
    """Who changed it last is what the check calls us, or another's number."""
    connector = connect()
    ref = await made(connector)
    assert (await connector.get("ticket", ref)).actor == (await connector.check()).account
    account.write(int(ref), subject="theirs")
    assert (await connector.get("ticket", ref)).actor == str(AGENT)
    assert account.tickets[int(ref)]["requester_id"] == US
