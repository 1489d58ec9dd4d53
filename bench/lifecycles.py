"""Lifecycles a second: ours against the bare workflow, on one server in one run."""

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from bench.bare import UPDATES, BareLife
from bench.engine import (
    GATES,
    HOUSE,
    PEOPLE,
    Engine,
    full_measure,
    open_engine,
    sign_off_pack,
    small_measure,
    standard_pack_and_sign_offs,
)
from bench.processes import cpu_seconds
from bench.results import Section, table
from measures.entry import measure_stream
from measures.plan import Evidence
from measures.requests import ReportInput, SignInput
from workflows.client.speaking import TASK_TIMEOUT

IN_FLIGHT = 10
"""Lives side by side, as many as the client itself has in flight; more only lengthens the tail."""

TARGET = 0.6
"""Of the bare workflow's lives a second, in the same round."""

PROOF = Evidence(id="books", title="The books", sha256="0" * 64)

Life = Callable[[str], Awaitable[None]]


@dataclass
class Side:
    """One way to live a life, and what it was measured to cost.

    Attributes:
        pid: the worker that serves it.
        rates: lives a second, one figure a round.
        cpu: milliseconds of server, worker and client a life, one triple a round.
    """

    name: str
    life: Life
    pid: int
    requests: int
    before: Callable[[], None] = lambda: None
    rates: list[float] = field(default_factory=list)
    cpu: list[tuple[float, float, float]] = field(default_factory=list)


async def bench_lifecycles(*, quick: bool) -> Section:
    """Lives many lives on every side, turn by turn."""
    lives, rounds = (40, 2) if quick else (100, 5)
    names = itertools.count()
    async with open_engine() as engine:
        with _bare_workers(engine) as (as_ours, as_default):
            engine.apply(*PEOPLE)
            sides = _sides(engine, as_ours, as_default)
            for number in range(rounds + 1):
                # Each round begins with another side, so that none always comes first.
                first = number % len(sides)
                for side in sides[first:] + sides[:first]:
                    side.before()
                    if number == 0:  # warms caches and compiles packs
                        await _round(engine, side, names, 20)
                        side.rates.clear()
                        side.cpu.clear()
                    else:
                        await _round(engine, side, names, lives)
    return _section(sides, lives, rounds)


def _sides(engine: Engine, as_ours: int, as_default: int) -> list[Side]:
    client = engine.client

    async def bare(name: str, queue: str) -> None:
        handle = await client.temporal.start_workflow(
            BareLife.run, id=f"bare:{name}", task_queue=queue, task_timeout=TASK_TIMEOUT
        )
        for _ in range(UPDATES):
            await handle.execute_update(BareLife.step)
        await handle.result()

    async def one_after_the_other(name: str) -> None:
        await client.define(small_measure(name), "olga")
        for gate in GATES:
            await client.sign(name, _sign(gate))
            answer = await client.advance(name, "olga")
            assert answer.stage == gate, answer
        await _end(engine, name)

    async def in_one_request(name: str) -> None:
        await client.define(small_measure(name), "olga")
        for gate in GATES:
            answer = await client.sign(name, _sign(gate, advance=True))
            assert answer.stage == gate, answer
        await _end(engine, name)

    async def both_at_once(name: str) -> None:
        await client.define(small_measure(name), "olga")
        for gate in GATES:
            signed, asked = await asyncio.gather(
                client.sign(name, _sign(gate)), client.advance(name, "olga")
            )
            assert gate in (signed.stage, asked.stage), (signed, asked)
        await _end(engine, name)

    async def standard(name: str) -> None:
        await client.define(full_measure(name), "olga")
        for gate in GATES:
            if gate == "closed":
                await client.report(name, ReportInput(by="carla", actual={"ebitda": 90, "cost": 9}))
                await client.report(name, ReportInput(by="olga", evidence=PROOF))
            if gate == "decided":
                committee = SignInput(by="tom", gate=gate, role="committee")
                await client.sign(name, committee)
            await client.sign(name, _sign(gate))
            answer = await client.advance(name, "olga")
            assert answer.stage == gate, answer
        await _end(engine, name)

    def only_sign_offs() -> None:
        engine.apply(sign_off_pack("standard"))

    def standard_too() -> None:
        engine.apply(standard_pack_and_sign_offs())

    ours = engine.worker_pid
    return [
        Side("bare, worker set as ours", lambda n: bare(n, "bare-as-ours"), as_ours, 5),
        Side("bare, Temporal's default worker", lambda n: bare(n, "bare-default"), as_default, 5),
        Side("ours, sign then advance", one_after_the_other, ours, 10, only_sign_offs),
        Side("ours, sign and advance at once", both_at_once, ours, 10, only_sign_offs),
        Side("ours, sign --advance", in_one_request, ours, 5, only_sign_offs),
        Side("ours, built-in pack too", standard, ours, 13, standard_too),
    ]


def _sign(gate: str, *, advance: bool = False) -> SignInput:
    """The one sign-off of each gate: the sponsor's, at closing the controller's."""
    by, role = ("carla", "controller") if gate == "closed" else ("sam", "sponsor")
    return SignInput(by=by, gate=gate, role=role, advance=advance)


async def _end(engine: Engine, name: str) -> None:
    await engine.client.temporal.get_workflow_handle(measure_stream(name)).result()


async def _round(engine: Engine, side: Side, names: Iterator[int], lives: int) -> None:
    """Lives so many lives, some side by side."""
    mine = [f"b{next(names)}" for _ in range(lives)]
    waiting = iter(mine)

    async def live() -> None:
        for name in waiting:
            await side.life(name)

    def spent() -> list[float]:
        pids = (engine.server_pid, side.pid)
        return [*map(cpu_seconds, pids), time.process_time()]

    before = spent()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(live())
    seconds = time.perf_counter() - began
    after = spent()
    side.rates.append(lives / seconds)
    server, worker, client = (1000 * (b - a) / lives for a, b in zip(before, after, strict=True))
    side.cpu.append((server, worker, client))


@contextmanager
def _bare_workers(engine: Engine) -> Iterator[tuple[int, int]]:
    """Runs the bare workflow's two workers, each in a process of its own."""
    address = engine.stack.address
    # They end with this process, however it ends.
    leash = [sys.executable, "-I", "-S", str(HOUSE / "worker" / "leash.py"), str(os.getpid())]
    workers = [
        subprocess.Popen(
            [*leash, sys.executable, "-m", "bench.bare", address, queue, kind], cwd=HOUSE
        )
        for queue, kind in (("bare-as-ours", "production"), ("bare-default", "default"))
    ]
    try:
        yield workers[0].pid, workers[1].pid
    finally:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()


def _section(sides: list[Side], lives: int, rounds: int) -> Section:
    bare = sides[0]
    rows = []
    ratios: dict[str, float] = {}
    for side in sides:
        each = [mine / base for mine, base in zip(side.rates, bare.rates, strict=True)]
        ratios[side.name] = median(each)
        cpu = [median(one[place] for one in side.cpu) for place in range(3)]
        rows.append(
            [
                side.name,
                str(side.requests),
                f"{median(side.rates):.1f}",
                f"{median(side.rates) * side.requests:.0f}",
                f"{median(each):.2f} [{min(each):.2f}..{max(each):.2f}]",
                " + ".join(f"{one:.1f}" for one in cpu),
                f"{sum(cpu):.1f}",
            ]
        )
    head = ["a life", "requests", "lives/s", "requests/s", "ratio [range]", "CPU ms", "together"]
    text = (
        f"{table(head, rows)}\n\n{rounds} rounds in turns, {lives} lives a round, {IN_FLIGHT}"
        " side by side. *Ratio* is lives a second against the first line in the same round;"
        " *CPU ms* is what server + worker + client spend on one life, the processes that judge"
        " rules counted with the worker. A life begins with its start and ends when its workflow"
        " has ended; ours also waits until the measure is recorded."
    )
    best = max(ratios[side.name] for side in sides if side.name.startswith("ours"))
    if best >= TARGET:
        return Section(text)
    return Section(text, (f"{best:.2f} of the bare workflow's lives a second, not {TARGET}",))
