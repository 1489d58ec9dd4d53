"""Live load comes in at the pool, and the campaigns' own system runs at the share that is left."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.memory import MemoryConnector
from measures.documents import Pool
from measures.entry import Entry, pool_stream
from measures.errors import RefusedError
from measures.requests import LoadInput, ReasonInput
from workflows.load_contract import LoadAnswer

pytestmark = pytest.mark.temporal


def shares(engine: Any, *names: str) -> list[float]:
    """What the campaigns' system shows, however it came to that."""
    crm = MemoryConnector(engine.settings.state_dir)
    return [seen.share if (seen := crm._show(f"{engine.id('CMP')}-{n}")) else -1 for n in names]


def decisions(engine: Any) -> list[Entry]:
    """What the pool has decided."""
    return list(engine.ledger.entries(pool_stream(engine.id("kyc")), kinds=["throttle_decided"]))


async def month(
    engine: Any, *campaigns: tuple[str, float, int], kpis: Any = None, **pool: Any
) -> None:
    """A pool of 11,000 this month, and campaigns that run on it: name, demand, priority."""
    document = {"id": engine.id("kyc"), "title": "Checks", "unit": "checks", "owner": "kim"}
    capacity = {f"{engine.today:%Y-%m}": 11_000}
    kyc = Pool.model_validate({**document, "capacity": capacity, **pool}, strict=False)
    await engine.client.open_pool(kyc, "operator")
    extra = {} if kpis is None else {"kpis": kpis}
    demand = {"pool": engine.id("kyc"), "period": f"{engine.today:%Y-%m}"}
    for name, amount, priority in campaigns:
        measure = await engine.define(
            name,
            priority=priority,
            **extra,
            demands=[{**demand, "amount": amount}],
            campaign={**engine.campaign(), "ref": f"{engine.id('CMP')}-{name}"},
        )
        await engine.reach(measure, "decided")
        assert (await engine.client.launch(measure, "olga")).permit == "granted"
    names = [name for name, _, _ in campaigns]
    await engine.until(lambda: shares(engine, *names) == [1.0] * len(names))


async def report(engine: Any, key: str | None = None, **form: Any) -> LoadAnswer:
    """The pool's owner reports its load."""
    ask = LoadInput.model_validate({"by": "kim", **form})
    answer: LoadAnswer = await engine.client.report_load(engine.id("kyc"), ask, key=key)
    return answer


async def test_overload_throttles_the_campaigns_by_priority(engine: Any) -> None:
    """In the system itself, with the numbers in the ledger; the same report again does nothing."""
    await month(engine, ("a", 4000, 5), ("b", 3000, 1))
    answer = await report(engine, "load-1", value=12_500)
    told = {engine.id("a"): 0.8889, engine.id("b"): 0.8}
    assert (answer.accepted, answer.action, answer.missed) == (True, "throttle", ())
    assert answer.shares == pytest.approx(told)
    await engine.until(lambda: shares(engine, "a", "b") == [0.8889, 0.8])
    again = await report(engine, "load-1", value=12_500)
    assert (again.number, again.shares) == (answer.number, answer.shares)
    hold = await report(engine, value=12_500)
    assert (hold.action, hold.shares) == ("hold", answer.shares)
    assert "left to work" in hold.why
    [decided] = decisions(engine)
    assert decided.body["utilisation"] == pytest.approx(1.136364)
    launch = engine.ledger.launch(f"{engine.id('CMP')}-a")
    assert launch.shares[engine.id("kyc")].reason.startswith(f"pool {engine.id('kyc')} at 114%")
    assert await engine.client.pool_status(engine.id("kyc")) == engine.ledger.pool(engine.id("kyc"))
    # What was told again with the later reports left nothing there.
    kinds = [entry.kind for entry in engine.ledger.entries(f"launch:{launch.ref}")]
    assert kinds.count("share_ordered") == 1


async def test_room_gives_back_step_by_step(engine: Any) -> None:
    """A dwell after the step before, and no faster; a shorter dwell counts at once."""
    await month(engine, ("a", 9000, 5), throttle={"dwell": "1h", "step": 0.3})
    await report(engine, utilisation=2.0)
    await engine.until(lambda: shares(engine, "a") == [0.7])
    early = await report(engine, utilisation=0.3)
    assert (early.action, early.shares) == ("hold", {engine.id("a"): 0.7})
    pool = (await engine.client.pool_status(engine.id("kyc"))).pool
    shorter = pool.throttle.model_copy(update={"dwell": timedelta(seconds=1)})
    changed = pool.model_copy(update={"throttle": shorter})
    assert (await engine.client.change_pool(changed, "kim")).accepted
    while (answer := await report(engine, utilisation=0.3)).action == "hold":
        assert "left to work" in answer.why
    assert (answer.action, answer.shares) == ("accelerate", {engine.id("a"): 1.0})
    await engine.until(lambda: shares(engine, "a") == [1.0])
    first, second = decisions(engine)
    assert second.at - first.at >= timedelta(seconds=1)


async def test_a_report_for_nobody_is_refused(engine: Any) -> None:
    """With a code; nothing is recorded."""
    await engine.pool("kyc", 100)
    answer = await report(engine, value=10)
    assert (answer.accepted, answer.refused) == (False, "no-capacity")
    stranger = LoadInput(by="olga", value=10)
    refused = await engine.client.report_load(engine.id("kyc"), stranger)
    assert refused.refused == "not-entitled"
    assert (await engine.client.pool_status(engine.id("kyc"))).load is None
    with pytest.raises(RefusedError) as unknown:
        await engine.client.report_load("no-such-pool", stranger)
    assert unknown.value.code == "unknown-pool"


async def test_a_breached_guardrail_holds_the_campaign_in_its_system(engine: Any) -> None:
    """By the report alone; a person with a reason and a new permit let it go on."""
    cost = {
        "id": "cac", "title": "Acquisition cost", "baseline": 50, "target": 50, "owner": "kim",
        "cadence": "weekly", "formula": "acquisition-cost",
        "guardrail": {"over_baseline": 0.4, "on_breach": "pause"},
    }  # fmt: skip
    await month(engine, ("a", 4000, 5), kpis=[cost])
    measure = engine.id("a")
    fine = await engine.report(measure, "kim", delivery={"spent": 7_000, "completed": 100})
    assert not fine.on_hold
    breached = await engine.report(measure, "kim", delivery={"spent": 7_001, "completed": 100})
    assert breached.on_hold
    await engine.until(lambda: shares(engine, "a") == [0.0])
    assert engine.state(measure).permit is None
    assert (await engine.client.launch(measure, "olga")).refused == "on-hold"
    unsaid = await engine.client.resume(measure, ReasonInput(by="olga"))
    assert unsaid.refused == "no-reason"
    await engine.client.resume(measure, ReasonInput(by="olga", reason="creative replaced"))
    assert (await engine.client.launch(measure, "olga")).permit == "granted"
    await engine.until(lambda: shares(engine, "a") == [1.0])
