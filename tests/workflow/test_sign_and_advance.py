"""A sign-off that also asks for its gate: one request, recorded as two would be, or not at all."""

from typing import Any

import pytest

from measures.requests import SignInput

pytestmark = pytest.mark.temporal

Engine = Any


def _last_word(gate: str = "decided", advance: bool = True) -> SignInput:
    return SignInput(by="uma", gate=gate, role="committee", advance=advance)


async def _all_but_the_last_word(engine: Engine, **fields: Any) -> str:
    measure: str = await engine.define("m", **fields)
    await engine.reach(measure, "detailed")
    for by, role in (("sam", "sponsor"), ("tom", "committee")):
        await engine.client.sign(measure, SignInput(by=by, gate="decided", role=role))
    return measure


async def test_the_last_sign_off_opens_the_gate(engine: Engine) -> None:
    """It leaves the same entries as a sign-off and an advance, all under one command."""
    measure = await _all_but_the_last_word(engine)
    before = engine.state(measure).number
    answer = await engine.client.sign(measure, _last_word(), key=f"{measure}-last")
    assert (answer.verdict, answer.stage) == ("pass", "decided")
    entries = [entry for entry in engine.entries(measure) if entry.number > before]
    kinds = [entry.kind for entry in entries]
    assert kinds == ["signed_off", "gate_judged", "stage_advanced"]
    assert {entry.command for entry in entries} == {f"{measure}-last"}


async def test_capacity_is_held_before_anything_is_recorded(engine: Engine) -> None:
    """The gate that needs a reservation opens with it, in the same request."""
    await engine.pool("kyc", 100)
    measure = await _all_but_the_last_word(engine, demands=[engine.demand("kyc", 60)])
    answer = await engine.client.sign(measure, _last_word())
    assert answer.stage == "decided"
    assert answer.reservations == {engine.id("kyc"): {engine.period(): 60}}


async def test_a_blocked_one_waits_signed(engine: Engine) -> None:
    """The sign-off counts, and the request goes through by itself when it can."""
    await engine.pool("kyc", 10)
    measure = await _all_but_the_last_word(engine, demands=[engine.demand("kyc", 60)])
    answer = await engine.client.sign(measure, _last_word())
    assert (answer.verdict, answer.stage) == ("block", "detailed")
    assert "decided/committee/uma" in [s.name for s in engine.state(measure).sign_offs]
    await engine.capacity("kyc", 60)
    await engine.until_stage(measure, "decided")


async def test_it_asks_for_no_other_gate(engine: Engine) -> None:
    """A sign-off given early cannot ask for its gate; nothing of it is recorded."""
    measure = await engine.define("m")
    before = engine.state(measure).number
    answer = await engine.client.sign(measure, _last_word())
    assert (answer.accepted, answer.refused) == (False, "not-the-next-gate")
    assert engine.state(measure).number == before
