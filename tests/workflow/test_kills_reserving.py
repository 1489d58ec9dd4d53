"""Real processes die while capacity is reserved: nothing oversold, nothing held by halves."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from measures.documents import Pool, document_content
from measures.errors import EngineError
from measures.people import Person
from measures.plan import Demand
from measures.requests import SignInput
from tests.workflow.test_kills import Place
from tests.workflow.test_kills import place as place
from workflows.contract import PoolAnswer, ReserveAsk

pytestmark = pytest.mark.temporal

Engine = Any


async def patiently(ask: Any) -> Any:
    """Asks again, under the same key, until an answer comes."""
    while True:
        try:
            return await ask()
        except EngineError:
            await asyncio.sleep(0.05)


async def test_two_hundred_at_once_over_a_kill(place: Place, engine: Engine) -> None:
    """Each is answered, each that was told yes is held, and the pool to its last unit at most."""
    period = engine.period()
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={period: 700})
    await place.client.open_pool(pool, "operator")
    answers: dict[str, PoolAnswer] = {}

    async def reserve(name: str) -> None:
        ask = ReserveAsk(
            measure=name, demands=(Demand(pool="kyc", period=period, amount=7),), hard=True
        )
        answers[name] = await patiently(lambda: place.client.reserve("kyc", ask, key=f"k-{name}"))

    asking = [asyncio.create_task(reserve(f"m{number}")) for number in range(200)]
    async with asyncio.timeout(60):
        while len(answers) < 40:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        place.kill("worker")
        await asyncio.gather(*asking)
    state = place.ledger.pool("kyc")
    assert state is not None
    told = {name for name, answer in answers.items() if not answer.lacking}
    assert set(state.holdings) == told
    assert (len(told), state.held(period)) == (100, 700)
    entries = list(place.ledger.entries("pool:kyc"))
    assert [entry.number for entry in entries] == list(range(1, 102))
    place.ledger.verify()


async def test_no_half_reservation_whatever_is_killed(place: Place, engine: Engine) -> None:
    """Six measures want two pools each that have room for three; worker and server die.

    In the end three hold both pools, as their records say; the others hold neither and wait.
    """
    period = engine.period()
    people = {"sam": "sponsor", "carla": "controller", "tom": "committee", "kim": "operations"}
    now = place.stack().server.started
    for name, role in people.items():
        person = Person.model_validate({"id": name, "name": name, "roles": (role,)})
        place.ledger.append_document(
            "Person", name, document_content(person), "x", now, f"p-{name}"
        )
    for name, amount in (("agents", 33), ("kyc", 39)):
        pool = Pool(id=name, title=name, unit="hours", owner="kim", capacity={period: amount})
        await place.client.open_pool(pool, "operator")
    demands = [{"pool": name, "period": period, "amount": 10} for name in ("agents", "kyc")]
    measures = [f"m{number}" for number in range(6)]
    plan = engine.plan(demands=demands, steering_committee=["tom"])

    async def prepare(name: str) -> None:
        await place.client.define(plan.model_copy(update={"id": name}), "operator")
        for _ in ("identified", "detailed"):
            await place.client.advance(name, "olga")
        for by, role in (("sam", "sponsor"), ("tom", "committee")):
            await place.client.sign(name, SignInput(by=by, gate="decided", role=role))

    await asyncio.gather(*map(prepare, measures))
    asking = [
        asyncio.create_task(
            patiently(lambda name=name: place.client.advance(name, "olga", key=f"go-{name}"))
        )
        for name in measures
    ]

    def reserving() -> int:
        made = [list(place.ledger.entries(f"pool:{name}")) for name in ("agents", "kyc")]
        return sum(entry.body.get("hard", False) for entries in made for entry in entries)

    async with asyncio.timeout(90):
        while reserving() < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        place.kill("worker")
        while reserving() < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        place.kill("worker", "server")
        await asyncio.gather(*asking)
        await patiently(lambda: place.client.settle_all(measures))
        holders = {name for name in measures if place.ledger.measure(name).stage == "decided"}  # type: ignore[union-attr]
    assert len(holders) == 3
    for pool_name in ("agents", "kyc"):
        state = place.ledger.pool(pool_name)
        assert state is not None
        assert {name for name, one in state.holdings.items() if one.hard} == holders
        assert state.queued(engine.now() + timedelta(days=1)) == [
            name for name in state.queued(engine.now() + timedelta(days=1)) if name not in holders
        ]
        assert set(state.queue) == set(measures) - holders
    for name in holders:
        measure = place.ledger.measure(name)
        assert measure is not None
        assert measure.reserved.amounts == {pool: {period: 10} for pool in ("agents", "kyc")}
    place.ledger.verify()
