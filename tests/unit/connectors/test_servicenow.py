"""What ServiceNow does without a word: leaves out, cuts, keeps, hides. The connector notices."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance import faults
from connectors.cursor import cursor_from
from connectors.failures import AuthFailed, NotFound, Rejected, RetryLater
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.query import condition, query
from connectors.servicenow.settings import ServiceNowConfig
from tests.simulators.openapi import Described, Description
from tests.simulators.servicenow import CLIENT, CLIENT_SECRET, PASSWORD, TIME, USER, ServiceNow
from tests.simulators.servicenow_description import TABLE_API
from tests.simulators.servicenow_tables import STATES

Connect = Callable[..., ServiceNowConnector]


@pytest.fixture
def instance() -> ServiceNow:
    """An instance."""
    return ServiceNow()


@pytest.fixture
def connect(instance: ServiceNow, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Connects to it, or to what stands before it, with more settings."""
    monkeypatch.setenv("TEST_NOW", PASSWORD)

    def connected(
        transport: httpx.AsyncBaseTransport | None = None, **settings: object
    ) -> ServiceNowConnector:
        config = ServiceNowConfig.model_validate(
            {"url": "https://now.test/", "user": USER, "password": "env:TEST_NOW", **settings},
            strict=False,
        )
        return ServiceNowConnector(config, transport=transport or instance)

    return connected


@given(st.text())
def test_a_value_stays_a_value(value: str) -> None:
    """Nothing from outside adds a condition or runs as a script."""
    try:
        asked = query(condition("correlation_id", "=", value), order=("sys_id",))
    except Rejected:
        return
    first, *others = asked.split("^")
    assert first == f"correlation_id={value}"
    assert others == ["ORDERBYsys_id"]
    assert not value.lower().lstrip().startswith("javascript:")


@pytest.mark.parametrize("name", ["a^ORsys_idISNOTEMPTY", "javascript:gs.log(1)", " JavaScript:x"])
async def test_names_that_a_query_would_not_take_literally(connect: Connect, name: str) -> None:
    """They are refused, not asked for."""
    with pytest.raises(Rejected, match="would not be taken literally"):
        await connect().find("incident", name)


async def test_a_query_that_finds_too_much_makes_nobody_elses_row_ours(
    instance: ServiceNow, connect: Connect
) -> None:
    """Where an instance leaves out a condition, it finds everything."""
    connector = connect()
    await connector.upsert("incident", "ours", {"title": "ours"}, key="k")
    for row in instance.rows["incident"].values():
        del row["correlation_id"]
    assert await connector.find("incident", "another") is None


async def test_short_pages_are_not_the_end(instance: ServiceNow, connect: Connect) -> None:
    """Rows that we may not read leave gaps; behind them everything is still found, once."""
    connector = connect()
    made = [
        (await connector.upsert("incident", f"no-{n}", {"title": str(n)}, key="k")).ref
        for n in range(230)
    ]
    instance.hidden = set(made[:110]) | set(made[120:200:2])
    seen: list[str] = []
    cursor, more = cursor_from(datetime.now(UTC) - timedelta(hours=1)), True
    while more:
        page = await connector.changes("incident", cursor, limit=70)
        seen += [one.ref for one in page.items]
        cursor, more = page.cursor, page.more
    assert sorted(seen) == sorted(set(made) - instance.hidden)


async def test_a_row_that_changes_between_two_pages_hides_no_other(
    instance: ServiceNow, connect: Connect
) -> None:
    """It moves to the end, and all behind it move up."""
    start = datetime.now(UTC) - timedelta(hours=1)
    for number in range(250):
        at = (start + timedelta(seconds=number)).strftime(TIME)
        row = {"sys_id": f"{number:032}", "sys_updated_on": at, "sys_mod_count": "0", "state": "1"}
        instance.put("incident", row)

    class Busy(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await instance.handle_async_request(request)
            if "sys_updated_on" in request.url.params.get("sysparm_query", ""):
                first = instance.rows["incident"].pop(response.json()["result"][0]["sys_id"])
                now = datetime.now(UTC).strftime(TIME)
                instance.put("incident", {**first, "sys_updated_on": now, "sys_mod_count": "1"})
            return response

    page = await connect(Busy()).changes("incident", cursor_from(start), limit=1000)
    assert {one.ref for one in page.items} == set(instance.rows["incident"])


async def test_what_a_rule_does_not_keep_is_refused(connect: Connect) -> None:
    """Written, answered with 200, and not there: nobody may believe it."""
    with pytest.raises(
        Rejected, match=r"priority of incident [0-9a-f]{32} as '' after '1' was written"
    ):
        await connect().upsert("incident", "n", {"title": "t", "priority": 1}, key="k")


async def test_where_names_are_not_kept_nothing_is_made_twice(
    instance: ServiceNow, connect: Connect
) -> None:
    """Made once, it cannot be found again: the next try would make another, and so on."""
    instance.read_only.add("correlation_id")
    connector = connect()
    for _ in range(3):
        with pytest.raises(Rejected, match="keeps no name of ours in incident"):
            await connector.upsert("incident", "n", {"title": "t"}, key="k")
    assert len(instance.rows["incident"]) == 1


async def test_a_table_without_the_field_for_names_is_refused_before_anything_is_made(
    instance: ServiceNow, connect: Connect
) -> None:
    """The dictionary tells."""
    entries = instance.rows["sys_dictionary"]
    for sys_id in [k for k, one in entries.items() if one["element"] == "correlation_id"]:
        del entries[sys_id]
    with pytest.raises(Rejected, match="must have the field correlation_id"):
        await connect().upsert("incident", "n", {"title": "t"}, key="k")
    assert not instance.rows["incident"]


async def test_a_long_title_is_cut_and_stays_in_step(
    instance: ServiceNow, connect: Connect
) -> None:
    """160 letters are kept; the cut shows, and the same title again changes nothing."""
    connector = connect()
    made = await connector.upsert("incident", "n", {"title": "T" * 500, "text": "x"}, key="k")
    assert made.title == "T" * 159 + "…"
    again = await connector.upsert("incident", "n", {"title": "T" * 500, "text": "x"}, key="k")
    assert again.version == made.version


async def test_a_long_text_is_cut_so_that_it_shows(connect: Connect) -> None:
    """A description keeps 4,000 letters."""
    made = await connect().upsert("incident", "n", {"title": "t", "text": "x" * 9000}, key="k")
    assert len(made.fields["description"]) == 4000
    assert made.fields["description"].endswith("longer than this system takes]")


async def test_a_long_comment_is_found_again(instance: ServiceNow, connect: Connect) -> None:
    """Cut, it still carries its key, so it is added once."""
    connector = connect()
    made = await connector.upsert("incident", "n", {"title": "t"}, key="k")
    for _ in range(3):
        await connector.comment("incident", made.ref, "long " * 1800, key="gate/7")
    notes = list(instance.rows["sys_journal_field"].values())
    assert [one["value"][-8:] for one in notes] == ["[gate/7]"]
    assert len(notes[0]["value"]) == 4000


@pytest.mark.parametrize("notes", ["work_notes", "comments"])
async def test_comments_go_where_the_settings_say(
    instance: ServiceNow, connect: Connect, notes: str
) -> None:
    """To those who work on it, or to who asked for it."""
    connector = connect(notes=notes)
    made = await connector.upsert("incident", "n", {"title": "t"}, key="k")
    await connector.comment("incident", made.ref, "cleared", key="k")
    assert [one["element"] for one in instance.rows["sys_journal_field"].values()] == [notes]


async def test_without_the_journal_nothing_is_commented(
    instance: ServiceNow, connect: Connect
) -> None:
    """Who cannot see whether it is there would add it for ever; the check says so before."""
    connector = connect()
    made = await connector.upsert("incident", "n", {"title": "t"}, key="k")
    instance.forbidden = {"sys_journal_field"}
    with pytest.raises(Rejected, match="403"):
        await connector.comment("incident", made.ref, "cleared", key="k")
    assert not instance.rows["sys_journal_field"]
    assert (await connector.check()).missing == ("read sys_journal_field",)


async def test_a_comment_that_is_not_kept_is_refused(
    instance: ServiceNow, connect: Connect
) -> None:
    """Answered with 200, and not in the journal."""
    connector = connect()
    made = await connector.upsert("incident", "n", {"title": "t"}, key="k")
    instance.read_only.add("work_notes")
    with pytest.raises(Rejected, match=r"does not show the note .* must write work_notes and read"):
        await connector.comment("incident", made.ref, "cleared", key="k")


async def test_a_closed_incident_is_kept_and_the_words_say_so(connect: Connect) -> None:
    """It answers 200 and shows what it was."""
    connector = connect()
    made = await connector.upsert("incident", "n", {"title": "t"}, key="k")
    await connector.transition("incident", made.ref, "Closed", key="k")
    with pytest.raises(Rejected, match=r"INC\d+ as 'Closed' after it was moved to 'New'"):
        await connector.transition("incident", made.ref, "New", key="k")


async def test_fields_go_along_with_a_state(instance: ServiceNow, connect: Connect) -> None:
    """A data policy asks for them; without them it says which."""
    instance.data_policy = ("close_code", "close_notes")
    made = await connect().upsert("incident", "n", {"title": "t"}, key="k")
    with pytest.raises(Rejected, match="mandatory: close_code, close_notes"):
        await connect().transition("incident", made.ref, "Resolved", key="k")
    along = {"Resolved": {"close_code": "Solution provided", "close_notes": "cleared"}}
    moved = await connect(along=along).transition("incident", made.ref, "Resolved", key="k")
    assert moved.fields["close_notes"] == "cleared"


async def test_a_table_without_states_of_its_own_has_those_that_it_extends(
    instance: ServiceNow, connect: Connect
) -> None:
    """Incident extends task; and the settings count before both."""
    choices = instance.rows["sys_choice"]
    for sys_id in [one["sys_id"] for one in choices.values() if one["name"] == "incident"]:
        del choices[sys_id]
    assert (await connect().describe("incident")).statuses == ("Pending", "Open", "Closed Complete")
    named = connect(states={"Neu": "1", "Gelöst": "6"}, closed=("Gelöst",))
    schema = await named.describe("incident")
    assert (schema.statuses, schema.closed) == (("Neu", "Gelöst"), ("Gelöst",))


async def test_a_state_that_was_added_meanwhile(instance: ServiceNow, connect: Connect) -> None:
    """A connection lives long; what it does not know it asks for again."""
    connector = connect()
    made = await connector.upsert("incident", "n", {"title": "t"}, key="k")
    choice = {"name": "incident", "element": "state", "value": "11", "label": "Parked"}
    instance.put("sys_choice", {**choice, "sys_id": "0", "language": "en", "inactive": "false"})
    assert "Parked" in (await connector.describe("incident")).statuses
    choice = {**choice, "value": "12", "label": "Waiting"}
    instance.put("sys_choice", {**choice, "sys_id": "1", "language": "en", "inactive": "false"})
    moved = await connector.transition("incident", made.ref, "Waiting", key="k")
    assert moved.status == "Waiting"


async def test_an_unknown_state_is_refused_with_those_that_there_are(connect: Connect) -> None:
    """So that whoever maps them sees the right words."""
    made = await connect().upsert("incident", "n", {"title": "t"}, key="k")
    with pytest.raises(Rejected, match="no state 'Done' here; it has New, In Progress"):
        await connect().transition("incident", made.ref, "Done", key="k")


async def test_fields_are_described_as_the_dictionary_has_them(
    instance: ServiceNow, connect: Connect
) -> None:
    """Those of task too, where incident says nothing else."""
    own = {"name": "incident", "element": "description", "column_label": "Own words"}
    instance.put("sys_dictionary", {"sys_id": "0", "active": "true", "max_length": "9", **own})
    schema = await connect().describe("incident")
    fields = schema.fields
    assert schema.statuses == tuple(STATES)
    assert fields["description"].title == "Own words"
    assert fields["short_description"].required
    assert fields["impact"].type == "choice"
    assert not fields["priority"].writable


async def test_only_the_tables_of_the_settings_are_there(connect: Connect) -> None:
    """Which tables an instance has, the connector cannot know."""
    connector = connect(tables=("change_request", "incident"))
    assert connector.manifest.kinds == ("change_request", "incident")
    with pytest.raises(Rejected, match="no 'problem' here, only change_request, incident"):
        await connector.get("problem", "1")


@pytest.mark.parametrize("ref", ["INC0000045", "", "..", "a/b", "١" * 32])
async def test_a_number_is_no_reference(connect: Connect, ref: str) -> None:
    """News of a row names its sys_id only; the words say where people find it."""
    with pytest.raises(NotFound, match=r"is no sys_id of a row in incident; .* copies it"):
        await connect().get("incident", ref)


async def test_names_longer_than_the_field_are_refused(connect: Connect) -> None:
    """Cut, they would be another's."""
    with pytest.raises(Rejected, match="keeps 100 letters"):
        await connect().upsert("incident", "n" * 101, {"title": "t"}, key="k")


async def test_a_limit_that_only_says_when_it_ends(connect: Connect) -> None:
    """In seconds since 1970."""
    soon = str(int((datetime.now(UTC) + timedelta(minutes=10)).timestamp()))
    limited = faults.failing(429, {"X-RateLimit-Reset": soon})
    with pytest.raises(RetryLater) as raised:
        await connect(limited).check()
    assert raised.value.after is not None
    assert timedelta(minutes=9) < raised.value.after <= timedelta(minutes=10)


async def test_a_sleeping_instance(connect: Connect) -> None:
    """It answers 200 with a page."""
    with pytest.raises(RetryLater, match="is the instance awake"):
        await connect(faults.failing(200, body="<html>Hibernating</html>")).describe("incident")


@pytest.mark.parametrize(
    "settings",
    [
        {"user": "", "password": None},
        {"client_id": "id", "client_secret": "env:S"},
        {"client_id": "id"},
        {"password": None},
    ],
)
async def test_one_way_to_say_who_we_are(connect: Connect, settings: dict[str, object]) -> None:
    """Neither none nor two."""
    with pytest.raises(ValueError, match="write user and password, or client_id"):
        connect(**settings)


async def test_a_client_gets_a_token(
    instance: ServiceNow, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of a user's password."""
    monkeypatch.setenv("TEST_CLIENT", CLIENT_SECRET)
    client = {"user": "", "password": None, "client_id": CLIENT, "client_secret": "env:TEST_CLIENT"}
    described = Described(instance, Description(TABLE_API))
    assert (await connect(described, **client).check()).account == USER
    monkeypatch.setenv("TEST_CLIENT", "wrong-cl13nt")
    with pytest.raises(AuthFailed, match="gives us no token") as raised:
        await connect(**client).check()
    assert "wrong-cl13nt" not in str(raised.value)
