"""Playing a story step by step and comparing what it expects with what is seen."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from console.applying import Applier
from console.expecting import differences
from console.output import plain
from console.story import Expectation, Look, Placed, Step, Story, documents_in
from console.theatre import Theatre
from measures.answers import Answer
from measures.errors import EngineError, RefusedError
from measures.model import Stored
from measures.people import OPERATOR
from measures.requests import (
    AmendInput,
    CapacityInput,
    LoadInput,
    ReasonInput,
    ReportInput,
    RevokeInput,
    SignInput,
    WaiveInput,
)
from measures.status import Status, status_of
from rules.source import FaultsFound


class StepResult(Stored):
    """What came of one step.

    Attributes:
        step: its number from 1; 0 for what is given.
        result: what was seen, with the field names that expectations use.
        differences: what did not hold; empty when all did.
    """

    step: int
    line: int
    verb: str
    subject: str
    by: str
    result: dict[str, Any]
    differences: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Tells whether every expectation held."""
        return not self.differences


class StoryResult(Stored):
    """What came of a whole story."""

    scenario: str
    file: str
    held: bool
    seconds: float
    steps: tuple[StepResult, ...]


async def play(
    story: Story, theatre: Theatre, on_step: Callable[[StepResult], None]
) -> StoryResult:
    """Plays a story to its end, whatever holds on the way."""
    began = time.monotonic()
    player = _Player(story, theatre)
    await theatre.move_to(story.now)
    results = [await player.give()]
    on_step(results[0])
    for number, placed in enumerate(story.steps, start=1):
        result = await player.play_step(number, placed)
        results.append(result)
        on_step(result)
    return StoryResult(
        scenario=story.title,
        file=str(story.file),
        held=all(result.held for result in results),
        seconds=round(time.monotonic() - began, 3),
        steps=tuple(results),
    )


class _Player:
    def __init__(self, story: Story, theatre: Theatre) -> None:
        self._story = story
        self._theatre = theatre
        self._measures: list[str] = []

    async def give(self) -> StepResult:
        """Applies what the story begins with."""
        given = self._story.given
        applied = await self._applier().apply(
            [item.located for item in given], OPERATOR, partial=True
        )
        wrong = [
            f"{result.kind} {result.id}: expected {_ending(item.refused)}, seen"
            f" {_ending(result.code)} {result.message}".rstrip()
            for item, result in zip(given, applied, strict=True)
            if result.code != item.refused
        ]
        self._measures = [r.id for r in applied if r.kind == "Measure" and not r.code]
        return StepResult(
            step=0,
            line=1,
            verb="given",
            subject=f"{len(given)} documents",
            by=OPERATOR,
            result={"refused": [r.id for r in applied if r.code]},
            differences=tuple(wrong),
        )

    async def play_step(self, number: int, placed: Placed) -> StepResult:
        """Plays one step."""
        step = placed.step
        path = (0, "steps", number - 1)
        if isinstance(step, Look):
            verb, subject, by, expect = "expect", step.measure, "", step.expect
            seen = await self._look(step.measure)
        else:
            verb, by, expect = step.verb, step.as_, step.expect
            subject = _subject(step)
            seen = await self._do(step, path)
        return StepResult(
            step=number,
            line=placed.line,
            verb=verb,
            subject=subject,
            by=by,
            result=seen,
            differences=tuple(_what_differs(expect, seen)),
        )

    async def _do(self, step: Step, path: tuple[str | int, ...]) -> dict[str, Any]:
        match step.verb:
            case "together":
                return await self._together(step, path)
            case "wait" | "until":
                return await self._pass_time(step)
            case "apply":
                return await self._apply(step, path)
            case "kill":
                return await self._kill(str(step.kill))
            case "capacity":
                return await self._capacity(step)
            case "load":
                return await self._load(step)
            case _:
                answer = await _refusal_as_answer(_subject(step), self._ask(step))
                return answer.model_dump(mode="json")

    def _ask(self, step: Step) -> Awaitable[Answer]:
        client = self._theatre.client
        by, name = step.as_, _subject(step)
        match step.verb:
            case "advance":
                return client.advance(name, by)
            case "launch":
                return client.launch(name, by)
            case "sign":
                ask = SignInput(
                    by=by, gate=step.gate or "", role=step.role or "", decision=step.decision
                )
                return client.sign(name, ask)
            case "amend":
                return client.amend(name, AmendInput(by=by, set=step.set))
            case "report":
                news = ReportInput(
                    by=by,
                    kpi=step.kpi,
                    milestone=step.milestone,
                    commitment=step.commitment,
                    forecast=step.forecast,
                    actual=step.actual,
                    evidence=step.evidence,
                    surge=step.surge,
                    delivery=step.delivery,
                    queue=step.queue,
                )
                return client.report(name, news)
            case "waive":
                waiver = WaiveInput(
                    by=by,
                    gate=step.gate or "",
                    rule=step.rule or "",
                    subject=step.subject,
                    up_to=step.up_to,
                    reason=step.reason,
                    for_=step.for_,
                )
                return client.waive(name, waiver)
            case "revoke":
                end = RevokeInput(by=by, waiver=step.waiver or "", reason=step.reason)
                return client.revoke_waiver(name, end)
            case verb:
                move: Callable[[str, ReasonInput], Awaitable[Answer]] = getattr(client, verb)
                return move(name, ReasonInput(by=by, reason=step.reason))

    async def _capacity(self, step: Step) -> dict[str, Any]:
        client = self._theatre.client
        pool = _subject(step)
        ask = CapacityInput(by=step.as_, period=step.period or "", amount=step.amount or 0)
        try:
            answer = await client.report_capacity(pool, ask)
        except RefusedError as error:
            return {"accepted": False, "refused": error.code, "message": error.message}
        seen: dict[str, Any] = plain(answer)
        return {**seen, "freed_for": list(await client.freed_by(answer))}

    async def _load(self, step: Step) -> dict[str, Any]:
        ask = LoadInput(
            by=step.as_,
            value=step.value,
            to_date=step.to_date,
            utilisation=step.utilisation,
            period=step.period,
        )
        try:
            seen: dict[str, Any] = plain(
                await self._theatre.client.report_load(_subject(step), ask)
            )
        except RefusedError as error:
            return {"accepted": False, "refused": error.code, "message": error.message}
        return seen

    async def _together(self, step: Step, path: tuple[str | int, ...]) -> dict[str, Any]:
        inner = step.together or ()
        answers = await asyncio.gather(
            *(self._do(one, (*path, "together", place)) for place, one in enumerate(inner))
        )
        granted = sum(
            1 for a in answers if a.get("verdict") == "pass" or a.get("permit") == "granted"
        )
        wrong = [
            f"{one.verb} {_subject(one)}: {why}"
            for one, answer in zip(inner, answers, strict=True)
            for why in _what_differs(one.expect, answer, or_outside=step.expect.get("answers"))
        ]
        return {"granted": granted, "answers": list(answers), "inner_differences": wrong}

    async def _pass_time(self, step: Step) -> dict[str, Any]:
        theatre = self._theatre
        position = theatre.ledger.position()
        moment = step.until or theatre.now() + (step.wait or timedelta(0))
        wrong: list[str] = []
        try:
            await theatre.move_to(moment)
        except EngineError as error:
            wrong = [f"{step.verb} {moment.isoformat()}: {error}"]
        await theatre.client.settle_all(self._measures)
        entries = list(
            theatre.ledger.entries(after=position, kinds=("reminder_sent", "escalation_sent"))
        )
        return {
            "now": theatre.now().isoformat(),
            "reminders": [e.body for e in entries if e.kind == "reminder_sent"],
            "escalations": [e.body for e in entries if e.kind == "escalation_sent"],
            "inner_differences": wrong,
        }

    async def _apply(self, step: Step, path: tuple[str | int, ...]) -> dict[str, Any]:
        count = len(step.apply or ())
        try:
            documents = documents_in(self._story.source, (*path, "apply"), count)
        except FaultsFound as found:
            return {"accepted": False, "refused": found.faults[0].code, "message": str(found)}
        try:
            applied = await self._applier().apply(documents, step.as_, settle=True)
        except RefusedError as error:
            return {"accepted": False, "refused": error.code, "message": error.message}
        self._measures += [r.id for r in applied if r.kind == "Measure" and r.outcome == "created"]
        refused, message = next(((r.code, r.message) for r in applied if r.code), ("", ""))
        return {
            "accepted": not refused,
            "refused": refused,
            "message": message,
            "documents": plain(applied),
        }

    async def _kill(self, who: str) -> dict[str, Any]:
        """Kills processes; what every measure shows afterwards must be what it showed before."""
        theatre = self._theatre
        before = {name: await self._kept(name) for name in self._measures}
        await theatre.kill(who)
        after = {name: await self._kept(name) for name in self._measures}
        lost = [name for name in self._measures if before[name] != after[name]]
        return {"lost": len(lost), "changed": lost}

    async def _kept(self, measure: str) -> dict[str, Any]:
        """Returns what a measure must keep through any death, as its workflow tells it."""
        status = await self._look(measure)
        return {
            field: status[field]
            for field in (
                "stage",
                "on_hold",
                "cancelled",
                "requested_at",
                "requested_by",
                "verdict",
                "blockers",
                "waiting_for",
                "sign_offs",
                "waived",
                "waivers",
                "reserved",
                "permit",
                "reminded",
                "escalated",
                "finance",
            )
        }

    async def _look(self, measure: str) -> dict[str, Any]:
        """Returns a measure's status; one that has ended is read from the ledger."""
        try:
            await self._theatre.client.settle(measure)
            status: Status = await self._theatre.client.status(measure)
        except RefusedError:
            state = self._theatre.ledger.measure(measure)
            if state is None:
                return {"refused": "unknown-measure"}
            status = status_of(state, self._theatre.now())
        seen: dict[str, Any] = plain(status)
        return seen

    def _applier(self) -> Applier:
        return Applier(self._theatre.ledger, self._theatre.client, self._theatre.now)


def _subject(step: Step) -> str:
    value = getattr(step, step.verb)
    return value if isinstance(value, str) else ""


def _what_differs(
    expect: Expectation, seen: dict[str, Any], *, or_outside: object = None
) -> list[str]:
    """A step that expects nothing is content with anything but a refusal.

    Args:
        expect: what the step expects.
        seen: what was seen; differences inside it count as its own.
        or_outside: what the step around it expects of all answers, refusals included.
    """
    found = differences(expect, seen) if expect else []
    if not or_outside and _is_unexpected(expect, seen):
        told = f"refused as {seen['refused']}, which the step does not expect"
        found.append(f"{told}: {seen.get('message', '')}".rstrip(": "))
    return [*found, *seen.get("inner_differences", ())]


def _is_unexpected(expect: Expectation, seen: dict[str, Any]) -> bool:
    """A denied permit is an answer, unless what was asked for or who asked is not known."""
    code: str = seen.get("refused", "")
    denied = seen.get("permit") == "denied" and not code.startswith("unknown-")
    return bool(code) and not denied and not {"refused", "accepted"} & set(expect)


def _ending(code: str) -> str:
    return f"refused as {code}" if code else "accepted"


async def _refusal_as_answer(measure: str, asked: Awaitable[Answer]) -> Answer:
    """A refusal at the door reads like one that the measure itself gave."""
    try:
        return await asked
    except RefusedError as error:
        return Answer(measure=measure, accepted=False, refused=error.code, message=error.message)
