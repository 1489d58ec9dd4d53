"""Measures that wait for a pool are served in their turn, without asking again."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from measures.documents import RulePack, document_content
from measures.lifecycle import DOI
from measures.plan import Demand
from measures.pool_state import PoolState
from measures.requests import AmendInput, CapacityInput, ReasonInput
from workflows.contract import ReserveAsk

pytestmark = pytest.mark.temporal

Engine = Any


async def ready(engine: Engine, name: str, *demands: dict[str, Any], **fields: Any) -> str:
    """A measure that lacks nothing but capacity to be decided."""
    measure: str = await engine.define(name, demands=list(demands), **fields)
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    return measure


async def asks(engine: Engine, name: str, amount: float, **fields: Any) -> str:
    """A measure that has asked to be decided, and waits for one pool if it must."""
    measure = await ready(engine, name, engine.demand("kyc", amount), **fields)
    await engine.client.advance(measure, "olga")
    return measure


def pool_of(engine: Engine, name: str = "kyc") -> PoolState:
    """What the ledger says of a pool."""
    state: PoolState = engine.ledger.pool(engine.id(name))
    return state


async def test_a_smaller_later_one_does_not_overtake(engine: Engine) -> None:
    """What comes free goes to who has waited longer, then what is left to the next."""
    await engine.pool("kyc", 100)
    holder = await asks(engine, "holder", 50)
    big = await asks(engine, "big", 80)
    small = await asks(engine, "small", 30)
    assert pool_of(engine).queued(engine.now()) == [big, small]
    blocked = engine.state(small).request.verdict
    assert blocked.blocking_rules == ("decided.capacity-covers-demand",)
    await engine.client.cancel(holder, ReasonInput(by="olga"))
    await engine.until_stage(big, "decided")
    await engine.client.settle(small)
    assert engine.state(small).stage == "detailed"
    assert pool_of(engine).queued(engine.now()) == [small]
    await engine.capacity("kyc", 110)
    await engine.until_stage(small, "decided")
    assert pool_of(engine).queue == {}


async def test_the_more_urgent_is_served_first(engine: Engine) -> None:
    """Also when it asked later."""
    await engine.pool("kyc", 100)
    await asks(engine, "holder", 100)
    usual = await asks(engine, "usual", 60)
    urgent = await asks(engine, "urgent", 60, priority=9)
    assert pool_of(engine).queued(engine.now()) == [urgent, usual]
    await engine.capacity("kyc", 160)
    await engine.until_stage(urgent, "decided")
    await engine.client.settle(usual)
    assert engine.state(usual).stage == "detailed"


async def test_who_cannot_move_keeps_nobody_waiting(engine: Engine) -> None:
    """A hold leaves the queue, resuming takes the same place again; a changed plan leaves it."""
    await engine.pool("kyc", 100)
    await asks(engine, "holder", 60)
    first = await asks(engine, "first", 50)
    second = await asks(engine, "second", 41)
    await engine.client.hold(first, ReasonInput(by="olga"))
    assert pool_of(engine).queued(engine.now()) == [second]
    await engine.client.resume(first, ReasonInput(by="olga"))
    assert pool_of(engine).queued(engine.now()) == [first, second]
    third = await asks(engine, "third", 40)
    assert engine.state(third).stage == "detailed"
    # Its signatures are void now, so that it waits for more than capacity; the third may pass.
    await engine.client.amend(first, AmendInput(by="olga", set={"scope": "smaller"}))
    await engine.client.cancel(second, ReasonInput(by="olga"))
    await engine.until_stage(third, "decided")
    assert pool_of(engine).queue == {}


async def test_nothing_is_kept_in_vain(engine: Engine) -> None:
    """Who needs more of another pool than there is at all does not stop others here."""
    await engine.pool("agents", 5)
    await engine.pool("kyc", 100)
    vain = await ready(engine, "vain", engine.demand("agents", 6), engine.demand("kyc", 100))
    await engine.client.advance(vain, "olga")
    assert [pool_of(engine, name).queue[vain].ready for name in ("agents", "kyc")] == [True, False]
    other = await asks(engine, "other", 100)
    assert engine.state(other).stage == "decided"


async def test_capacity_cut_below_what_is_held_shuts_the_launch(engine: Engine) -> None:
    """The least urgent loses first; what comes back covers it again."""
    await engine.pool("kyc", 100)
    kept = await asks(engine, "kept", 60, priority=9, campaign=engine.campaign())
    lost = await asks(engine, "lost", 40, campaign={**engine.campaign(), "ref": engine.id("L")})
    cut = await engine.capacity("kyc", 70)
    said = [(one.measure, one.held, one.covered) for one in cut.uncovered]
    assert said == [(lost, 40, 10)]
    again = await engine.capacity("kyc", 70)
    assert again.uncovered == cut.uncovered, "said again, they lack it still"
    assert (await engine.client.launch(kept, "olga")).permit == "granted"
    denied = await engine.client.launch(lost, "olga")
    assert denied.permit == "denied"
    assert set(denied.blockers) == {"decided.capacity-covers-demand", "launch.capacity-reserved"}
    assert denied.seen["launch.capacity-reserved"] == {"needed": 40, "reserved": 10}
    assert (await engine.capacity("kyc", 100)).uncovered == ()
    assert (await engine.client.launch(lost, "olga")).permit == "granted"


async def test_a_hold_releases_where_the_lifecycle_says_so(engine: Engine) -> None:
    """What it let go is taken back when it is resumed, if it is free by then."""
    releasing = DOI.model_copy(update={"id": engine.id("doi-r"), "on_hold": "release"})
    engine.ledger.append_document(
        "Lifecycle",
        releasing.id,
        document_content(releasing),
        "operator",
        engine.now(),
        releasing.id,
    )
    packs = standard_pack_for(releasing.id)
    engine.ledger.append_document(
        "RulePack", packs.id, document_content(packs), "operator", engine.now(), packs.id
    )
    await engine.pool("kyc", 100)
    demands = [engine.demand("kyc", 60)]
    first = await engine.define("first", demands=demands, lifecycle=releasing.id)
    for _ in range(3):
        await engine.client.advance(first, "olga")
    assert engine.state(first).reserved.hard
    await engine.client.hold(first, ReasonInput(by="olga"))
    assert pool_of(engine).held(engine.period()) == 0
    assert engine.state(first).reserved.amounts == {}
    other = await asks(engine, "other", 60)
    assert engine.state(other).stage == "decided"
    await engine.client.resume(first, ReasonInput(by="olga"))
    assert engine.state(first).reserved.amounts == {}
    await engine.client.hold(first, ReasonInput(by="olga"))
    await engine.client.cancel(other, ReasonInput(by="olga"))
    await engine.client.resume(first, ReasonInput(by="olga"))
    assert engine.state(first).reserved.amounts == {engine.id("kyc"): {engine.period(): 60}}
    assert pool_of(engine).held(engine.period()) == 60


def standard_pack_for(lifecycle: str) -> RulePack:
    """A pack that asks for nothing but capacity."""
    rule = {
        "id": "decided.room",
        "gate": ["identified", "detailed", "decided"],
        "require": 'measure.title != ""',
        "message": "{measure.id} has no title",
        "clear_by": "measure.owner",
    }
    return RulePack(pack=f"room-{lifecycle}", title="Room", lifecycle=lifecycle, rules=(rule,))


@pytest.mark.time_skipping
async def test_reservations_end_with_their_period_by_themselves(
    skipping: Engine, time_skipping_server: WorkflowEnvironment
) -> None:
    """At midnight UTC after its last day; how much was used stays known, and a note goes too."""
    await skipping.pool("kyc", 100)
    day = skipping.day(2)
    report = CapacityInput(by="kim", period=day, amount=9)
    await skipping.client.report_capacity(skipping.id("kyc"), report)
    demand = Demand(pool=skipping.id("kyc"), period=day, amount=9)
    for measure, hard in (("a", True), ("b", False)):
        ask = ReserveAsk(measure=measure, demands=(demand,), hard=hard)
        await skipping.client.reserve(skipping.id("kyc"), ask, key=skipping.id(measure))
    await time_skipping_server.sleep(timedelta(days=2))
    assert set(pool_of(skipping).holdings) == {"a", "b"}
    await time_skipping_server.sleep(timedelta(days=1))
    await skipping.until(lambda: not pool_of(skipping).holdings, "they did not end")
    assert pool_of(skipping).used == {day: 9}
