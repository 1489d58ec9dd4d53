"""Playing a story: what makes a step fail, on a theatre without processes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.playing import StoryResult, play
from console.story import read_story
from console.theatre import Theatre
from ledger.store import Ledger
from measures.answers import Answer
from measures.errors import EngineError, RefusedError

ACCEPTED = Answer(measure="m", accepted=True, verdict="pass")
REFUSED = Answer(measure="m", accepted=False, refused="not-entitled", message="ask sam")
DENIED = Answer(measure="m", accepted=False, refused="wrong-stage", permit="denied")
NOBODY = Answer(measure="m", accepted=False, refused="unknown-person", permit="denied")
UNKNOWN = RefusedError("unknown-measure", "there is no measure m")


class Stage:
    """A theatre and its client, which answers everything with the same."""

    def __init__(self, ledger: Ledger, answer: Answer | Exception) -> None:
        self.ledger = ledger
        self.client = self
        self.temporal = SimpleNamespace()
        self._answer = answer
        self._now = datetime(2031, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The story's time."""
        return self._now

    async def move_to(self, moment: datetime) -> None:
        """Only goes on."""
        if moment < self._now:
            raise EngineError(f"time only goes on: it is {self._now:%Y-%m-%d %H:%M} already")
        self._now = moment

    async def settle_all(self, measures: Any) -> dict[str, None]:
        """Nothing waits here."""
        return dict.fromkeys(measures)

    async def _say(self, *_: Any) -> Answer:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    launch = sign = advance = hold = report_capacity = settle = status = _say


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


async def played(
    ledger: Ledger, folder: Path, answer: Answer | Exception, *steps: str
) -> StoryResult:
    """What comes of steps when everything is answered so."""
    path = folder / "story.yaml"
    path.write_text(
        "scenario: Own\nnow: 2031-01-12T09:00:00Z\ngiven:\n"
        "  - {kind: Measure, id: m, title: M, type: t, package: p,"
        " expect: {refused: unknown-node}}\n"
        "  - {kind: Pool, id: k, title: K, unit: u, owner: o, capacity: {2031: 1},"
        " expect: {refused: unknown-person}}\n"
        "steps:\n" + "".join(f"  - {step}\n" for step in steps)
    )
    stage = cast("Theatre", Stage(ledger, answer))
    return await play(read_story(path), stage, lambda _: None)


HOLDS: list[tuple[Answer | Exception, str]] = [
    (ACCEPTED, "{hold: m}"),
    (REFUSED, "{hold: m, expect: {refused: not-entitled}}"),
    (REFUSED, "{hold: m, expect: {accepted: false}}"),
    (DENIED, "{launch: m}"),
    (DENIED, "{launch: m, expect: {permit: denied}}"),
    (UNKNOWN, "{hold: m, expect: {refused: unknown-measure}}"),
    (UNKNOWN, "{capacity: k, period: 2031-03, amount: 1, expect: {accepted: false}}"),
    (UNKNOWN, "{expect: m, refused: unknown-measure}"),
    (REFUSED, "{together: [{hold: m, expect: {accepted: false}}]}"),
    (REFUSED, "{together: [{hold: m}], expect: {answers: [{refused: not-entitled}]}}"),
]
FAILS: list[tuple[Answer | Exception, str, str]] = [
    (REFUSED, "{hold: m}", "refused as not-entitled, which the step does not expect: ask sam"),
    (REFUSED, "{hold: m, expect: {stage: ''}}", "refused as not-entitled"),
    (UNKNOWN, "{launch: m}", "refused as unknown-measure"),
    (NOBODY, "{launch: m}", "refused as unknown-person"),
    (UNKNOWN, "{capacity: k, period: 2031-03, amount: 1}", "refused as unknown-measure"),
    (UNKNOWN, "{expect: m}", "refused as unknown-measure"),
    (REFUSED, "{together: [{hold: m}]}", "hold m: refused as not-entitled"),
    (REFUSED, "{together: [{together: [{hold: m}]}]}", "hold m: refused as not-entitled"),
    (ACCEPTED, "{apply: [{kind: Person, id: x}]}", "refused as D202"),
    (
        ACCEPTED,
        "{apply: [{kind: Pool, id: p, title: P, unit: u, owner: zed, capacity: {2031-03: 1}}]}",
        "refused as unknown-person, which the step does not expect: there is no person 'zed'",
    ),
    (ACCEPTED, "{hold: m, expect: {accepted: false}}", "accepted: expected False, seen True"),
]


@pytest.mark.parametrize(("answer", "step"), HOLDS)
async def test_a_refusal_that_is_expected_holds(
    ledger: Ledger, tmp_path: Path, answer: Answer | Exception, step: str
) -> None:
    """By code, by `accepted: false`, or because a denied permit is an answer."""
    result = await played(ledger, tmp_path, answer, step)
    assert result.steps[1].differences == ()
    assert result.held == result.steps[0].held


@pytest.mark.parametrize(("answer", "step", "words"), FAILS)
async def test_a_refusal_that_nothing_expects_fails_the_step(
    ledger: Ledger, tmp_path: Path, answer: Answer | Exception, step: str, words: str
) -> None:
    """Whether or not the step expects something else; code and message are told."""
    result = await played(ledger, tmp_path, answer, step)
    [difference] = result.steps[1].differences
    assert words in difference
    assert not result.held


async def test_time_that_has_passed_fails_the_step_and_the_story_goes_on(
    ledger: Ledger, tmp_path: Path
) -> None:
    """The step says what time it is already; the next one is played."""
    result = await played(
        ledger,
        tmp_path,
        ACCEPTED,
        "{until: 2031-01-11T09:00:00Z}",
        "{together: [{until: 2031-01-11T09:00:00Z}]}",
        "{wait: 1d, expect: {now: '2031-01-13T09:00:00+00:00'}}",
    )
    _, past, inside, after = result.steps
    assert past.differences == (
        "until 2031-01-11T09:00:00+00:00: time only goes on: it is 2031-01-12 09:00 already",
    )
    assert len(inside.differences) == 1
    assert after.held
