"""What is special about GitHub: marks, silent drops, pages that shift, two sorts of limits."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance.faults import LosingReplies
from connectors.cursor import cursor_from
from connectors.failures import ConnectorError, NotFound, Rejected, RetryLater
from connectors.github.connector import GithubConnector
from connectors.github.marks import LONGEST, name_and_text, with_name
from connectors.github.settings import GithubConfig
from connectors.texts import CUT
from tests.simulators.github import API, LOGIN, REPOSITORY, TOKEN, GithubRepository
from tests.simulators.github_described import described

HOOK = "s3cret-of-the-hook"
NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)
LABEL = ("sluicegate",)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_GITHUB", TOKEN)
    monkeypatch.setenv("TEST_GITHUB_HOOK", f"{HOOK} the-old-one")


def connected(transport: httpx.AsyncBaseTransport, **settings: str) -> GithubConnector:
    """A connection to a simulated repository."""
    config = GithubConfig.model_validate(
        {
            "url": API,
            "repository": REPOSITORY,
            "token": "env:TEST_GITHUB",
            "webhook_secret": "env:TEST_GITHUB_HOOK",
            **settings,
        }
    )
    return GithubConnector(config, transport=transport)


def on(simulated: GithubRepository, **settings: str) -> GithubConnector:
    """A connection on which everything is checked by the description."""
    return connected(described(simulated), **settings)


@given(
    text=st.text(max_size=200), name=st.from_regex(r"sluice-[A-Za-z0-9.-]{1,40}", fullmatch=True)
)
def test_a_name_is_read_from_a_text_as_it_was_written(text: str, name: str) -> None:
    """Whatever the text is, and whatever people write behind it."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert name_and_text(with_name(text, name)) == (name, plain)
    assert name_and_text(with_name(text, name) + "\nPS") == (name, f"{plain}\nPS")


def test_a_name_that_could_end_its_mark_is_refused() -> None:
    """Nobody writes a mark of another by a name."""
    for name in ("", "a b", "-->", "a\n<!-- sluice: b -->"):
        with pytest.raises(Rejected, match="cannot name an issue"):
            with_name("text", name)


async def test_a_mark_that_somebody_quotes_names_nothing_else() -> None:
    """The last one counts, and that is ours."""
    github = on(GithubRepository())
    quoted = "as in <!-- sluice: sluice-other --> of last week"
    made = await github.upsert("issue", "sluice-1", {"title": "KYC", "text": quoted}, key="1")
    assert (made.external_id, made.fields["text"]) == ("sluice-1", quoted)
    assert await github.find("issue", "sluice-other") is None


async def test_a_lost_answer_makes_no_second_issue() -> None:
    """Also for who has never listed anything."""
    repository = GithubRepository()
    with pytest.raises(RetryLater):
        await connected(LosingReplies(described(repository))).upsert(
            "issue", "sluice-1", {"title": "KYC"}, key="1"
        )
    again = await on(repository).upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    assert again.ref == "1"


async def test_our_issues_are_listed_once_and_then_only_what_changed() -> None:
    """Hundreds of them, and hundreds of others."""
    repository = GithubRepository()
    for number in range(1, 401):
        labels = LABEL if number % 2 else ()
        body = f"<!-- sluice: sluice-{number} -->"
        repository.make("KYC", body, labels, ago=timedelta(hours=number))
    github = on(repository)
    found = await github.find("issue", "sluice-7")
    assert found is not None
    assert found.ref == "7"
    first = repository.requests
    assert await github.find("issue", "sluice-8") is None  # it is not ours
    repository.make("new", "<!-- sluice: sluice-new -->", LABEL)
    assert await github.find("issue", "sluice-new") is not None
    assert repository.requests - first <= 4


async def test_a_name_that_is_gone_or_twice() -> None:
    """A deleted issue is none; of two the older one counts."""
    repository = GithubRepository()
    for _ in range(3):
        repository.make("KYC", "<!-- sluice: sluice-1 -->", LABEL)
    github = on(repository)
    first = await github.find("issue", "sluice-1")
    repository.delete(1)
    repository.change(2, body="somebody has taken the name out")
    third = await github.find("issue", "sluice-1")
    assert (first and first.ref, third and third.ref) == ("1", "3")


async def test_an_issue_that_was_transferred_is_none_of_ours() -> None:
    """It is answered with where it is now; nobody follows."""
    repository = GithubRepository()
    repository.make("KYC", "<!-- sluice: sluice-1 -->", LABEL)
    github = on(repository)
    assert await github.find("issue", "sluice-1") is not None
    repository.transfer(1)
    assert await github.find("issue", "sluice-1") is None


async def test_a_label_that_was_taken_off_is_put_back() -> None:
    """Else the issue would not be found after a restart."""
    repository = GithubRepository()
    github = on(repository)
    made = await github.upsert("issue", "sluice-1", {"title": "KYC", "labels": "kyc"}, key="1")
    repository.change(int(made.ref), labels=[])
    await github.upsert("issue", "sluice-1", {"title": "KYC"}, key="2")
    found = await on(repository).find("issue", "sluice-1")
    assert found is not None
    assert found.ref == made.ref


async def test_without_the_right_to_push_nothing_is_made() -> None:
    """It would lose its label, and be made again and again."""
    repository = GithubRepository(may_push=False)
    github = on(repository)
    assert (await github.check()).missing == ("push",)
    with pytest.raises(Rejected, match=r"no issue can be made in example/ops.*push"):
        await github.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    page = await github.changes("issue", cursor_from(datetime(2020, 1, 1, tzinfo=UTC)))
    assert page.items == ()


async def test_tells_a_repository_without_issues() -> None:
    """In words."""
    health = await on(GithubRepository(has_issues=False)).check()
    assert health.missing == ("issues are switched off",)
    assert health.account == LOGIN
    assert health.clock_skew is not None
    assert abs(health.clock_skew) < timedelta(minutes=1)


async def test_what_github_drops_without_a_word_is_told() -> None:
    """Somebody who cannot be assigned."""
    github = on(GithubRepository())
    made = await github.upsert(
        "issue", "sluice-1", {"title": "KYC", "assignees": "olga, kim", "labels": "KYC"}, key="1"
    )
    assert (made.fields["assignees"], made.fields["labels"]) == ("kim, olga", "KYC")
    same = {"assignees": "Kim,Olga", "labels": "kyc"}
    assert (await github.upsert("issue", "sluice-1", same, key="2")).version == made.version
    with pytest.raises(Rejected, match="did not take assignees of issue 1"):
        await github.upsert("issue", "sluice-1", {"assignees": "stranger"}, key="3")
    with pytest.raises(Rejected, match="no field owner, comments that can be set; it has title"):
        await github.upsert("issue", "sluice-1", {"owner": "kim", "comments": 3}, key="4")


async def test_a_milestone_goes_by_its_number() -> None:
    """Also written as a text; nothing takes it off."""
    github = on(GithubRepository())
    wanted = {"title": "KYC", "milestone": "3"}
    made = await github.upsert("issue", "sluice-1", wanted, key="1")
    assert made.fields["milestone"] == 3
    assert (await github.upsert("issue", "sluice-1", wanted, key="2")).version == made.version
    none = await github.upsert("issue", "sluice-1", {"milestone": ""}, key="3")
    assert none.fields["milestone"] is None
    for wrong, words in (
        ({"milestone": "spring"}, "goes by its number"),
        ({"title": " "}, "title"),
    ):
        with pytest.raises(Rejected, match=words):
            await github.upsert("issue", "sluice-1", wrong, key="4")


async def test_turning_pages_loses_nothing_that_changes_meanwhile() -> None:
    """By number, one issue would slip from the second page to the first."""
    repository = GithubRepository()
    for number in range(1, 251):
        repository.make("KYC", ago=timedelta(hours=251 - number))
    repository.make("KYC", pull_request=True)
    turned: list[int] = []

    def touch() -> None:
        turned.append(len(turned) + 1)
        repository.change(turned[-1], title="changed while pages are turned")

    repository.between_pages = touch
    github = on(repository)
    cursor, seen, more = cursor_from(datetime(2020, 1, 1, tzinfo=UTC)), [], True
    while more:
        page = await github.changes("issue", cursor, limit=100)
        repository.change(len(seen) + 1, title="changed between two polls")
        seen += [one.ref for one in page.items]
        cursor, more = page.cursor, page.more
    assert set(seen) == {str(number) for number in range(1, 251)}


async def test_more_than_a_page_of_one_second_is_read_to_its_end() -> None:
    """A bulk edit."""
    repository = GithubRepository()
    for _ in range(230):
        repository.make("KYC", ago=timedelta(days=1))
    at = repository._issues[1]["updated_at"]
    for issue in repository._issues.values():
        issue["updated_at"] = at
    page = await on(repository).changes(
        "issue", cursor_from(datetime(2020, 1, 1, tzinfo=UTC)), limit=500
    )
    assert len(page.items) == 230


async def test_an_issue_is_closed_for_a_reason() -> None:
    """Another reason needs opening it first: GitHub would ignore it."""
    repository = GithubRepository()
    github = on(repository)
    made = await github.upsert("issue", "sluice-1", {"title": "KYC"}, key="1")
    closed = await github.transition("issue", made.ref, "not_planned", key="2")
    assert closed.status == "not_planned"
    assert closed.actor == LOGIN
    with pytest.raises(
        Rejected, match="from 'not_planned' to 'completed'; it can be moved to open"
    ):
        await github.transition("issue", made.ref, "completed", key="3")
    repository.change(int(made.ref), state_reason="duplicate")
    assert (await github.get("issue", made.ref)).status == "duplicate"
    schema = await github.describe("issue")
    assert set(schema.closed) == {"completed", "not_planned", "duplicate"}
    assert schema.moves["open"] == ("completed", "not_planned")


async def test_a_text_that_is_too_long_is_cut_where_everybody_sees_it() -> None:
    """The name and the key stay, and it is not written again."""
    repository = GithubRepository()
    github = on(repository)
    long = {"title": "t\n" * 300, "text": "long " * 20_000}
    made = await github.upsert("issue", "sluice-1", long, key="1")
    assert CUT in made.fields["text"]
    assert made.external_id == "sluice-1"
    assert len(repository._issues[1]["body"]) == LONGEST
    assert (await github.upsert("issue", "sluice-1", long, key="2")).version == made.version
    for _ in range(2):
        await github.comment("issue", made.ref, "long " * 20_000, key="reason")
    assert len(repository._comments[1]) == 1


async def test_a_comment_is_found_among_hundreds() -> None:
    """Every page of them is looked through."""
    repository = GithubRepository()
    repository.make("KYC")
    github = on(repository)
    for number in range(130):
        repository.say(1, "more")
        if number == 120:
            await github.comment("issue", "1", "cleared", key="reason")
    await github.comment("issue", "1", "cleared", key="reason")
    assert len(repository._comments[1]) == 131


@pytest.mark.parametrize("ref", ["2", "3", "x", "1/comments", "²"])
async def test_what_is_no_issue_is_not_found(ref: str) -> None:
    """A pull request, none at all, no number."""
    repository = GithubRepository()
    repository.make("KYC")
    repository.make("Mend it", pull_request=True)
    with pytest.raises(NotFound):
        await on(repository).get("issue", ref)


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (httpx.Response(403, headers={"Retry-After": "7"}, json={"message": "slower"}), 7),
        (
            httpx.Response(
                429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}
            ),
            60,
        ),
        (
            httpx.Response(
                403, json={"message": "You have exceeded a secondary rate limit. Please wait."}
            ),
            60,
        ),
        (httpx.Response(429, text="<html>"), 60),
    ],
    ids=["retry-after", "reset unreadable", "secondary", "no words"],
)
async def test_waits_as_long_as_a_limit_asks(response: httpx.Response, seconds: int) -> None:
    """A minute where GitHub does not say."""
    assert await waits_for(response) == timedelta(seconds=seconds)


async def test_waits_until_the_moment_that_a_limit_names() -> None:
    """Counted from when GitHub has answered."""
    moment = datetime.now(UTC) + timedelta(seconds=1000)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(moment.timestamp()))}
    words = {"message": "API rate limit exceeded for user ID 1."}
    wait = await waits_for(httpx.Response(403, headers=headers, json=words))
    assert timedelta(seconds=500) <= wait <= timedelta(seconds=1000)


async def waits_for(response: httpx.Response) -> timedelta:
    """How long we are told to wait when GitHub answers that."""
    repository = GithubRepository()
    repository.refusals = [response]
    with pytest.raises(RetryLater, match="slows us down") as raised:
        await connected(repository).get("issue", "1")
    assert raised.value.after is not None
    return raised.value.after


@pytest.mark.parametrize(
    ("response", "failure", "words"),
    [
        (
            httpx.Response(403, json={"message": "Resource not accessible by personal token"}),
            Rejected,
            "Resource not accessible",
        ),
        (
            httpx.Response(
                422,
                json={
                    "message": "Validation Failed",
                    "errors": [{"field": "title", "code": "missing_field"}, "and more"],
                },
            ),
            Rejected,
            "Validation Failed; title: missing_field; and more",
        ),
        (httpx.Response(410, json={"message": "Issues are disabled"}), NotFound, "disabled"),
        (httpx.Response(301, headers={"Location": API}), NotFound, "issues/1 has moved"),
    ],
)
async def test_what_github_says_no_with(
    response: httpx.Response, failure: type[ConnectorError], words: str
) -> None:
    """In its own words."""
    repository = GithubRepository()
    repository.refusals = [response]
    with pytest.raises(failure, match=words):
        await connected(repository).get("issue", "1")


async def test_the_next_page_is_not_looked_for_elsewhere() -> None:
    """A list that names another host's page would get our token sent there."""
    repository = GithubRepository()
    repository.refusals = [
        httpx.Response(200, json=[], headers={"Link": '<https://evil.test/x>; rel="next"'})
    ]
    with pytest.raises(Rejected, match="would leave"):
        await connected(repository).comment("issue", "1", "cleared", key="1")


class TestWebhooks:
    """Only what is signed is believed, and only what is about our issues is passed on."""

    def test_events_of_issues_and_comments_point_at_the_issue(self) -> None:
        """The old secret counts too, and the case of a repository's name does not."""
        repository = GithubRepository()
        for secret in (HOOK, "the-old-one"):
            (hint,) = on(repository, repository="Example/OPS").verify(
                repository.delivery(secret, issue={"number": 7}), now=NOW
            )
            assert (hint.kind, hint.ref) == ("issue", "7")

    def test_a_delivery_played_again_under_another_name_is_known(self) -> None:
        """Its identifier is not signed, so it does not count."""
        repository = GithubRepository()
        genuine = repository.delivery(HOOK)
        other = {**genuine.headers, "x-github-delivery": "another"}
        again = genuine.model_copy(update={"headers": other})
        assert on(repository).verify(again, now=NOW) == on(repository).verify(genuine, now=NOW)

    @pytest.mark.parametrize(
        "content",
        [
            {"repository": {"full_name": "example/other"}},
            {"repository": None},
            {"issue": None, "zen": "Keep it logically awesome."},
            {"issue": {"number": 7, "pull_request": {}}},
        ],
    )
    def test_what_is_not_about_our_issues_says_nothing(self, content: dict[str, object]) -> None:
        """Another repository, a ping, a comment on a pull request."""
        repository = GithubRepository()
        assert on(repository).verify(repository.delivery(HOOK, **content), now=NOW) == ()

    @pytest.mark.parametrize("secret", ["", "another"])
    def test_a_wrong_secret_is_refused(self, secret: str) -> None:
        """Without saying how close it was."""
        repository = GithubRepository()
        with pytest.raises(Rejected, match="missing, wrong, or too old"):
            on(repository).verify(repository.delivery(secret), now=NOW)

    def test_without_a_secret_nothing_is_believed(self) -> None:
        """It says which setting is missing."""
        config = GithubConfig(url=API, repository=REPOSITORY, token="env:TEST_GITHUB")
        with pytest.raises(Rejected, match="webhook_secret"):
            GithubConnector(config).verify(GithubRepository().delivery(""), now=NOW)
