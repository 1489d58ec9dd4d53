"""From an overload report to the throttle command at the connector, with few and many launches."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median

from bench.engine import PEOPLE, Engine, open_engine, small_measure
from bench.processes import cpu_seconds
from bench.results import Section, table
from measures.documents import Pool, RulePack
from measures.people import Person
from measures.plan import Campaign, Demand
from measures.requests import LoadInput
from measures.throttle import ThrottleSettings

TARGET = 1.0
"""Seconds, at the 95th percentile, until the first campaign's system runs at the new share."""

AT_ONCE = 10
_GATES = ("identified", "detailed", "decided", "launch")


async def bench_throttle(*, quick: bool) -> Section:
    """Reports overload again and again and looks when the campaigns' system has followed."""
    crowds = {10: 5} if quick else {1: 30, 10: 30, 100: 5}
    rows: list[list[str]] = []
    slow: list[str] = []
    async with open_engine() as engine:
        engine.apply(
            *PEOPLE, Person(id="kim", name="Kim Adler", roles=("operations",)), _open_gates()
        )
        for launches, rounds in crowds.items():
            pool = await _launched(engine, launches)
            answered, first, last = [], [], []
            before = _spent(engine)
            for _ in range(rounds):
                seconds, commands = await _round(engine, pool, launches)
                answered.append(seconds)
                first.append(min(commands))
                last.append(max(commands))
            figures = [figure for times in (answered, first, last) for figure in _figures(times)]
            each = [
                1000 * (after - b) / rounds / launches
                for b, after in zip(before, _spent(engine), strict=True)
            ]
            rows.append(
                [str(launches), str(rounds), *figures, " + ".join(f"{one:.0f}" for one in each)]
            )
            if _p95(first) > TARGET:
                slow.append(
                    f"{_p95(first):.2f} s at p95 with {launches} launches, not {TARGET:.0f}"
                )
    head = ["launches", "reports"]
    head += [f"{what} {q}" for what in ("answer", "first", "last") for q in ("p50", "p95")]
    head.append("CPU ms")
    text = (
        f"{table(head, rows)}\n\nOverload reports one after the other, milliseconds"
        " since the report was sent. *Answer* is when whoever reported hears what was decided and"
        " every launch has its signal, *first* and *last* are when the campaigns' own system (the"
        " memory connector, by its own clock on the same machine) runs at the new share. In"
        " between: the decision is recorded, each launch records its order and tells the system."
        " *CPU ms* is what server + worker spend on one launch of one report; it holds on a busy"
        " machine too."
    )
    return Section(text, tuple(slow))


def _open_gates() -> RulePack:
    """Returns a pack that asks for nothing: what is measured comes after the gates."""
    rules = tuple(
        {"id": f"{gate}.is-open", "gate": gate, "require": "true", "message": "never"}
        for gate in _GATES
    )
    return RulePack(pack="standard", title="Every gate is open", rules=rules)


async def _launched(engine: Engine, launches: int) -> str:
    """Opens a pool with so many running campaigns on it and returns its id."""
    name, today = f"pool{launches}", datetime.now(UTC).date()
    period = f"{today:%Y-%m}"
    settings = ThrottleSettings(dwell=timedelta(seconds=1), step=0.01, floor=0.0)
    pool = Pool(
        id=name,
        title=name,
        unit="checks",
        owner="kim",
        capacity={period: 100 * launches},
        throttle=settings,
    )
    await engine.client.open_pool(pool, "operator")
    gate = asyncio.Semaphore(AT_ONCE)

    async def launch(number: int) -> None:
        async with gate:
            await _launch(engine, name, f"{name}-m{number}", period, today)

    await asyncio.gather(*(launch(number) for number in range(launches)))
    await _until_shown(engine, {f"C-{name}-m{n}": 1.0 for n in range(launches)})
    return name


async def _launch(engine: Engine, pool: str, measure: str, period: str, today: date) -> None:
    plan = small_measure(measure).model_copy(
        update={
            "demands": (Demand(pool=pool, period=period, amount=100),),
            "campaign": Campaign(
                connector="memory",
                ref=f"C-{measure}",
                launch_on=today - timedelta(days=1),
                ends_on=today + timedelta(days=30),
            ),
        }
    )
    await engine.client.define(plan, "olga")
    for _ in _GATES[:3]:
        answer = await engine.client.advance(measure, "olga")
        assert answer.verdict == "pass", answer
    assert (await engine.client.launch(measure, "olga")).permit == "granted"


async def _round(engine: Engine, pool: str, launches: int) -> tuple[float, list[float]]:
    """Returns the seconds until the answer, and until each campaign runs at its new share."""
    state = await engine.client.pool_status(pool)
    if state.throttle.changed_at is not None:
        ready = state.throttle.changed_at + state.pool.throttle.dwell
        await asyncio.sleep(max(0.0, (ready - datetime.now(UTC)).total_seconds() + 0.05))
    sent, began = datetime.now(UTC), time.perf_counter()
    answer = await engine.client.report_load(pool, LoadInput(by="kim", utilisation=2.0))
    answered = time.perf_counter() - began
    assert (answer.action, len(answer.shares)) == ("throttle", launches), answer
    wanted = {f"C-{measure}": share for measure, share in answer.shares.items()}
    shown = await _until_shown(engine, wanted)
    return answered, [(at - sent).total_seconds() for at in shown]


async def _until_shown(engine: Engine, wanted: dict[str, float]) -> list[datetime]:
    """Waits until the campaigns' system shows these shares; returns since when it does."""
    deadline = time.monotonic() + 60
    query = "SELECT ref, share, changed_at FROM campaigns WHERE state = 'released'"
    path = engine.folder / "campaigns.db"
    while True:
        rows = sqlite3.connect(path).execute(query).fetchall() if path.exists() else []
        seen = {ref: (share, changed) for ref, share, changed in rows}
        if all(seen.get(ref, (None, ""))[0] == share for ref, share in wanted.items()):
            return [datetime.fromisoformat(seen[ref][1]) for ref in wanted]
        assert time.monotonic() < deadline, f"shown: {seen}, wanted: {wanted}"
        await asyncio.sleep(0.05)


def _spent(engine: Engine) -> list[float]:
    return [cpu_seconds(pid) for pid in (engine.server_pid, engine.worker_pid)]


def _figures(seconds: Sequence[float]) -> list[str]:
    return [f"{1000 * median(seconds):.0f}", f"{1000 * _p95(seconds):.0f}"]


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[round(0.95 * (len(seconds) - 1))]
