"""How long a verdict takes, how it grows with matches, and how long a pack takes to load.

Run: python -m bench.verdict    (prints a Markdown table)
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from measures.facts import DemandFact, Fact, KpiFact, MeasureFact, OfferFact
from measures.lifecycle import DOI
from measures.verdict import Verdict
from rules.judge import Judge, facts_digest
from rules.loader import load_pack
from rules.matcher import match
from rules.plan import PackSet
from rules.schema import Pack

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)

_JOINED = """\
  - id: capacity-{n}
    gate: decided
    when:
      demand: {{kind: demand}}
    expect:
      offer: {{kind: offer, pool: $demand.pool, period: $demand.period}}
    require: offer.available >= demand.amount + {n} && offer.unit == demand.unit
    fresh: {{offer: 24h}}
    message: "{{demand.pool}}: {{demand.amount}} needed, {{offer.available}} free"
    clear_by: offer.owner
"""
_REMEDIED = (
    _JOINED.replace("capacity-", "remedied-")
    + """\
    remedies:
      - raise: offer.available
        to: demand.amount + {n}
        cost: 3
      - lower: demand.amount
        to: offer.available - {n}
"""
)
_SINGLE = """\
  - id: kpi-{n}
    gate: decided
    when:
      kpi: {{kind: kpi}}
    require: kpi.owner != "nobody-{n}" && kpi.cadence != "" && kpi.has_target
    message: KPI {{kpi.name}} has no owner
    clear_by: measure.owner
"""
_PLAIN = """\
  - id: measure-{n}
    gate: decided
    require: measure.owner != "" && measure.quorum >= {n} - 100
    message: the measure has no owner
    clear_by: measure.owner
"""


def pack_text(joined: int, single: int, plain: int, remedied: int = 0) -> str:
    """Writes a pack with so many rules of each shape."""
    shapes = ((_REMEDIED, remedied), (_JOINED, joined), (_SINGLE, single), (_PLAIN, plain))
    rules = "".join(text.format(n=n) for text, count in shapes for n in range(count))
    return f"pack: bench\ntitle: Bench\nrules:\n{rules}"


def world(pairs: int, kpis: int, short: int = 0) -> list[Fact]:
    """Makes a measure with demands, their offers of which some are too small, and KPIs."""
    facts: list[Fact] = [
        MeasureFact(
            seen_at=NOW, id="m", title="M", description="d", scope="s", type="t", category="c",
            stage="detailed", package="p", owner="olga", sponsor="sam", controller="carla",
            business_unit="b", function="f", legal_entity="l", committee_size=3, quorum=2,
            kpis=kpis, milestones=0, on_hold=False, has_campaign=True,
        )
    ]  # fmt: skip
    for number in range(pairs):
        pool, free = f"pool-{number}", 50 if number < short else 200
        facts.append(
            DemandFact(seen_at=NOW, pool=pool, period="2031-03", amount=100, unit="checks")
        )
        facts.append(
            OfferFact(
                seen_at=NOW, pool=pool, title="P", period="2031-03", available=free, capacity=free,
                held_by_others=0, unit="checks", owner="kim",
            )
        )  # fmt: skip
    facts.extend(
        KpiFact(
            seen_at=NOW, id=f"kpi-{number}", name="KPI", unit="x", owner="kim",
            cadence="monthly", has_baseline=True, has_target=True, guarded=False,
        )
        for number in range(kpis)
    )  # fmt: skip
    return facts


def quantiles(samples: list[float]) -> tuple[float, float]:
    """Returns the median and the 95th percentile, in milliseconds."""
    return statistics.median(samples) * 1e3, statistics.quantiles(samples, n=20)[-1] * 1e3


def timed(repeat: int, call: Callable[[], object]) -> tuple[float, float]:
    """Times a function."""
    samples = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        samples.append(time.perf_counter() - began)
    return quantiles(samples)


async def verdict_times(pack: Pack, facts: list[Fact], repeat: int) -> tuple[float, float]:
    """Times whole judgements that pass: child process, second matcher, conditions, digests."""
    times, verdict = await _judged(pack, facts, repeat)
    assert verdict.passed, verdict.blockers
    return times


async def blocked_times(pack: Pack, facts: list[Fact], repeat: int) -> tuple[float, float]:
    """Times judgements that block, the search for what would open the gate included."""
    times, verdict = await _judged(pack, facts, repeat)
    assert verdict.unblock, verdict
    return times


async def _judged(
    pack: Pack, facts: list[Fact], repeat: int
) -> tuple[tuple[float, float], Verdict]:
    samples = []
    async with Judge([pack]) as judge:
        for number in range(repeat + 20):
            began = time.perf_counter()
            verdict = await judge.judge(gate="decided", facts=facts, now=NOW, lifecycle=DOI)
            if number >= 20:
                samples.append(time.perf_counter() - began)
    return quantiles(samples), verdict


def matches_of(pack: Pack, facts: list[Fact]) -> tuple[int, int]:
    """Returns the matches of all distinct queries, and the evaluations of all rules."""
    plan = PackSet([pack]).plans["doi", "decided"]
    found = match(plan.queries, plan.world(facts)[1])
    return sum(map(len, found)), plan.evaluations(found)


async def main() -> None:
    """Measures and prints."""
    print("| what | median | p95 |")
    print("|---|---|---|")
    facts = world(15, 19)
    for shape in ((2, 1, 27), (5, 10, 15)):
        pack = load_pack(pack_text(*shape), "bench.yaml")
        _, evaluations = matches_of(pack, facts)
        median, p95 = await verdict_times(pack, facts, 400)
        print(
            f"| verdict, {len(pack.rules)} rules, {len(facts)} facts, {evaluations} matches;"
            f" child process and second matcher included | {median:.2f} ms | {p95:.2f} ms |"
        )
    for rules, pools in ((1, 1), (1, 10), (5, 10)):
        short = load_pack(pack_text(0, 10, 20 - rules, rules), "bench.yaml")
        median, p95 = await blocked_times(short, world(15, 19, pools), 100)
        print(
            f"| blocked, {len(short.rules)} rules, {len(facts)} facts: {pools} pools too small for"
            f" {rules} rules each; the ways to unblock included | {median:.2f} ms | {p95:.2f} ms |"
        )
    plan = PackSet([pack]).plans["doi", "decided"]
    seen = plan.world(facts)[1]
    for name, call in (
        ("of which the second matcher", lambda: match(plan.queries, seen)),
        ("of which the digest of the facts", lambda: facts_digest(facts)),
    ):
        median, p95 = timed(200, call)
        print(f"| {name} | {median:.2f} ms | {p95:.2f} ms |")
    points = []
    for pairs in (5, 10, 20, 40, 80, 160):
        facts = world(pairs, pairs)
        _, evaluations = matches_of(pack, facts)
        median, p95 = await verdict_times(pack, facts, 60)
        points.append((evaluations, median))
        print(
            f"| the same rules, {len(facts)} facts, {evaluations} matches weighed"
            f" | {median:.2f} ms | {p95:.2f} ms |"
        )
    slope, intercept = statistics.linear_regression(*zip(*points, strict=True))
    correlation = statistics.correlation(*zip(*points, strict=True))
    print(
        f"| growth: {slope * 1e3:.1f} us a match + {intercept:.2f} ms, correlation with a straight"
        f" line {correlation:.4f} | | |"
    )
    text = pack_text(30, 30, 40)
    median, p95 = timed(20, lambda: load_pack(text, "bench.yaml"))
    print(f"| load and type-check 100 rules | {median:.1f} ms | {p95:.1f} ms |")


if __name__ == "__main__":
    asyncio.run(main())
