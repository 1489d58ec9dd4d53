"""Thousands of open measures: start rate, memory, the speed of a decision, and what kills cost."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles

from bench.crowd import CLIENTS, Crowd
from bench.engine import GATES, PEOPLE, Engine, open_engine, sign_off_pack, small_measure
from bench.processes import memory_mib
from bench.results import Section, table
from measures.requests import SignInput
from worker.keeper import until
from workflows.client.speaking import AT_ONCE

STEADY_SECONDS = 4.0
"""How long the clients ask before a kill, and after the last answer it held up."""

ON_THEIR_WAY = 0.1
"""Seconds after a kill within which answers may arrive that were sent before it."""

WORKER_TARGET = 3.0


@dataclass(frozen=True)
class Level:
    """What was measured with so many measures open."""

    open: int
    start_rate: float | None
    server_mib: float
    worker_mib: float
    decisions: tuple[float, ...]
    """Milliseconds of each gate decision."""

    def percentile(self, rank: int) -> float:
        """Returns a percentile of the decisions in milliseconds."""
        return quantiles(self.decisions, n=100, method="inclusive")[rank - 1]


@dataclass(frozen=True)
class Kill:
    """What one kill -9 under load cost."""

    victim: str
    in_flight: int
    first: float
    last: float
    back: float
    repeats: int


async def bench_open_measures(*, quick: bool) -> Section:
    """Opens measures, decides gates among them, kills processes under load."""
    most, sample, kills = (700, 60, 1) if quick else (7_000, 300, 3)
    async with open_engine() as engine:
        engine.apply(*PEOPLE, sign_off_pack("standard"))
        await _decide(engine, [f"w{n}" for n in range(20)])  # the first ones warm everything
        levels = []
        opened = 0
        for wanted in (0, most // 7, most):
            rate = await _open(engine, range(opened, wanted))
            opened = wanted
            await asyncio.sleep(2)
            levels.append(await _level(engine, wanted, rate, sample))
        crowd = Crowd(engine, ((f"o{n}", gate) for gate in GATES[:-1] for n in range(opened)))
        position = engine.ledger.position()
        felled = []
        async with crowd.asking():
            await asyncio.sleep(STEADY_SECONDS)
            for victim in ("worker", "server", "both") * kills:
                felled.append(await _kill(engine, crowd, victim))
                await asyncio.sleep(STEADY_SECONDS)
        lost, twice = await _compare(engine, crowd, position)
        engine.ledger.verify()
    return _section(levels, felled, len(crowd.asked), lost, twice)


async def _open(engine: Engine, numbers: range) -> float | None:
    """Defines measures as `sluice apply` does, and returns how many a second."""
    if not numbers:
        return None
    waiting = iter(numbers)

    async def define() -> None:
        for number in waiting:
            await engine.client.define(small_measure(f"o{number}"), "olga")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(define())
    return len(numbers) / (time.perf_counter() - began)


async def _level(engine: Engine, opened: int, rate: float | None, sample: int) -> Level:
    decisions = await _decide(engine, [f"d{opened}-{n}" for n in range(sample)])
    return Level(
        opened,
        rate,
        memory_mib(engine.server_pid),
        memory_mib(engine.worker_pid),
        tuple(decisions),
    )


async def _decide(engine: Engine, names: list[str]) -> list[float]:
    """Asks for a gate of signed measures, one at a time, and returns the milliseconds of each."""
    client = engine.client
    for name in names:
        await client.define(small_measure(name), "olga")
        await client.sign(name, SignInput(by="sam", gate="identified", role="sponsor"))
    spans = []
    for name in names:
        began = time.perf_counter()
        answer = await client.advance(name, "olga")
        spans.append(1000 * (time.perf_counter() - began))
        assert answer.stage == "identified", answer
    return spans


async def _kill(engine: Engine, crowd: Crowd, victim: str) -> Kill:
    """Kills processes under load and waits for every request that it held up."""
    pids = {"worker": [engine.worker_pid], "server": [engine.server_pid]}
    victims = pids.get(victim, [pid for each in pids.values() for pid in each])
    killed = time.monotonic()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    held_up = crowd.in_flight(killed)
    await engine.until(
        lambda stack: (
            stack.server.pid not in victims
            and (stack.worker is None or stack.worker.pid not in victims)
        )
    )
    back = time.monotonic() - killed
    await until(lambda: all(one.ended is not None for one in held_up), every=0.01)
    ends = [one.ended - killed for one in crowd.asked if one.ended is not None]
    late = [one for one in held_up if one.ended and one.ended - killed > ON_THEIR_WAY]
    return Kill(
        victim,
        in_flight=len(late),
        first=min((end for end in ends if end > ON_THEIR_WAY), default=0.0),
        last=max((one.ended - killed for one in late if one.ended), default=0.0),
        back=back,
        repeats=sum(one.repeats for one in held_up),
    )


async def _compare(engine: Engine, crowd: Crowd, position: int) -> tuple[int, int]:
    """Counts answers that ledger or workflow do not know, and requests that count twice."""
    recorded: Counter[tuple[str, str]] = Counter()
    for entry in engine.ledger.entries(after=position):
        recorded[entry.command, entry.kind] += 1
    lost = sum(
        recorded[one.key, "signed_off"] + recorded[one.key, "stage_advanced"] != 1
        for one in crowd.asked
    )
    twice = sum(many > 1 for many in recorded.values())
    for name in {one.measure for one in crowd.asked}:
        status = await engine.client.status(name)
        known = engine.ledger.measure(name)
        if known is None or (status.number, status.stage) != (known.number, known.stage):
            lost += 1
    return lost, twice


def _section(levels: list[Level], felled: list[Kill], asked: int, lost: int, twice: int) -> Section:
    misses = []
    ratio = levels[-1].percentile(95) / levels[0].percentile(95)
    if ratio > 2:
        misses.append(f"p95 of a decision at {levels[-1].open:,} open is {ratio:.1f} x that at 0")
    slowest = max(kill.last for kill in felled if kill.victim == "worker")
    if slowest > WORKER_TARGET:
        misses.append(f"after a worker's death the last answer came after {slowest:.1f} s, not 3")
    if lost or twice:
        misses.append(f"{lost} decisions lost, {twice} counted twice")
    text = "\n\n".join(
        [
            table(
                [
                    "open measures",
                    "started a second",
                    "server MiB",
                    "worker MiB",
                    "decision p50 ms",
                    "p95",
                    "p99",
                ],
                [_level_row(level) for level in levels],
            ),
            f"A decision is an `advance` of a signed measure, one at a time,"
            f" {len(levels[0].decisions)} on each line; p95 with {levels[-1].open:,} open is"
            f" {ratio:.2f} times that with none (target: at most 2).",
            table(
                ["killed with kill -9", "times", "in flight", "back s", "first answer s", "all s"],
                list(_kill_rows(felled)),
            ),
            f"{CLIENTS} clients with {levels[-1].open:,} measures open; median [worst]. *Back* is"
            " until the supervisor sees the new process answer; *all* is until everything that"
            f" was in flight at the kill was answered. {asked:,} requests were answered:"
            f" {lost} lost, {twice} counted twice, by the ledger and by the workflows' own state;"
            " the ledger verifies."
            f" Asked again by the client after an error: {sum(kill.repeats for kill in felled)}.",
        ]
    )
    return Section(text, tuple(misses))


def _level_row(level: Level) -> list[str]:
    return [
        f"{level.open:,}",
        f"{level.start_rate:.0f}" if level.start_rate else "",
        f"{level.server_mib:.0f}",
        f"{level.worker_mib:.0f}",
        *(f"{level.percentile(rank):.1f}" for rank in (50, 95, 99)),
    ]


def _kill_rows(felled: list[Kill]) -> Iterator[list[str]]:
    for victim in dict.fromkeys(kill.victim for kill in felled):
        mine = [kill for kill in felled if kill.victim == victim]
        yield [
            victim,
            str(len(mine)),
            f"{median(kill.in_flight for kill in mine):.0f}",
            _both([kill.back for kill in mine]),
            _both([kill.first for kill in mine]),
            _both([kill.last for kill in mine]),
        ]


def _both(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} [{max(seconds):.1f}]"
