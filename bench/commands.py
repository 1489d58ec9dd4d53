"""What is measured by running programs: the tables of others, the stories, the help."""

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.engine import HOUSE
from bench.results import Section, table

STORIES = HOUSE.parent / "shared" / "scenarios"
STORIES_TARGET = 60.0
VERDICT_TARGET = 3.0
HELP_TARGET = 300.0
_SLUICE = str(Path(sys.executable).with_name("sluice"))
_MEDIAN = re.compile(r"^\| verdict, .*?\| (?P<ms>[\d.]+) ms \|", re.MULTILINE)
_AT_MOST = 600.0


async def bench_verdict() -> Section:
    """Times verdicts, see bench/verdict.py."""
    text = await _output([sys.executable, "-m", "bench.verdict"])
    slowest = max(float(found["ms"]) for found in _MEDIAN.finditer(text))
    if slowest <= VERDICT_TARGET:
        return Section(text)
    return Section(text, (f"the median of a verdict is {slowest:.2f} ms, not 3",))


async def bench_ledger() -> Section:
    """Times the ledger, see bench/ledger.py."""
    return Section(await _output([sys.executable, "-m", "bench.ledger"]))


async def bench_stories() -> Section:
    """Times the five stories, each on a stack of its own that is killed as it says."""
    stories = sorted(STORIES.glob("0*.yaml"))
    if not stories:
        return Section(f"There are no stories in {STORIES}.", ("the stories were not played",))
    rows = []
    for story in stories:
        began = time.perf_counter()
        await _output([_SLUICE, "simulate", str(story)])
        rows.append((story.stem, time.perf_counter() - began))
    total = sum(seconds for _, seconds in rows)
    text = table(
        ["story", "seconds"],
        [[name, f"{seconds:.1f}"] for name, seconds in [*rows, ("all together", total)]],
    )
    late = (f"the stories take {total:.0f} s, not 60",) if total > STORIES_TARGET else ()
    return Section(f"{text}\n\nStart and end of each stack included.", late)


async def bench_help() -> Section:
    """Times `sluice --help`."""
    spans = []
    for _ in range(11):
        began = time.perf_counter()
        await _output([_SLUICE, "--help"])
        spans.append(1000 * (time.perf_counter() - began))
    # The first may have read its modules from the disk.
    middle = median(spans[1:])
    text = table(
        ["command", "first ms", "median ms of 10 more", "slowest ms"],
        [["`sluice --help`", f"{spans[0]:.0f}", f"{middle:.0f}", f"{max(spans[1:]):.0f}"]],
    )
    late = (f"`sluice --help` takes {middle:.0f} ms, not 300",) if middle > HELP_TARGET else ()
    return Section(text, late)


async def _output(command: list[str]) -> str:
    """Runs a program and returns what it printed.

    Raises:
        RuntimeError: with its last words, when it fails.
    """

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=HOUSE, capture_output=True, text=True, timeout=_AT_MOST, check=False
        )

    done = await asyncio.to_thread(run)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout.strip()
