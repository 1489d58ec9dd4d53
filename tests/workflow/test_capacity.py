"""Capacity over several pools: all or nothing, never sold twice, and given back."""

import asyncio
from typing import Any

import pytest

from measures.requests import AmendInput, CapacityInput, ReasonInput
from worker.activities.capacity import CapacityActivities
from workflows.contract import Holding, ReserveAsk

pytestmark = pytest.mark.temporal

Engine = Any


async def ready(engine: Engine, name: str, *demands: dict[str, Any]) -> str:
    """A measure that lacks nothing but capacity to be decided."""
    measure: str = await engine.define(name, demands=list(demands))
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    return measure


async def held(engine: Engine, pool: str, measure: str) -> tuple[dict[str, float], bool]:
    """What a pool notes for a measure, and whether it is held."""
    state = await engine.client.pool_status(engine.id(pool))
    holding = state.holdings.get(measure)
    return (dict(holding.amounts), holding.hard) if holding else ({}, False)


async def test_all_pools_or_none(engine: Engine) -> None:
    """One pool that cannot is enough that none holds anything hard."""
    await engine.pool("agents", 100)
    await engine.pool("kyc", 10)
    measure = await ready(engine, "m", engine.demand("agents", 60), engine.demand("kyc", 11))
    blocked = await engine.client.advance(measure, "olga")
    assert blocked.verdict == "block"
    assert blocked.reservations == {}
    assert await held(engine, "agents", measure) == ({engine.period(): 60}, False)
    await engine.capacity("kyc", 11)
    await engine.until_stage(measure, "decided")
    for pool, amount in (("agents", 60), ("kyc", 11)):
        assert await held(engine, pool, measure) == ({engine.period(): amount}, True)


async def test_only_its_owner_changes_a_pool(engine: Engine) -> None:
    """The pool itself refuses everybody else, whatever asked it."""
    name = await engine.pool("kyc", 10)
    pool = (await engine.client.pool_status(name)).pool
    newer = pool.model_copy(update={"capacity": {engine.period(): 999}})
    refused = await engine.client.change_pool(newer, "olga")
    assert (refused.accepted, refused.refused) == (False, "not-entitled")
    assert (await engine.client.pool_status(name)).pool == pool
    assert (await engine.client.change_pool(newer, "kim")).accepted
    assert (await engine.client.pool_status(name)).pool == newer


async def test_a_period_taken_out_of_the_document_shuts_the_launch(engine: Engine) -> None:
    """Whoever holds it is named in the answer; a permit that stands ends."""
    name = await engine.pool("kyc", 100)
    measure = await engine.define(demands=[engine.demand("kyc", 80)], campaign=engine.campaign())
    await engine.reach(measure, "decided")
    assert (await engine.client.launch(measure, "olga")).permit == "granted"
    pool = (await engine.client.pool_status(name)).pool
    without = pool.model_copy(update={"capacity": {}})
    answer = await engine.client.change_pool(without, "kim")
    assert [(one.measure, one.covered) for one in answer.uncovered] == [(measure, 0)]
    await engine.until(lambda: engine.state(measure).permit is None, "the permit still stands")
    assert engine.entries(measure, "permit_revoked")[-1].body["why"] == "gate-shut"


async def test_at_detailed_demand_is_noted_only(engine: Engine) -> None:
    """It takes nothing from anybody."""
    await engine.pool("kyc", 10)
    measure = await engine.define(demands=[engine.demand("kyc", 500)])
    await engine.reach(measure, "detailed")
    assert await held(engine, "kyc", measure) == ({engine.period(): 500}, False)
    assert (await engine.client.status(measure)).noted == {engine.id("kyc"): {engine.period(): 500}}


async def test_two_that_want_the_same_at_once(engine: Engine) -> None:
    """One gets it, the other waits; what is held never exceeds what there is."""
    await engine.pool("kyc", 100)
    measures = [await ready(engine, f"m{n}", engine.demand("kyc", 60)) for n in range(4)]
    answers = await asyncio.gather(*(engine.client.advance(m, "olga") for m in measures))
    assert sorted(a.verdict for a in answers) == ["block", "block", "block", "pass"]
    pool = await engine.client.pool_status(engine.id("kyc"))
    assert pool.held(engine.period()) == 60
    await engine.capacity("kyc", 180)
    await engine.until(lambda: [engine.state(m).stage for m in measures].count("decided") == 3)
    pool = await engine.client.pool_status(engine.id("kyc"))
    assert pool.held(engine.period()) == 180


async def test_what_was_taken_in_vain_is_given_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another takes the second pool between verdict and reservation, the first is freed.

    Nothing may stay held for a measure whose record does not say so.
    """
    await engine.pool("agents", 100)
    await engine.pool("kyc", 100)
    measure = await ready(engine, "m", engine.demand("agents", 60), engine.demand("kyc", 60))
    real = CapacityActivities._ask
    taken: list[str] = []

    async def raced(self: CapacityActivities, holding: Holding, *rest: Any) -> Any:
        if holding.hard and holding.measure == measure and not taken:
            taken.append("x")
            ask = ReserveAsk(
                measure="other",
                demands=tuple(d for d in holding.demands if d.pool == engine.id("kyc")),
                hard=True,
            )
            await engine.client.reserve(engine.id("kyc"), ask, key=engine.id("race"))
        return await real(self, holding, *rest)

    monkeypatch.setattr(CapacityActivities, "_ask", raced)
    answer = await engine.client.advance(measure, "olga")
    assert taken, "the race was not run"
    assert answer.verdict == "block"
    assert await held(engine, "agents", measure) == ({engine.period(): 60}, False)
    assert await held(engine, "kyc", measure) == ({engine.period(): 60}, False)


async def test_changed_demands_change_what_is_held(engine: Engine) -> None:
    """After stepping back, less is asked of one pool and nothing of the other."""
    await engine.pool("agents", 100)
    await engine.pool("kyc", 100)
    measure = await ready(engine, "m", engine.demand("agents", 60), engine.demand("kyc", 60))
    await engine.client.advance(measure, "olga")
    assert engine.state(measure).stage == "decided"
    await engine.client.step_back(measure, ReasonInput(by="olga"))
    demands = [engine.demand("kyc", 20)]
    await engine.client.amend(measure, AmendInput(by="olga", set={"demands": demands}))
    await engine.approve(measure)
    await engine.client.advance(measure, "olga")
    assert engine.state(measure).stage == "decided"
    assert await held(engine, "agents", measure) == ({}, False)
    assert await held(engine, "kyc", measure) == ({engine.period(): 20}, True)


async def test_a_report_twice_with_one_key_is_one(engine: Engine) -> None:
    """The pool remembers its requests."""
    await engine.pool("kyc", 5)
    ask = CapacityInput(by="kim", period=engine.period(), amount=9)
    one = await engine.client.report_capacity(engine.id("kyc"), ask, key=engine.id("key"))
    two = await engine.client.report_capacity(engine.id("kyc"), ask, key=engine.id("key"))
    assert one.number == two.number == 2


async def test_only_the_owner_reports(engine: Engine) -> None:
    """The refusal comes back as an answer."""
    await engine.pool("kyc", 5)
    ask = CapacityInput(by="olga", period=engine.period(), amount=9)
    answer = await engine.client.report_capacity(engine.id("kyc"), ask)
    assert (answer.accepted, answer.refused) == (False, "not-entitled")
