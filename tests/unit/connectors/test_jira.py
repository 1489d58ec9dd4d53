"""What is special about Jira Cloud: a late index, transitions, limits, refused logins."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from connectors.conformance.faults import LosingReplies
from connectors.cursor import cursor_from
from connectors.failures import AuthFailed, ConnectorError, NotFound, Rejected, RetryLater
from connectors.jira.adf import document
from connectors.jira.connector import JiraConnector
from connectors.jira.settings import RIGHTS, JiraConfig
from connectors.texts import CUT
from tests.simulators.jira import JiraSite
from tests.simulators.jira_content import EMAIL, NAME_FIELD, PROJECT, SITE, SIZE_FIELD, TOKEN
from tests.simulators.jira_described import described

HOOK = "s3cret-of-the-hook"
NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_JIRA", TOKEN)
    monkeypatch.setenv("TEST_JIRA_HOOK", f"{HOOK} the-old-one")


def connected(site: httpx.AsyncBaseTransport, **settings: str) -> JiraConnector:
    """A connection to a simulated site."""
    config = JiraConfig.model_validate(
        {
            "url": SITE,
            "email": EMAIL,
            "token": "env:TEST_JIRA",
            "project": PROJECT,
            "webhook_secret": "env:TEST_JIRA_HOOK",
            **settings,
        }
    )
    return JiraConnector(config, transport=site)


def on(site: JiraSite, **settings: str) -> JiraConnector:
    """A connection on which everything is checked by the vendor's description."""
    return connected(described(site), **settings)


@pytest.mark.parametrize("external_id", ["labels", NAME_FIELD])
async def test_a_lost_answer_makes_no_second_issue_while_the_index_is_late(
    external_id: str,
) -> None:
    """Also when many others were made since, and the index knows none of them."""
    site = JiraSite(lag=1000)
    losing = connected(LosingReplies(described(site)), external_id=external_id)
    other = on(site, external_id=external_id)
    with pytest.raises(RetryLater):
        await losing.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    for _ in range(123):
        site.make({"summary": "more"})
    again = await other.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    assert again.ref == f"{PROJECT}-1"
    assert await other.find("issue", "sluice-200") is None


async def test_what_the_index_has_wrong_is_read_again() -> None:
    """A deleted issue is none, and an old state is not the present one."""
    site = JiraSite()
    jira = on(site)
    made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    site.index.lag = 1000
    site.change(made.ref, title="changed by a person")
    found = await jira.find("issue", "sluice-1")
    assert found is not None
    assert found.title == "changed by a person"
    site.delete(made.ref)
    assert await jira.find("issue", "sluice-1") is None


async def test_an_issue_that_was_moved_to_another_project_is_none_of_ours() -> None:
    """Jira still answers for its old key."""
    site = JiraSite(lag=1000)
    jira = on(site)
    made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    issue = site._issues[made.ref]
    issue["key"] = "DEV-99"
    issue["fields"]["project"] = {"id": "1", "key": "DEV"}
    assert await jira.find("issue", "sluice-1") is None
    with pytest.raises(NotFound, match="is in project DEV, not in OPS"):
        await jira.get("issue", made.ref)


async def test_who_changed_an_issue_last_is_told_where_jira_tells() -> None:
    """We, somebody else, or nobody knows: comments are in no history."""
    site = JiraSite()
    jira = on(site)
    account = (await jira.check()).account
    made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    assert made.actor == account
    site.change(made.ref, status="In Progress")
    assert (await jira.get("issue", made.ref)).actor == "people-1"


async def test_changes_of_months_come_once_each_in_any_time_zone() -> None:
    """More than a page, at minutes that the question can only name coarsely."""
    for zone in ("America/St_Johns", "Asia/Kathmandu"):
        site = JiraSite(zone=zone)
        jira = on(site)
        for hour in range(240):
            fields = {"summary": "KYC", "labels": [f"sluice-{hour}"]}
            site.make(fields, ago=timedelta(hours=hour, seconds=hour))
        cursor, seen, more = cursor_from(datetime.now(UTC) - timedelta(days=30)), [], True
        while more:
            page = await jira.changes("issue", cursor, limit=50)
            seen += [one.external_id for one in page.items]
            cursor, more = page.cursor, page.more
        assert sorted(seen) == sorted(f"sluice-{hour}" for hour in range(240))


async def test_an_issue_goes_only_where_its_workflow_leads() -> None:
    """It says what it offers."""
    jira = on(JiraSite())
    made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    with pytest.raises(Rejected, match=r"in 'To Do' cannot be moved to 'Done'.*In Progress, Won't"):
        await jira.transition("issue", made.ref, "Done", key="2")
    await jira.transition("issue", made.ref, "Won't Do", key="3")
    with pytest.raises(Rejected, match="offers us no other status"):
        await jira.transition("issue", made.ref, "To Do", key="4")


async def test_a_way_that_asks_for_a_resolution_is_given_the_one_of_the_settings() -> None:
    """Where there is none, or it asks for more, the message says for what."""
    jira = on(JiraSite(asks=("resolution",)), resolution="Done")
    made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    await jira.transition("issue", made.ref, "In Progress", key="2")
    done = await jira.transition("issue", made.ref, "Done", key="3")
    assert (done.status, done.fields["resolution"]) == ("Done", "Done")
    for asks, settings, words in (
        (("resolution",), {}, "asks for Resolution on the way to 'Done'"),
        (("resolution", "reviewer"), {"resolution": "Done"}, "asks for Reviewer"),
    ):
        jira = on(JiraSite(asks=asks), **settings)
        made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
        await jira.transition("issue", made.ref, "In Progress", key="2")
        with pytest.raises(Rejected, match=words):
            await jira.transition("issue", made.ref, "Done", key="3")


async def test_describes_statuses_and_fields() -> None:
    """Those of our type of issue; done is what Jira counts as done."""
    jira = on(JiraSite())
    schema = await jira.describe("issue")
    assert schema.closed == ("Done", "Won't Do")
    assert schema.fields[SIZE_FIELD].type == "number"
    assert schema.fields["summary"].required
    assert not schema.fields["updated"].writable
    with pytest.raises(Rejected, match="no issues of type 'Epic'; it has Task"):
        await on(JiraSite(), issue_type="Epic").describe("issue")


async def test_fields_are_written_as_they_take_it_and_only_when_they_differ() -> None:
    """A number, a text, labels beside our own; nothing to write, nothing changes."""
    jira = on(JiraSite())
    wanted = {
        "title": "KYC is\n2,000 short",
        "text": "why\n\nhttps://sluice.example.com/m/1",
        SIZE_FIELD: 2000,
        "labels": "kyc, growth",
    }
    made = await jira.upsert("issue", "sluice-1", wanted, key="1")
    assert made.title == "KYC is 2,000 short"
    assert made.fields["text"] == wanted["text"]
    assert made.fields[SIZE_FIELD] == 2000
    assert made.fields["labels"] == "kyc, growth"
    assert made.external_id == "sluice-1"
    again = await jira.upsert("issue", "sluice-1", wanted, key="2")
    assert again.version == made.version
    fewer = await jira.upsert("issue", "sluice-1", {"labels": "kyc", "text": ""}, key="3")
    assert (fewer.fields["labels"], fewer.fields["text"]) == ("kyc", "")
    assert fewer.external_id == "sluice-1"
    assert (
        await jira.upsert("issue", "sluice-1", {"text": None}, key="4")
    ).version == fewer.version


async def test_a_text_that_is_too_long_is_cut_where_everybody_sees_it() -> None:
    """In the description and in a comment, and it is not written again."""
    jira = on(JiraSite())
    long = {"title": "t" * 300, "text": "long " * 9000}
    made = await jira.upsert("issue", "sluice-1", long, key="1")
    assert CUT in made.fields["text"]
    assert len(made.title) == 255
    assert (await jira.upsert("issue", "sluice-1", long, key="2")).version == made.version
    await jira.comment("issue", made.ref, "long " * 9000, key="reason")
    commented = await jira.get("issue", made.ref)
    await jira.comment("issue", made.ref, "long " * 9000, key="reason")
    assert (await jira.get("issue", made.ref)).version == commented.version


async def test_a_comment_is_found_among_hundreds() -> None:
    """Every page of them is looked through."""
    site = JiraSite()
    jira = on(site)
    made = await jira.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    await jira.comment("issue", made.ref, "more", key="0")
    for _ in range(205):
        site.say(made.ref, document("more"))
    before = await jira.get("issue", made.ref)
    await jira.comment("issue", made.ref, "more", key="0")
    assert (await jira.get("issue", made.ref)).version == before.version


@pytest.mark.parametrize("name", ["KYC", "sluice-a b", "sluice-" + "x" * 300])
async def test_names_that_no_label_can_carry_are_refused(name: str) -> None:
    """Before anything is made under another."""
    with pytest.raises(Rejected, match="is no label of ours"):
        await on(JiraSite()).upsert("issue", name, {"title": "KYC"}, key="1")


async def test_an_unknown_field_is_named() -> None:
    """With how fields are called."""
    with pytest.raises(Rejected, match="no field 'owner' that our account sees"):
        await on(JiraSite()).upsert("issue", "sluice-1", {"owner": "kim"}, key="1")


async def test_tells_which_rights_are_missing_and_how_the_clocks_differ() -> None:
    """In Jira's words."""
    missing = frozenset({"ADD_COMMENTS", "TRANSITION_ISSUES"})
    health = await on(JiraSite(missing=missing)).check()
    assert health.missing == ("TRANSITION_ISSUES", "ADD_COMMENTS")
    assert health.version
    assert health.clock_skew is not None
    assert abs(health.clock_skew) < timedelta(minutes=1)
    assert set(health.missing) < set(RIGHTS)


@pytest.mark.parametrize(
    ("headers", "after", "words"),
    [
        ({"Retry-After": "7", "RateLimit-Reason": "jira-burst-based"}, 7, "jira-burst-based"),
        ({"Retry-After": "2", "RateLimit-Reason": "jira-per-issue-on-write"}, 2, "per-issue"),
        ({"X-RateLimit-Reset": "2001-01-01T00:00Z"}, 0, "no reason told"),
        ({"X-RateLimit-Reset": "2999-01-01T00:00Z"}, 86400, "no reason told"),
        ({"X-RateLimit-Reset": "soon"}, None, "no reason told"),
    ],
)
async def test_waits_as_long_as_a_limit_asks(
    headers: dict[str, str], after: float | None, words: str
) -> None:
    """And says which limit it was."""
    site = JiraSite()
    site.refusals = [httpx.Response(429, headers=headers)]
    with pytest.raises(RetryLater, match=words) as raised:
        await on(site).get("issue", "OPS-1")
    assert raised.value.after == (None if after is None else timedelta(seconds=after))


@pytest.mark.parametrize(
    ("response", "failure", "words"),
    [
        (
            httpx.Response(200, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, json={}),
            AuthFailed,
            "refuses our login",
        ),
        (
            httpx.Response(403, headers={"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}),
            AuthFailed,
            "refuses our login",
        ),
        (
            httpx.Response(
                400, json={"errorMessages": ["no"], "errors": {"summary": "is too long"}}
            ),
            Rejected,
            "no; summary: is too long",
        ),
        (httpx.Response(403, text="Forbidden by an app"), Rejected, "Forbidden by an app"),
        (httpx.Response(400, json=[1]), Rejected, "refuses GET /rest/api/3/issue/OPS-1"),
    ],
)
async def test_what_jira_says_no_with(
    response: httpx.Response, failure: type[ConnectorError], words: str
) -> None:
    """A refused login is one also where everybody may read; the rest in Jira's words."""
    site = JiraSite()
    site.refusals = [response]
    with pytest.raises(failure, match=words):
        await connected(site).get("issue", "OPS-1")


class TestWebhooks:
    """Only what is signed is believed, and only what is about our project is passed on."""

    def test_events_of_issues_and_comments_point_at_the_issue(self) -> None:
        """The old secret counts too."""
        site, jira = JiraSite(), on(JiraSite())
        for event in ("jira:issue_created", "jira:issue_deleted", "comment_created"):
            for secret in (HOOK, "the-old-one"):
                (hint,) = jira.verify(site.delivery("OPS-7", secret, event), now=NOW)
                assert (hint.kind, hint.ref) == ("issue", "OPS-7")

    def test_a_delivery_played_again_under_another_name_is_known(self) -> None:
        """Its identifier is not signed, so it does not count."""
        jira, genuine = on(JiraSite()), JiraSite().delivery("OPS-7", HOOK)
        other = {**genuine.headers, "x-atlassian-webhook-identifier": "another"}
        again = genuine.model_copy(update={"headers": other})
        assert jira.verify(again, now=NOW) == jira.verify(genuine, now=NOW)

    def test_other_projects_say_nothing(self) -> None:
        """Nor do events without an issue."""
        jira, site = on(JiraSite()), JiraSite()
        assert jira.verify(site.delivery("OPSX-7", HOOK), now=NOW) == ()
        assert jira.verify(site.delivery("", HOOK), now=NOW) == ()

    @pytest.mark.parametrize("secret", ["", "another"])
    def test_a_wrong_secret_is_refused(self, secret: str) -> None:
        """Without saying how close it was."""
        with pytest.raises(Rejected, match="missing, wrong, or too old"):
            on(JiraSite()).verify(JiraSite().delivery("OPS-7", secret), now=NOW)

    def test_without_a_secret_nothing_is_believed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It says which setting is missing."""
        config = JiraConfig(url=SITE, email=EMAIL, token="env:TEST_JIRA", project=PROJECT)
        with pytest.raises(Rejected, match="webhook_secret"):
            JiraConnector(config).verify(JiraSite().delivery("OPS-7", ""), now=NOW)
