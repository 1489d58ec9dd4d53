"""Demands in other units and surges, on the real server: reserved, confirmed, learned, kept."""

from datetime import timedelta
from typing import Any

from measures.chains import CONVERSIONS
from measures.conversion import Conversion, report_actual
from measures.documents import Pool, document_content
from measures.entry import pool_stream
from measures.model import restore
from measures.requests import CapacityInput


def state_ratio(engine: Any, **fields: Any) -> Conversion:
    """A conversion from this test's clicks to this test's checks becomes known."""
    name = engine.id("clicks-to-checks")
    whole = {"id": name, "title": "Clicks", "from": engine.id("clicks"), "to": engine.id("checks"),
             "ratio": 0.1, "error": 0.2, "owner": "olga", **fields}  # fmt: skip
    conversion = restore(Conversion, whole)
    engine.ledger.append_document(
        "Conversion", name, document_content(conversion), "operator", engine.now(), name
    )
    return conversion


def learn(engine: Any, conversion: Conversion, went_in: float, came_out: float) -> None:
    """What came last month is reported."""
    month = (engine.today.replace(day=1) - timedelta(days=1)).isoformat()[:7]
    _, draft = report_actual(
        conversion, version=1, period=month, went_in=went_in, came_out=came_out, by="olga",
        at=engine.now(), command="learned",
    )  # fmt: skip
    engine.ledger.append([draft])


async def open_pool(engine: Any, amount: float, **fields: Any) -> Pool:
    """A pool in this test's own unit."""
    whole = {"id": engine.id("kyc"), "title": "KYC", "unit": engine.id("checks"), "owner": "kim",
             "capacity": {engine.period(): amount}, **fields}  # fmt: skip
    pool = restore(Pool, whole)
    await engine.client.open_pool(pool, "operator")
    return pool


async def test_what_arrives_is_reserved_and_a_ratio_that_falls_frees_who_waits(
    engine: Any,
) -> None:
    """The pool holds its own unit; who waits is judged anew; what was decided stays decided."""
    conversion = state_ratio(engine)
    pool = await open_pool(engine, 1250)
    demand = {**engine.demand("kyc", 10_000), "unit": engine.id("clicks")}
    measure = await engine.define(demands=[demand])
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    answer = await engine.client.advance(measure, "olga")
    assert answer.verdict == "block"
    waiting = engine.state(measure)
    [need] = waiting.needs
    assert (need.amount, need.mean, need.stated) == (1264, 1000, 10_000)
    assert need.chain == (conversion.version,)
    assert CONVERSIONS in waiting.watches

    learn(engine, conversion, 10_000, 600)
    assert measure in engine.ledger.waiting_on(CONVERSIONS)
    await engine.client.tell_facts_changed(engine.ledger.waiting_on(CONVERSIONS))
    await engine.until_stage(measure, "decided")
    decided = engine.state(measure)
    [kept] = decided.needs
    assert kept.amount is not None
    assert kept.amount <= 1250
    assert kept.chain != (conversion.version,)
    held = engine.ledger.pool(pool.id)
    assert held is not None
    assert held.holdings[measure].amounts == {engine.period(): kept.amount}
    # Only plain amounts ever reach a pool's own stream.
    reserved = [e for e in engine.ledger.entries(pool_stream(pool.id)) if "amounts" in e.body]
    assert reserved
    assert engine.id("clicks") not in str([entry.body for entry in reserved])


async def test_a_surge_holds_the_gate_until_it_is_confirmed(engine: Any) -> None:
    """Before or after the gate was asked for; a demand that grows must be confirmed anew."""
    team = {"id": "night", "title": "Night shift", "lead": "wim"}
    pool = await open_pool(engine, 5000, normal={"month": 1000}, teams=[team])
    measure = await engine.define(demands=[engine.demand("kyc", 1500)])
    surge = {"pool": pool.id}
    refused = await engine.report(measure, "olga", surge=surge)
    assert refused.refused == "not-entitled"
    assert (await engine.report(measure, "kim", surge=surge)).accepted
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    answer = await engine.client.advance(measure, "olga")
    assert answer.verdict == "block"
    assert answer.waiting_for == ("wim",)
    assert [one.team for one in engine.state(measure).surge if not one.confirmed_by] == ["night"]
    answer = await engine.report(measure, "wim", surge=surge)
    assert answer.stage == "decided"
    [by_kim, by_wim] = engine.entries(measure, "surge_confirmed")
    assert (by_kim.body["needed"], by_wim.body["team"]) == (1500, "night")


async def test_an_objection_stops_a_launch_until_it_is_taken_back(engine: Any) -> None:
    """Also once the gate is passed: the permit ends, and comes back without being asked for."""
    pool = await open_pool(engine, 5000, normal={"month": 1000})
    campaign = engine.campaign()
    measure = await engine.define(demands=[engine.demand("kyc", 1500)], campaign=campaign)
    surge = {"pool": pool.id}
    assert (await engine.report(measure, "kim", surge=surge)).accepted
    await engine.reach(measure, "decided")
    assert (await engine.client.launch(measure, "olga")).permit == "granted"
    answer = await engine.report(measure, "kim", surge={**surge, "declined": "two are ill"})
    assert answer.accepted, answer
    await engine.until(lambda: engine.state(measure).permit is None, "the permit still stands")
    [shut] = engine.entries(measure, "permit_denied")
    [blocker] = shut.body["verdict"]["blockers"]
    assert blocker["rule"] == "launch.no-surge-is-declined"
    assert "two are ill" in blocker["message"]
    assert (await engine.report(measure, "kim", surge=surge)).accepted
    await engine.until(lambda: engine.state(measure).permit is not None, "no permit came back")


async def test_a_pool_that_changes_its_unit_leaves_nothing_to_compare(engine: Any) -> None:
    """Clicks against hours is inconclusive, never a number; the way back is a conversion."""
    state_ratio(engine)
    pool = await open_pool(engine, 1e9)
    demand = {**engine.demand("kyc", 10), "unit": engine.id("clicks")}
    measure = await engine.define(demands=[demand])
    await engine.client.change_pool(pool.model_copy(update={"unit": "hours"}), "operator")
    ask = CapacityInput(by="kim", period=engine.period(), amount=1e9)
    await engine.client.report_capacity(pool.id, ask)
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    answer = await engine.client.advance(measure, "olga")
    assert (answer.verdict, answer.stage) == ("inconclusive", "detailed")
    [need] = engine.state(measure).needs
    assert need.amount is None
    assert "no conversion leads" in need.why
