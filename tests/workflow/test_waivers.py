"""Waivers while the engine runs: given at once, by delegates, and after Temporal has lost them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from console.rebuilding import rebuild
from measures.answers import Answer
from measures.people import Delegation
from measures.requests import WaiveInput
from tests.workflow.conftest import write_delegation

pytestmark = pytest.mark.temporal

Engine = Any
RULE = "decided.capacity-covers-demand"


async def blocked(engine: Engine, signed: bool = True) -> str:
    """A measure that asks a pool of 40 for 50."""
    await engine.pool(amount=40)
    measure: str = await engine.define(demands=[engine.demand("kyc", 50)])
    await engine.reach(measure, "detailed")
    if signed:
        await engine.approve(measure)
    await engine.client.advance(measure, "olga")
    return measure


async def waive(engine: Engine, measure: str, by: str, span: str = "30d", **more: Any) -> Answer:
    """Asks for a waiver of the shortage."""
    fields = {"by": by, "gate": "decided", "rule": RULE, "for": span, "reason": "temps", **more}
    answer: Answer = await engine.client.waive(
        measure, WaiveInput.model_validate(fields, strict=False)
    )
    return answer


@pytest.mark.parametrize("signed", [True, False])
async def test_two_people_at_once_give_one(engine: Engine, signed: bool) -> None:
    """The second is told that it is done, whether or not the gate opened on the first."""
    measure = await blocked(engine, signed)
    answers = await asyncio.gather(*(waive(engine, measure, by) for by in ("sam", "rex")))
    second = "not-blocked" if signed else "already-waived"
    assert sorted(answer.refused for answer in answers) == ["", second]
    [given] = engine.entries(measure, "blocker_waived")
    [waiver] = engine.state(measure).waivers
    assert given.body["id"] == waiver.id
    [answer] = [one for one in answers if one.accepted]
    assert (answer.waiver, answer.waiver_until) == (waiver.id, waiver.until)


async def test_a_delegate_gives_it_for_who_delegated(own_engine: Any) -> None:
    """Both stand in the ledger and in the answer of the gate."""
    async with own_engine() as engine:
        fields = {"from": "sam", "to": "wim", "role": "sponsor",
                  "starts": engine.day(-1), "ends": engine.day(60)}  # fmt: skip
        write_delegation(engine.ledger, Delegation.model_validate(fields, strict=False))
        measure = await blocked(engine)
        answer = await waive(engine, measure, "wim")
        assert answer.stage == "decided", answer
        [aside] = answer.waived
        assert (aside.by, aside.on_behalf_of) == ("wim", "sam")


@pytest.mark.parametrize("lost_days", [0, 3])
async def test_a_rebuild_keeps_a_waiver_and_its_end(
    own_engine: Any, time_skipping_server: WorkflowEnvironment, lost_days: int
) -> None:
    """It covers as before and ends when it was to end, also while Temporal was lost."""
    async with own_engine(server=time_skipping_server, cached=0) as engine:
        measure = await blocked(engine, signed=False)
        bounds = {"short": 20, "available": 30}
        given = await waive(engine, measure, "sam", "2d", up_to=bounds)
        assert [one.waiver for one in given.waived] == [given.waiver]
        before = engine.state(measure).waivers
        for stream, _ in engine.ledger.running():
            await engine.client.temporal.get_workflow_handle(stream).terminate("lost")
        await time_skipping_server.sleep(timedelta(days=lost_days))
        await rebuild(engine.ledger, engine.client)
        if not lost_days:
            await engine.client.settle(measure)
            assert (await engine.client.status(measure)).waived == given.waived
            assert engine.state(measure).waivers == before
            await time_skipping_server.sleep(timedelta(days=3))
        await engine.client.settle(measure)
        [end] = engine.entries(measure, "waiver_expired")
        assert (end.body["id"], end.body["used"]) == (given.waiver, False)
        if not lost_days:
            assert timedelta() <= end.at - given.waiver_until < timedelta(minutes=1)
        assert RULE in engine.state(measure).request.verdict.blocking_rules
        assert engine.state(measure).request.verdict.waived == ()
