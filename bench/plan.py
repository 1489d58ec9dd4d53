"""How long `sluice rules plan` takes over a large portfolio, and what its short cut saves."""

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.portfolio import fill
from bench.results import Section, table
from ledger.store import Ledger
from rules.comparing import compare
from rules.judge import Judge
from rules.loader import builtin_pack_files, builtin_packs, load_pack
from rules.preview import Asked, Preview

MEASURES = 10_000
SAMPLE = 200
TARGET = 10.0
_SLUICE = str(Path(sys.executable).with_name("sluice"))


async def bench_plan(*, quick: bool) -> Section:
    """Times whole commands, and a sample with and without the short cut."""
    measures = MEASURES // 10 if quick else MEASURES
    changes = _changes()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        with Ledger.open(url) as ledger:
            fill(ledger, measures, datetime.now(UTC))
        rows, slowest = [], 0.0
        for name, text in changes.items():
            file = Path(folder) / "standard.yaml"
            file.write_text(text)
            seconds, busy, judged = await _timed(url, file)
            slowest = max(slowest, seconds)
            rows.append([name, f"{judged:,}", f"{seconds:.1f}", f"{busy:.1f}"])
        short, whole = await _sample(url, next(iter(changes.values())))
    head = ["change of the built-in pack", "at its gates", "seconds", "processor seconds"]
    text = (
        f"{measures:,} live measures, `sluice rules plan FILE --live`, {os.cpu_count()} cores.\n\n"
        f"{table(head, rows)}\n\n"
        f"{SAMPLE} measures at the gate `decided` under the first change, facts gathered:"
        f" {short:.2f} s, and {whole:.2f} s when each is judged by both complete sets of packs."
        " Both say the same."
    )
    late = (f"a plan takes {slowest:.1f} s, not {TARGET:.0f}",) if slowest > TARGET else ()
    return Section(text, late)


def _changes() -> dict[str, str]:
    """Returns changed versions of the built-in pack, by what changes."""
    [file] = [one for one in builtin_pack_files() if one.name == "standard.yaml"]
    text = file.read_text()
    condition = "require: offer.available >= demand.amount\n"
    tougher = text.replace(condition, condition.replace("\n", " * 2.0\n"))
    assert tougher != text, "the rule on capacity is written otherwise now"
    stop = "".join(
        f"  - {{id: stop-{gate}, gate: {gate}, require: 'false', message: no budget}}\n"
        for gate in ("identified", "detailed", "decided", "launch", "implemented", "closed")
    )
    return {"one rule at two gates": tougher, "a new rule that blocks at every gate": text + stop}


async def _timed(url: str, file: Path) -> tuple[float, float, int]:
    """Returns seconds, processor seconds of all processes, and how many measures were judged."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(_SLUICE, "rules", "plan", str(file), "--live", "-o", "json"),
        env={**os.environ, "SLUICE_LEDGER_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"sluice rules plan: exit {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy, json.loads(out)["live"]["before_a_changed_gate"]


async def _sample(url: str, text: str) -> tuple[float, float]:
    """Returns the seconds that some measures take with the short cut and by brute force."""
    before, after = builtin_packs(), [load_pack(text, "standard.yaml")]
    now = datetime.now(UTC)
    with Ledger.open(url) as ledger:
        rows = ledger.find_measures(stage="detailed", limit=SAMPLE)
        states = [state for row in rows if (state := ledger.measure(row.id))]
        directory = ledger.directory()
        asked = [
            Asked("decided", ledger.facts(state, directory, now), now, state.lifecycle)
            for state in states
        ]
    async with Preview(before, after) as preview:
        began = time.perf_counter()
        found = await preview.judge_all(asked)
        short = time.perf_counter() - began
    async with Judge(before) as one, Judge(after) as other:
        began = time.perf_counter()
        judged = [
            (await one.judge(**case._asdict()), await other.judge(**case._asdict()))
            for case in asked
        ]
        whole = time.perf_counter() - began
    for both, expected in zip(found, judged, strict=True):
        effect = compare(*both).effect if both else "same"
        assert effect == compare(*expected).effect, "the short cut is wrong"
    return short, whole
