"""Every activity can run twice, after a crash or beside another attempt: it records once.

The activities are called as a worker would, on a real ledger; the second call stands for the one
that Temporal makes because the first one's answer was lost.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.changes import Unmoved
from ledger.store import Ledger
from ledger.writer import AsyncLedger
from measures.documents import document_content
from measures.entry import Draft
from measures.people import Person
from measures.requests import LoadInput
from measures.state import Reserved
from rules.judge import Judge
from rules.loader import builtin_packs
from worker.activities.court import Court
from worker.activities.loads import LoadActivities
from worker.activities.measures import MeasureActivities
from worker.activities.pools import PoolActivities
from worker.settings import WorkerSettings
from worker.signing import KeyRing
from workflows.contract import MeasureAct, MeasureRecord, PoolAct, PoolRecord
from workflows.load_contract import LoadAct, LoadRecord

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "id": "spring", "title": "Spring", "description": "More", "type": "campaign",
    "package": "media", "owner": "olga", "sponsor": "sam", "controller": "carla",
    "business_unit": "Retail", "function": "Marketing", "legal_entity": "Bank AG",
    "steering_committee": ["tom"],
    "kpis": [{"id": "k", "title": "K", "baseline": 1, "target": 2, "owner": "olga",
              "cadence": "monthly"}],
    "milestones": [{"id": "m", "title": "M", "due": "2031-02-01", "owner": "olga"}],
    "finance": {"currency": "EUR", "plan": {"ebitda": 5, "cost": 1}},
}  # fmt: skip


class Bench:
    """The activities on a ledger of their own."""

    def __init__(self, ledger: AsyncLedger, judge: Judge) -> None:
        self.ledger = ledger
        keys = KeyRing(ledger, WorkerSettings.load())
        self._measures = MeasureActivities(ledger, Court(ledger, judge), keys)
        self._pools = PoolActivities(ledger)
        self._loads = LoadActivities(ledger)

    async def act(self, verb: Any, command: str, **fields: Any) -> MeasureRecord:
        """Asks a measure; `known` is what the workflow has seen."""
        ask = fields.pop("ask", {"by": "olga"})
        whole = {"measure": "spring", "known": 0, "at": NOW, **fields}
        return await self._measures.act_on_measure(
            MeasureAct(verb=verb, command=command, ask=ask, **whole)
        )

    async def act_on_pool(self, verb: Any, command: str, **fields: Any) -> PoolRecord:
        """Asks the pool."""
        whole = {"pool": "kyc", "known": 0, "at": NOW, **fields}
        return await self._pools.act_on_pool(PoolAct(verb=verb, command=command, **whole))

    async def report_load(self, command: str, known: int, **ask: Any) -> LoadRecord:
        """Reports the pool's load, in the middle of March."""
        at = datetime(2031, 3, 15, tzinfo=UTC)
        load = LoadInput.model_validate({"by": "kim", **ask})
        return await self._loads.act_on_load(
            LoadAct(pool="kyc", known=known, ask=load, at=at, command=command)
        )

    async def define(self, name: str = "spring", **fields: Any) -> None:
        """Defines a measure."""
        plan = {**PLAN, "id": name, **fields}
        await self.act("define", f"def-{name}", measure=name, ask={"by": "x", "plan": plan})

    async def open(self, amount: float) -> None:
        """Opens the pool."""
        pool = {"id": "kyc", "title": "K", "unit": "c", "owner": "kim",
                "capacity": {"2031-03": amount}}  # fmt: skip
        await self.act_on_pool("open", "open", ask={"by": "x", "pool": pool})

    async def number(self, name: str = "spring") -> int:
        """How many entries a measure has."""
        state = await self.ledger.measure(name)
        assert state is not None
        return state.number

    def kinds(self, stream: str) -> list[str]:
        """What was recorded."""
        return [entry.kind for entry in self.ledger.ledger.entries(stream)]


@pytest.fixture(scope="module")
async def judge() -> AsyncIterator[Judge]:
    """The judge of the built-in packs."""
    async with Judge(builtin_packs()) as judge:
        yield judge


@pytest.fixture
async def bench(tmp_path: Path, judge: Judge) -> AsyncIterator[Bench]:
    """Activities on an empty ledger in which people are known."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    for name, role in (("olga", "owner"), ("sam", "sponsor"), ("tom", "committee"),
                       ("carla", "controller"), ("kim", "operations")):  # fmt: skip
        person = Person.model_validate({"id": name, "name": name, "roles": (role,)})
        ledger.append_document("Person", name, document_content(person), "x", NOW, f"p-{name}")
    async with AsyncLedger(ledger) as opened:
        yield Bench(opened, judge)


async def test_a_request_is_recorded_once(bench: Bench) -> None:
    """The second call returns the entries of the first, for a workflow that has not seen them."""
    await bench.define()
    for verb, ask in (
        ("sign", {"by": "sam", "gate": "decided", "role": "sponsor", "decision": "approve"}),
        ("hold", {"by": "olga", "reason": "x"}),
        ("resume", {"by": "olga", "reason": "x"}),
        ("amend", {"by": "olga", "set": {"title": "Other"}}),
    ):
        known = await bench.number()
        first = await bench.act(verb, f"c-{verb}", ask=ask, known=known)
        again = await bench.act(verb, f"c-{verb}", ask=ask, known=known)
        assert first.entries
        assert again.entries == first.entries
        assert again.refused is None
        seen = await bench.act(verb, f"c-{verb}", ask=ask, known=await bench.number())
        assert seen.entries == ()


async def test_defining_twice_is_defining_once(bench: Bench) -> None:
    """Also when the second attempt comes as another command."""
    ask = {"by": "x", "plan": PLAN}
    first = await bench.act("define", "c1", ask=ask)
    again = await bench.act("define", "c1", ask=ask)
    other = await bench.act("define", "c2", ask=ask)
    assert first.entries == again.entries == other.entries
    assert bench.kinds("measure:spring") == ["measure_defined"]


async def test_whoever_waits_is_woken_also_by_the_second_call(bench: Bench) -> None:
    """The first one's answer was lost, and with it the order to wake them."""
    await bench.define("base")
    await bench.define(dependencies=[{"measure": "base", "stage": "identified"}])
    await wait_for_something(bench)
    number = await bench.number("base")
    first = await bench.act("advance", "go", measure="base", known=number)
    again = await bench.act("advance", "go", measure="base", known=number)
    assert first.entries == again.entries
    assert first.wake == again.wake == ("spring",)


async def test_whoever_waits_is_woken_also_by_another_request(bench: Bench) -> None:
    """The next request finds the entries of the crashed one and does what it left undone."""
    await bench.define("base")
    await bench.define(dependencies=[{"measure": "base", "stage": "identified"}])
    await wait_for_something(bench)
    number = await bench.number("base")
    await bench.act("advance", "go", measure="base", known=number)
    refused = await bench.act("resume", "other", measure="base", known=number)
    assert refused.refused is not None
    assert refused.wake == ("spring",)


async def test_a_waiting_request_is_looked_after_also_by_the_second_call(bench: Bench) -> None:
    """When time may help, and that it must be judged again, since nobody knows what it missed."""
    await bench.define(
        campaign={"connector": "memory", "ref": "C", "launch_on": "2031-03-02",
                  "ends_on": "2031-03-31"},
    )  # fmt: skip
    pack = await pack_that_waits_for_the_window(bench)
    assert pack
    number = await bench.number()
    first = await bench.act("advance", "go", known=number)
    assert first.entries[0].body["verdict"]["verdict"] == "block"
    assert first.look_again_at == datetime(2031, 3, 2, tzinfo=UTC)
    again = await bench.act("advance", "go", known=number)
    assert again.entries == first.entries
    assert again.look_again_at == first.look_again_at
    assert again.stale


async def test_capacity_is_reported_once(bench: Bench) -> None:
    """The second call adds no entry, and wakes whom the first one would have woken."""
    await bench.open(5)
    await waiting_for_capacity(bench)
    ask = {"by": "kim", "period": "2031-03", "amount": 9}
    first = await bench.act_on_pool("report_capacity", "c", ask=ask, known=1)
    again = await bench.act_on_pool("report_capacity", "c", ask=ask, known=1)
    assert again.entries == first.entries
    assert first.wake == again.wake == ("spring",)
    assert bench.kinds("pool:kyc") == ["pool_opened", "capacity_reported"]


async def launched(bench: Bench) -> None:
    """The launch of a measure that holds all of the pool runs."""
    await reserve(bench, "spring", amount=5, hard=True)
    campaign = {"connector": "memory", "ref": "CMP", "launch_on": "2031-03-01",
                "ends_on": "2031-03-31"}  # fmt: skip
    wanted = {"wanted": "open", "number": 9, "reason": "", "campaign": campaign}
    for number, (kind, body) in enumerate(
        (
            ("launch_opened", {"ref": "CMP", "measure": "spring", "campaign": campaign}),
            ("launch_wanted", wanted),
            ("ramp_step_reached", {"step": 1, "share": 1.0}),
        ),
        start=1,
    ):
        draft = {"stream": "launch:CMP", "number": number, "kind": kind, "at": NOW, "by": "engine",
                 "command": kind, "body": body}  # fmt: skip
        await bench.ledger.append([Draft.model_validate(draft)])


async def test_a_load_is_taken_once(bench: Bench) -> None:
    """The second call tells the same launches the same, and says what was done."""
    await bench.open(5)
    await launched(bench)
    first = await bench.report_load("c", 2, value=9)
    assert (first.action, [(one.ref, one.share) for one in first.tell]) == (
        "throttle",
        [("CMP", 0.8)],
    )
    assert await bench.report_load("c", 2, value=9) == first
    assert bench.kinds("pool:kyc")[2:] == ["load_reported", "throttle_decided"]
    known = await bench.report_load("c", 4, value=9)
    assert (known.entries, known.tell) == ((), first.tell)


async def test_a_refused_load_brings_what_the_workflow_has_not_seen(bench: Bench) -> None:
    """An entry of an attempt that died is not lost because the next one asks for nonsense."""
    await bench.open(5)
    await bench.report_load("c", 1, value=1)
    refused = await bench.report_load("d", 1, value=1, period="2031-04")
    assert refused.refused is not None
    assert [entry.kind for entry in refused.entries] == ["load_reported"]


async def test_capacity_is_let_go_once(bench: Bench) -> None:
    """And whoever waits for it hears of it also from the second call."""
    await bench.open(5)
    await reserve(bench, "other", hard=True)
    await waiting_for_capacity(bench)
    ask = {"measure": "other", "reason": "done"}
    first = await bench.act_on_pool("release", "c", ask=ask, known=2)
    again = await bench.act_on_pool("release", "c", ask=ask, known=2)
    assert again.entries == first.entries
    assert first.wake == again.wake == ("spring",)


@pytest.mark.parametrize(("amount", "hard"), [(5, False), (2, True)])
async def test_holding_less_than_before_wakes_who_waits(
    bench: Bench, amount: float, hard: bool
) -> None:
    """What was held hard and is only noted now, or held in part, is free for others."""
    await bench.open(5)
    await reserve(bench, "other", hard=True)
    await waiting_for_capacity(bench)
    assert (await reserve(bench, "other", amount=amount, hard=hard)).wake == ("spring",)


async def test_holding_more_wakes_nobody(bench: Bench) -> None:
    """Nobody is called for what does not help them."""
    await bench.open(5)
    await waiting_for_capacity(bench)
    assert (await reserve(bench, "other", hard=False)).wake == ()
    assert (await reserve(bench, "other", hard=True)).wake == ()


async def test_what_another_attempt_recorded_counts(bench: Bench) -> None:
    """An attempt that died after recording is found, whatever it was; nothing is lost."""
    await bench.define()
    known = await bench.number()
    await bench.act("hold", "crashed", ask={"by": "olga", "reason": "x"}, known=known)
    record = await bench.act("advance", "next", known=known)
    assert record.refused is not None
    assert record.refused.code == "on-hold"
    assert [entry.kind for entry in record.entries] == ["hold_placed"]


async def test_two_attempts_at_once_record_one(bench: Bench, monkeypatch: Any) -> None:
    """The slower one finds what the other recorded and answers with that."""
    await bench.define()
    known = await bench.number()
    real = bench.ledger.append
    raced: list[MeasureRecord] = []

    async def overtaken(drafts: list[Draft], bound: Unmoved | None) -> Any:
        if not raced:
            raced.append(MeasureRecord())
            raced[0] = await bench.act("advance", "go", known=known)
        return await real(drafts, bound)

    monkeypatch.setattr(bench.ledger, "append", overtaken)
    slower = await bench.act("advance", "go", known=known, at=NOW + timedelta(seconds=3))
    assert slower.entries == raced[0].entries
    assert bench.kinds("measure:spring").count("stage_advanced") == 1


async def test_a_lost_race_is_decided_anew(bench: Bench, monkeypatch: Any) -> None:
    """If somebody else's entry came first, the request is judged on top of it."""
    await bench.define()
    known = await bench.number()
    real = bench.ledger.append
    done: list[bool] = []

    async def overtaken(drafts: list[Draft], bound: Unmoved | None) -> Any:
        if not done:
            done.append(True)
            await bench.act("hold", "first", ask={"by": "olga", "reason": "x"}, known=known)
        return await real(drafts, bound)

    monkeypatch.setattr(bench.ledger, "append", overtaken)
    record = await bench.act("advance", "second", known=known)
    assert record.refused is not None
    assert [entry.kind for entry in record.entries] == ["hold_placed"]


async def test_a_verdict_on_changed_facts_is_stale(bench: Bench, monkeypatch: Any) -> None:
    """What changed between judging and recording is noticed, whoever asked."""
    await bench.open(5)
    await waiting_for_capacity(bench, ask=False)
    known = await bench.number()
    real = bench.ledger.append
    done: list[bool] = []

    async def overtaken(drafts: list[Draft], bound: Unmoved | None) -> Any:
        if not done:
            done.append(True)
            ask = {"by": "kim", "period": "2031-03", "amount": 99}
            woken = await bench.act_on_pool("report_capacity", "cap", ask=ask, known=1)
            assert woken.wake == ()
        return await real(drafts, bound)

    monkeypatch.setattr(bench.ledger, "append", overtaken)
    assert (await bench.act("advance", "go", known=known)).stale


async def wait_for_something(bench: Bench) -> None:
    """Makes `spring` wait at a gate."""
    await bench.act("amend", "no-text", ask={"by": "olga", "set": {"description": ""}}, known=1)
    record = await bench.act("advance", "wait", known=2)
    assert [entry.kind for entry in record.entries] == ["gate_judged"]


async def waiting_for_capacity(bench: Bench, *, ask: bool = True) -> None:
    """Makes `spring` wait at decided for six of the pool's five."""
    await bench.define(demands=[{"pool": "kyc", "period": "2031-03", "amount": 6}])
    await bench.act("advance", "g1", known=1)
    held = Reserved(amounts={"kyc": {"2031-03": 6}}, hard=False)
    await bench.act("advance", "g2", known=await bench.number(), held=held)
    for by, role in (("sam", "sponsor"), ("tom", "committee")):
        sign = {"by": by, "gate": "decided", "role": role, "decision": "approve"}
        await bench.act("sign", f"s-{by}", ask=sign, known=await bench.number())
    if ask:
        record = await bench.act("advance", "g3", known=await bench.number())
        verdict = record.entries[0].body["verdict"]
        assert [b["rule"] for b in verdict["blockers"]] == ["decided.capacity-covers-demand"]


async def reserve(bench: Bench, measure: str, *, hard: bool, amount: float = 5) -> PoolRecord:
    """Reserves for a measure."""
    state = (await bench.ledger.pools(["kyc"]))["kyc"]
    demand = {"pool": "kyc", "period": "2031-03", "amount": amount}
    ask = {"measure": measure, "demands": [demand], "hard": hard}
    return await bench.act_on_pool("reserve", f"r{state.number}", ask=ask, known=state.number)


async def pack_that_waits_for_the_window(bench: Bench) -> bool:
    """Applies a pack whose first gate waits for the campaign's window."""
    pack = {
        "kind": "RulePack", "pack": "standard", "title": "Own", "lifecycle": "doi",
        "rules": [{
            "id": "identified.window", "gate": "identified", "when": {"c": {"kind": "campaign"}},
            "require": "c.inside_window", "message": "not yet", "clear_by": "measure.owner",
        }],
    }  # fmt: skip
    entry = await bench.ledger.append_document("RulePack", "standard", pack, "x", NOW, "pack")
    return entry is not None


async def test_a_fault_of_ours_stops_one_request_not_the_measure(bench: Bench) -> None:
    """What cannot even be read is refused and tried no more; the measure goes on."""
    await bench.define()
    record = await bench.act("report", "broken", known=1, ask={"by": "olga", "nonsense": 1})
    assert record.refused is not None
    assert record.refused.code == "engine-fault"
    assert "nothing moved" in record.refused.message
    after = await bench.act("advance", "next", known=1)
    assert after.refused is None
    assert [entry.kind for entry in after.entries] == ["gate_judged", "stage_advanced"]
