"""Verdicts a second beside other engines that do the same job in the same run.

The others live in an environment of their own (requirements/peers.lock), made on first use.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import ValidationError

from bench.engine import HOUSE
from bench.peers.job import JOINED, NOW, PLAIN, SHORT, SINGLE, TRAPS, Facts, facts, short
from bench.processes import cpu_seconds
from bench.results import Section, table
from bench.verdict import NOW as MOMENT
from bench.verdict import pack_text, world
from measures.facts import FACT_KINDS, Fact
from measures.lifecycle import DOI
from measures.verdict import Verdict
from rules.judge import Judge
from rules.loader import load_pack

PEERS = {
    "handwritten": "Python by hand, nothing checked",
    "durable": "durable_rules, comparing inside",
    "durable-joins": "durable_rules, only joining",
    "zen": "zen-engine (GoRules)",
    "rego": "OPA's Rego through regopy",
    "cel-python": "cel-python",
}
OURS = "Sluicegate: both matchers, child process, digests"

_LOCKS = HOUSE / "requirements"
_ENVIRONMENT = HOUSE / ".sluice" / "peers"
_ENOUGH_SECONDS = 120.0


@dataclass
class Contestant:
    """One engine and what it showed.

    Attributes:
        rates: verdicts a second, one figure a round.
        cpu: milliseconds of processor time a verdict, one figure a round.
        traps: what it did with each bad world: ``held``, ``error`` or ``opened``.
        died: why it is gone, when it is.
    """

    title: str
    time: Callable[[float], Awaitable[tuple[int, float, float]]]
    check: Callable[[], Awaitable[bool]]
    trap: Callable[[str], Awaitable[str]]
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    right: bool = False
    traps: dict[str, str] = field(default_factory=dict)
    died: str = ""


class PeerDiedError(Exception):
    """An engine took its process down or answers no more."""


class Peer:
    """One engine in its process."""

    def __init__(self, name: str, python: Path) -> None:
        self._command = [str(python), "-m", "bench.peers", name]
        self._process = self._start()

    async def time(self, seconds: float) -> tuple[int, float, float]:
        """Judges the open world for so long; returns how often, wall and processor seconds."""
        done = await self._ask(f"time {seconds}")
        return done["count"], done["seconds"], done["cpu"]

    async def check(self) -> bool:
        """Tells whether it answers the open and the short world rightly."""
        return bool((await self._ask("check"))["right"])

    async def trap(self, name: str) -> str:
        """Says what it makes of a bad world; after a crash the next one finds a new process."""
        try:
            done = await self._ask(f"trap {name}")
        except PeerDiedError as error:
            self._process = self._start()
            return str(error)
        if "error" in done:
            return "error"
        return "opened" if done["opens"] else "held"

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self._command,
            cwd=HOUSE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    async def _ask(self, request: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_ENOUGH_SECONDS):
                return await asyncio.to_thread(self._exchange, request)
        except TimeoutError:
            self.end()
            raise PeerDiedError("hangs") from None

    def _exchange(self, request: str) -> dict[str, Any]:
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(request + "\n")
            asked.flush()
            line = answers.readline()
            while line == "ready\n":
                line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerDiedError(f"dies (exit code {self._process.wait()})")
        found: dict[str, Any] = json.loads(line)
        return found


async def bench_side_by_side(*, quick: bool) -> Section:
    """Lets every engine do the job, turn by turn."""
    rounds, seconds = (2, 0.5) if quick else (7, 1.5)
    python = await asyncio.to_thread(_environment)
    pack = load_pack(pack_text(JOINED, SINGLE, PLAIN), "bench.yaml")
    async with Judge([pack]) as judge:
        with _peers(python) as peers:
            everybody = [_ourselves(judge), *peers]
            for one in everybody:
                await _prove(one)
            for _ in range(rounds):
                for one in everybody:
                    await _one_round(one, seconds)
    return _section(everybody, rounds, seconds)


def _environment() -> Path:
    """Returns the Python of the peers' environment; makes it where there is none."""
    python = _ENVIRONMENT / "bin" / "python"
    stamp = _ENVIRONMENT / "peers.lock"
    lock = (_LOCKS / "peers.lock").read_text()
    if not (stamp.exists() and stamp.read_text() == lock):
        print("making the environment of the other engines ...", file=sys.stderr)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--quiet", "--require-hashes"]
        subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        # setuptools first: durable_rules is built from source.
        subprocess.run([*pip, "-r", str(_LOCKS / "build.lock")], check=True)
        wanted = ["--no-build-isolation", "-r", str(_LOCKS / "peers.lock")]
        subprocess.run([*pip, *wanted], check=True)
        stamp.write_text(lock)
    return python


@contextmanager
def _peers(python: Path) -> Iterator[list[Contestant]]:
    processes = {name: Peer(name, python) for name in PEERS}
    try:
        yield [
            Contestant(PEERS[name], peer.time, peer.check, peer.trap)
            for name, peer in processes.items()
        ]
    finally:
        for peer in processes.values():
            peer.end()


def _ourselves(judge: Judge) -> Contestant:
    ready = _models(facts())

    async def judged(given: Sequence[Fact]) -> Verdict:
        return await judge.judge(gate="decided", facts=given, now=MOMENT, lifecycle=DOI)

    async def check() -> bool:
        opens = (await judged(ready)).passed
        blockers = (await judged(_models(short()))).blockers
        return opens and {(one.rule, one.subject) for one in blockers} == SHORT

    async def trap(name: str) -> str:
        try:
            given = _models(TRAPS[name]())
        except ValidationError:
            return "refused at the door"
        return "opened" if (await judged(given)).passed else "held"

    async def timed(seconds: float) -> tuple[int, float, float]:
        count = 0
        cpu, began = cpu_seconds(os.getpid()), time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            await judged(ready)
            count += 1
        return count, passed, cpu_seconds(os.getpid()) - cpu

    return Contestant(OURS, timed, check, trap)


def _models(given: Facts) -> list[Fact]:
    """Returns the job's facts as our own; what the job does not state is as in `world`."""
    blank = {fact.kind: fact.model_dump() for fact in world(1, 1)}
    stated = {fact["kind"]: set(fact) for fact in facts()}
    made = []
    for fact in given:
        kind = fact["kind"]
        said = {name: value for name, value in blank[kind].items() if name not in stated[kind]}
        seen_at = datetime.fromtimestamp(fact.get("seen_at", NOW), UTC)
        made.append(FACT_KINDS[kind].model_validate({**said, **fact, "seen_at": seen_at}))
    return made


async def _prove(one: Contestant) -> None:
    try:
        one.right = await one.check()
    except PeerDiedError as error:
        one.died = str(error)
        return
    for name in TRAPS:
        one.traps[name] = await one.trap(name)


async def _one_round(one: Contestant, seconds: float) -> None:
    if one.died:
        return
    try:
        count, passed, cpu = await one.time(seconds)
    except PeerDiedError as error:
        one.died = str(error)
        return
    one.rates.append(count / passed)
    one.cpu.append(1000 * cpu / count)


def _section(everybody: Sequence[Contestant], rounds: int, seconds: float) -> Section:
    ours = median(everybody[0].rates)
    speed = [
        [
            one.title,
            f"{median(one.rates):,.0f}" if one.rates else one.died,
            f"{median(one.rates) / ours:.2f}" if one.rates else "",
            f"{median(one.cpu):.2f}" if one.cpu else "",
            "yes" if one.right else "no",
        ]
        for one in everybody
    ]
    traps = [[one.title, *(one.traps.get(name, one.died) for name in TRAPS)] for one in everybody]
    faster = [one.title for one in everybody[1:] if one.rates and median(one.rates) > ours]
    text = "\n\n".join(
        (
            table(["engine", "verdicts/s", "of ours", "CPU ms", "right"], speed),
            f"{JOINED + SINGLE + PLAIN} rules, {len(facts())} facts, {rounds} rounds of"
            f" {seconds} s in turns, medians. *Right* is whether it lets an open world through and"
            " names all the same blockers in a short one. Ours also gives each blocker its words,"
            " digests the facts, and asks a second engine; the others only say which rule fails"
            " for what.",
            f"**Faster than ours:** {', '.join(faster) or 'none'}.",
            "What must not open a gate:",
            table(["engine", *TRAPS], traps),
        )
    )
    wrong = tuple(
        f"ours opens a gate: {name}" for name, did in everybody[0].traps.items() if did == "opened"
    )
    if not everybody[0].right or not math.isfinite(ours):
        wrong = (*wrong, "our own answer to the job is wrong")
    return Section(text, wrong)
