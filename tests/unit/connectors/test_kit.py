"""The conformance kit finds what is wrong: a fault that is built in fails the check for it."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, ClassVar

import pytest

from connectors.conformance import making
from connectors.conformance.examination import CHECKS, examine_one
from connectors.conformance.subject import Subject, Wrap
from connectors.contract import Health, Hint, Manifest, Page, Remote, Scalar, Webhook
from connectors.failures import Rejected, RetryLater
from connectors.github.connector import GithubConnector
from connectors.github.settings import MANIFEST, GithubConfig
from tests.simulators.github import API, REPOSITORY, TOKEN, GithubRepository
from tests.simulators.github_described import described

SECRET = "webhook-s3cret"
OF_NAME = {check.name: check for check in CHECKS}


class Right(GithubConnector):
    """Nothing is wrong with it; it looks back a moment only, so that what is missing shows soon."""

    manifest: ClassVar[Manifest] = MANIFEST.model_copy(update={"overlap": timedelta(seconds=1)})


class ForgetsToLook(Right):
    """Makes an object without looking for it first."""

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Finds nothing."""
        return None


class WritesOverOthers(Right):
    """Does not ask what the asker had seen."""

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: Any = None,
    ) -> Remote:
        """Forgets the version."""
        return await super().upsert(kind, external_id, patch, key=key)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: Any = None
    ) -> Remote:
        """Forgets the version."""
        return await super().transition(kind, ref, status, key=key)


class WritesAlways(Right):
    """Writes what is there already."""

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: Any = None,
    ) -> Remote:
        """Writes once more."""
        made = await super().upsert(kind, external_id, patch, key=key, expect=expect)
        await self._http.send("PATCH", f"repos/{REPOSITORY}/issues/{made.ref}", json={"title": "x"})
        return await super().upsert(kind, external_id, patch, key=key)


class BelievesAnAnswer(Right):
    """Says that it moved what it did not move."""

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: Any = None
    ) -> Remote:
        """Moves nothing."""
        return await self.get(kind, ref)


class MovesAgain(Right):
    """Cannot be asked again for a move whose answer was lost."""

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: Any = None
    ) -> Remote:
        """Refuses what is done."""
        if (await self.get(kind, ref)).status == status:
            raise Rejected("it is there already")
        return await super().transition(kind, ref, status, key=key, expect=expect)


class CommentsAgain(Right):
    """Does not look for the key."""

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds it in any case."""
        await super().comment(kind, ref, text, key=f"{key} {uuid.uuid4()}")


class LosesAChange(Right):
    """Leaves out an object."""

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Drops the first."""
        page = await super().changes(kind, cursor, limit=limit)
        return page.model_copy(update={"items": page.items[1:]})


class TellsForEver(Right):
    """Never goes on."""

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Gives back the cursor that came."""
        page = await super().changes(kind, cursor, limit=100)
        return page.model_copy(update={"cursor": cursor, "more": False})


class BelievesAHeader(Right):
    """Names a delivery by what nobody signed."""

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Takes the identifier that came along."""
        named = {"delivery": webhook.headers.get("x-github-delivery", "")}
        return tuple(one.model_copy(update=named) for one in super().verify(webhook, now=now))


class BelievesAnybody(Right):
    """Never looks at the signature."""

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Believes."""
        return (Hint(kind="issue", ref="1", delivery=str(hash(webhook.body))),)


class TellsSecrets(Right):
    """Repeats the token."""

    async def check(self) -> Health:
        """Fails with it."""
        try:
            return await super().check()
        except RetryLater as failure:
            raise RetryLater(f"{failure} with {TOKEN}") from None


class LetsErrorsOut(Right):
    """Trips over strange data."""

    async def check(self) -> Health:
        """Reads without care."""
        answer = await self._http.json("GET", "user")
        return Health(account=answer["login"])


FAULTS: dict[type[Right], str] = {
    ForgetsToLook: "makes_no_duplicate_when_the_answer_is_lost",
    WritesOverOthers: "refuses_to_overwrite does_not_move_what_has_changed",
    WritesAlways: "writes_only_differences",
    BelievesAnAnswer: "moves_an_object",
    MovesAgain: "finishes_a_move_when_the_answer_is_lost",
    CommentsAgain: "comments_once",
    LosesAChange: "finds_every_change",
    TellsForEver: "tells_a_later_change_once",
    BelievesAHeader: "knows_a_delivery_under_another_header",
    BelievesAnybody: "refuses_a_changed_webhook refuses_an_unsigned_webhook",
    TellsSecrets: "keeps_secrets_out_of_logs",
    LetsErrorsOut: "does_not_trip_over_strange_data",
}


def _subject(kind: type[Right]) -> Subject:
    repository = GithubRepository()

    def connect(wrap: Wrap | None) -> Right:
        inner = described(repository)
        config = GithubConfig(
            url=API, repository=REPOSITORY, token="env:TEST_GITHUB", webhook_secret="env:TEST_HOOK"
        )
        return kind(config, transport=wrap(inner) if wrap else inner)

    return Subject(
        connect=connect,
        secret=TOKEN,
        kind="issue",
        moves=("completed", "open"),
        webhook=lambda at: repository.delivery(SECRET),
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__)
async def test_a_fault_fails_its_check(fault: type[Right], monkeypatch: pytest.MonkeyPatch) -> None:
    """And the same check passes where the fault is not."""
    monkeypatch.setenv("TEST_GITHUB", TOKEN)
    monkeypatch.setenv("TEST_HOOK", SECRET)
    for name in FAULTS[fault].split():
        wrong = await examine_one(_subject(fault), OF_NAME[name])
        right = await examine_one(_subject(Right), OF_NAME[name])
        assert (wrong.outcome, right.outcome) == ("failed", "passed"), (name, wrong, right)


@pytest.mark.parametrize(
    "name",
    [
        "makes_no_duplicate_when_the_answer_is_lost",
        "finishes_what_was_cancelled",
        "finds_every_change",
        "tells_a_later_change_once",
    ],
)
async def test_a_busy_system_loses_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a write takes, what it made is looked for from before it."""
    monkeypatch.setenv("TEST_GITHUB", TOKEN)
    monkeypatch.setenv("TEST_HOOK", SECRET)
    written = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + written

    class Busy(Right):
        async def upsert(self, *args: Any, **options: Any) -> Remote:
            nonlocal written
            made = await super().upsert(*args, **options)
            written += timedelta(minutes=1)
            return made

    monkeypatch.setattr(making, "datetime", Clock)
    found = await examine_one(_subject(Busy), OF_NAME[name])
    assert found.outcome == "passed", found
