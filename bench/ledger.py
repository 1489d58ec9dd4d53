"""How fast the ledger appends and verifies: `python -m bench.ledger` prints a Markdown table.

PostgreSQL is measured where `SLUICE_BENCH_POSTGRES` or the default server answers. Figures depend
on the machine and its disk; compare those of one run with each other.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from ledger.store import Ledger
from ledger.verify import verify_file
from ledger.writer import AsyncLedger
from measures.entry import Draft, measure_stream
from measures.plan import Demand, Finance, Kpi, Measure, Milestone
from measures.verdict import Blocker, Verdict

POSTGRES = os.environ.get("SLUICE_BENCH_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
ENTRIES_PER_LIFE = 15
LIVES = 200


def life(name: str) -> list[Draft]:
    """A measure of usual size that is asked for its gates again and again."""
    plan = Measure(
        id=name,
        title=f"Measure {name}",
        description="What it is and why it is worth the while. " * 10,
        type="campaign",
        package="p",
        owner="olga",
        kpis=tuple(
            Kpi(id=f"k{n}", title="KPI", unit="%", baseline=1.5, target=2.5, cadence="monthly")
            for n in range(5)
        ),
        milestones=tuple(Milestone(id=f"s{n}", title="Step", owner="olga") for n in range(6)),
        demands=(Demand(pool="kyc", period="2031-03", amount=100),),
        finance=Finance(currency="EUR", plan={"ebitda": 1_000_000, "cost": 250_000}),
    )
    verdict = Verdict(
        gate="decided",
        verdict="block",
        blockers=(
            Blocker(
                rule="decided.capacity-covers-demand",
                answer="block",
                message="13,000 identity checks are needed in 2031-03 and 11,000 are free",
                wanted="offer.available >= demand.amount",
                seen={"needed": 13000, "available": 11000, "short": 2000},
                clear_by=("kim",),
            ),
        ),
        pack_digest="a" * 64,
        facts_digest="b" * 64,
        at=NOW,
    )
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("measure_defined", {"plan": plan.model_dump(mode="json", by_alias=True)})
    ]
    judged: dict[str, Any] = {"verdict": verdict.model_dump(mode="json"), "waiting_for": ["kim"]}
    bodies += [("gate_judged", judged)] * (ENTRIES_PER_LIFE - 1)
    return [
        Draft(
            stream=measure_stream(name),
            number=number,
            kind=kind,  # type: ignore[arg-type]
            at=NOW + timedelta(minutes=number),
            by="olga",
            command=f"{name}-{number}",
            body=body,
            facts_digest="b" * 64,
            pack_digest="a" * 64,
        )
        for number, (kind, body) in enumerate(bodies, start=1)
    ]


async def append(url: str, at_once: int) -> tuple[float, float]:
    """Lives measures, `at_once` side by side; returns appends and CPU milliseconds for each."""
    lives = [life(f"m{at_once}-{number}") for number in range(LIVES)]
    async with await AsyncLedger.open(url) as ledger:
        waiting = iter(lives)

        async def live() -> None:
            for drafts in waiting:
                for draft in drafts:
                    await ledger.append([draft])

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(live() for _ in range(at_once)))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    appends = LIVES * ENTRIES_PER_LIFE
    return appends / seconds, 1000 * cpu / appends


def rate(entries: int, began: float) -> float:
    """Entries a second since a moment."""
    return entries / (time.perf_counter() - began)


def measure(name: str, url: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yields what was measured: database, what, figure."""
    for at_once in (1, 50):
        speed, cpu = asyncio.run(append(url, at_once))
        yield name, f"appends/s, {at_once} at once", f"{speed:,.0f}"
        yield name, f"CPU ms an append, {at_once} at once", f"{cpu:.2f}"
    with Ledger.open(url) as ledger:
        began = time.perf_counter()
        entries = ledger.verify().entries
        yield name, "entries verified/s", f"{rate(entries, began):,.0f}"
        began = time.perf_counter()
        ledger.rebuild_projections()
        yield name, "entries refolded/s", f"{rate(entries, began):,.0f}"
        file = folder / f"{name}.jsonl"
        ledger.export(file)
        began = time.perf_counter()
        verify_file(file)
        yield name, "entries of a file verified/s", f"{rate(entries, began):,.0f}"
        for what, ask in (
            ("measure", lambda: ledger.measure("m1-1")),
            ("directory", ledger.directory),
            ("waiting_on", lambda: ledger.waiting_on("pool:none")),
            ("changed_since", lambda: ledger.changed_since(["measure:m1-1", "documents"], entries)),
        ):
            began = time.perf_counter()
            for _ in range(500):
                ask()
            yield name, f"microseconds, {what}", f"{1e6 / rate(500, began):,.0f}"


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """Empty ledgers to measure; they are dropped afterwards."""
    found = {
        "SQLite": f"sqlite:///{folder}/normal.db",
        "SQLite, synchronous=FULL": f"sqlite:///{folder}/full.db?synchronous=FULL",
    }
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        sys.stderr.write(f"PostgreSQL is not measured: {error}\n")
        yield found
        return
    name = f"ledger_bench_{os.getpid()}"
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield {**found, "PostgreSQL": POSTGRES.rpartition("/")[0] + "/" + name}
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> None:
    """Measures and prints."""
    write = sys.stdout.write
    write(f"{LIVES} measures with {ENTRIES_PER_LIFE} entries each.\n\n")
    with tempfile.TemporaryDirectory() as place, databases(Path(place)) as found:
        figures: dict[str, list[str]] = {}
        for name, url in found.items():
            for _, what, figure in measure(name, url, Path(place)):
                figures.setdefault(what, []).append(figure)
        write(f"| | {' | '.join(found)} |\n|---|{'---:|' * len(found)}\n")
        for what, row in figures.items():
            write(f"| {what} | {' | '.join(row)} |\n")


if __name__ == "__main__":
    main()
