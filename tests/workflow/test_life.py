"""A measure's life on a real server, from defined to closed."""

from typing import Any

import pytest

from measures.errors import RefusedError
from measures.requests import AmendInput, ReasonInput

pytestmark = pytest.mark.temporal

Engine = Any
SHA = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"


async def test_from_defined_to_closed(engine: Engine) -> None:
    """Every gate opens on what it asks for; at the end the workflow is done."""
    measure = await engine.define()
    assert (await engine.client.advance(measure, "olga")).stage == "identified"
    assert (await engine.client.advance(measure, "olga")).stage == "detailed"
    blocked = await engine.client.advance(measure, "olga")
    assert blocked.verdict == "block"
    assert set(blocked.blockers) == {"decided.sponsor-has-signed", "decided.committee-has-signed"}
    await engine.sign(measure, "sam", "sponsor")
    await engine.sign(measure, "tom", "committee")
    assert (await engine.sign(measure, "uma", "committee")).stage == "decided"
    await engine.report(measure, "olga", milestone={"id": "live", "done_on": engine.day(0)})
    assert (await engine.client.advance(measure, "olga")).stage == "implemented"
    await engine.report(measure, "carla", actual={"ebitda": 95})
    await engine.report(measure, "carla", evidence={"id": "bill", "title": "Bill", "sha256": SHA})
    await engine.sign(measure, "carla", "controller", gate="closed")
    assert (await engine.client.advance(measure, "olga")).stage == "closed"

    handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
    await handle.result()
    kinds = [entry.kind for entry in engine.entries(measure)]
    assert kinds.count("stage_advanced") == 5
    assert [e.number for e in engine.entries(measure)] == list(range(1, len(kinds) + 1))


async def test_the_answers_after_the_end(engine: Engine) -> None:
    """Who asks an ended or unknown measure is told so, at once."""
    measure = await engine.define()
    await engine.client.cancel(measure, ReasonInput(by="olga", reason="enough"))
    await engine.client.temporal.get_workflow_handle(f"measure:{measure}").result()
    with pytest.raises(RefusedError) as refusal:
        await engine.client.advance(measure, "olga")
    assert refusal.value.code == "already-ended"
    with pytest.raises(RefusedError) as refusal:
        await engine.client.advance(engine.id("nobody"), "olga")
    assert refusal.value.code == "unknown-measure"
    with pytest.raises(RefusedError) as refusal:
        await engine.capacity("nothing", 5)
    assert refusal.value.code == "unknown-pool"
    with pytest.raises(RefusedError) as refusal:
        await engine.client.status(engine.id("nobody"))
    assert refusal.value.code == "unknown-measure"
    with pytest.raises(RefusedError) as refusal:
        await engine.define()
    assert refusal.value.code == "exists"


async def test_what_cannot_be_defined_is_refused_with_its_reason(engine: Engine) -> None:
    """The asker hears the code, and nothing is recorded."""
    for fields, code in (
        ({"controller": "olga"}, "duties-not-separate"),
        ({"lifecycle": "l0-l9"}, "unknown-lifecycle"),
    ):
        with pytest.raises(RefusedError) as refusal:
            await engine.define(**fields)
        assert refusal.value.code == code
    assert engine.ledger.measure(engine.id("spring")) is None
    await engine.define()
    assert engine.state(engine.id("spring")).stage == "defined"


async def test_large_requests_are_refused_at_the_door(engine: Engine) -> None:
    """64 KiB for decisions, 256 KiB for documents and reports; nothing of it is recorded."""
    measure = await engine.define()
    number = engine.state(measure).number
    many = ["x" * 480 + str(n) for n in range(600)]
    evidence = {"id": "bill", "title": "Bill", "sha256": SHA, "link": "x" * 500}
    await engine.report(measure, "olga", evidence=evidence)
    for call in (
        engine.client.hold(measure, ReasonInput.model_construct(by="olga", reason="x" * 66_000)),
        engine.client.amend(measure, AmendInput(by="olga", set={"risks": many})),
        engine.client.define(engine.plan("large", risks=many), "operator"),
    ):
        with pytest.raises(RefusedError) as refusal:
            await call
        assert refusal.value.code == "too-large"
        assert "SHA-256" in refusal.value.message
    assert engine.state(measure).number == number + 1


async def test_size_is_counted_in_bytes(engine: Engine) -> None:
    """Not in letters: what travels is UTF-8."""
    measure = await engine.define()
    risks = ["€" * 490] * 200  # 98,000 letters, 294,000 bytes
    with pytest.raises(RefusedError) as refusal:
        await engine.client.amend(measure, AmendInput(by="olga", set={"risks": risks}))
    assert refusal.value.code == "too-large"


async def test_hold_stops_and_resume_goes_on(engine: Engine) -> None:
    """What comes true during a hold is found when it ends."""
    measure = await engine.define()
    await engine.reach(measure, "detailed")
    await engine.client.advance(measure, "olga")
    held = await engine.client.hold(measure, ReasonInput(by="olga", reason="budget"))
    assert held.on_hold
    assert (await engine.client.advance(measure, "olga")).refused == "on-hold"
    await engine.approve(measure)
    assert (await engine.client.status(measure)).stage == "detailed"
    resumed = await engine.client.resume(measure, ReasonInput(by="olga"))
    assert (resumed.stage, resumed.on_hold) == ("decided", False)


async def test_stepping_back_and_cancelling_let_go_of_capacity(engine: Engine) -> None:
    """What is no longer decided holds nothing, and can be decided again."""
    await engine.pool(amount=100)
    measure = await engine.define(demands=[engine.demand("kyc", 60)])
    await engine.reach(measure, "decided")
    pool = await engine.client.pool_status(engine.id("kyc"))
    assert pool.held(engine.period()) == 60
    back = await engine.client.step_back(measure, ReasonInput(by="olga", reason="target"))
    assert (back.stage, back.reservations) == ("detailed", {})
    assert set(back.voided) == {
        "decided/sponsor/sam",
        "decided/committee/tom",
        "decided/committee/uma",
    }
    pool = await engine.client.pool_status(engine.id("kyc"))
    assert pool.held(engine.period()) == 0

    await engine.reach(measure, "decided")
    gone = await engine.client.cancel(measure, ReasonInput(by="olga", reason="enough"))
    assert gone.reservations == {}
    pool = await engine.client.pool_status(engine.id("kyc"))
    assert pool.held(engine.period()) == 0
    assert engine.state(measure).ended


async def test_a_refusal_changes_nothing(engine: Engine) -> None:
    """Neither in the workflow nor in the ledger."""
    measure = await engine.define()
    before = engine.state(measure)
    for answer in (
        await engine.client.advance(measure, "kim"),
        await engine.sign(measure, "olga", "sponsor"),
        await engine.client.launch(measure, "olga"),
        await engine.client.resume(measure, ReasonInput(by="olga")),
        await engine.report(measure, "olga", actual={"ebitda": 1}),
        await engine.client.hold(measure, ReasonInput(by="olga", reason=" \t ")),
        await engine.client.cancel(measure, ReasonInput(by="olga", reason=" ")),
    ):
        assert not answer.accepted
        assert answer.message
    assert engine.state(measure) == before
    assert (await engine.client.status(measure)).number == before.number


async def test_queries_tell_what_the_ledger_tells(engine: Engine) -> None:
    """Status and blockers of the running workflow are the record's."""
    measure = await engine.define()
    await engine.reach(measure, "detailed")
    await engine.client.advance(measure, "olga")
    await engine.client.settle(measure)
    status = await engine.client.status(measure)
    assert status.verdict == "block"
    assert status.number == engine.state(measure).number
    assert set(status.waiting_for) == {"sam", "tom", "uma", "vera"}
    assert status.history_events > 0
    handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
    reasons = await handle.query("blockers")
    assert {reason["rule"] for reason in reasons} == set(status.blockers)
    assert all(reason["line"] > 0 and reason["command"] for reason in reasons)
