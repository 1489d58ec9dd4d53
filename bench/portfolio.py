"""A made-up portfolio of any size: people, pools, and measures of every kind in every stage."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count, islice
from typing import Any

from ledger.store import Ledger
from measures.documents import Pool
from measures.entry import Draft, EntryKind, measure_stream
from measures.folding import fold_measure
from measures.lifecycle import DOI
from measures.plan import (
    Campaign,
    Commitment,
    Demand,
    Dependency,
    Finance,
    Guardrail,
    Kpi,
    LeadTime,
    Measure,
    Milestone,
    Promise,
)
from measures.pool import open_pool
from measures.state import MeasureState, Reserved, SignOff

PEOPLE = {
    "olga": ["owner"],
    "sam": ["sponsor"],
    "carla": ["controller"],
    "tom": ["committee"],
    "uma": ["committee"],
    "kim": ["operations"],
    "rex": ["administrator"],
}
POOLS = tuple(f"pool-{number}" for number in range(8))
PERIOD = "2031-03"
_STAGES = tuple(stage.id for stage in DOI.stages)


def fill(ledger: Ledger, measures: int, now: datetime, seed: int = 1) -> None:
    """Records a portfolio in which no measure has ended."""
    chance = random.Random(seed)
    record_surroundings(ledger, chance, now)
    lives = (life(chance, f"m-{number:05}", now) for number in range(measures))
    while some := list(islice(lives, 200)):
        ledger.append_all(some)


def record_surroundings(ledger: Ledger, chance: random.Random, now: datetime) -> None:
    """Records the people and the pools."""
    for name, roles in PEOPLE.items():
        body = {"kind": "Person", "id": name, "name": name.title(), "roles": roles}
        ledger.append_document(
            "Person", name, body, "operator", now - timedelta(days=10), f"apply-{name}"
        )
    for name in POOLS:
        capacity: dict[str, float | int] = {PERIOD: chance.choice([50, 100, 500])}
        pool = Pool(id=name, title=name.title(), unit="checks", owner="kim", capacity=capacity)
        ledger.append([open_pool(pool, "kim", now - timedelta(hours=3), f"open-{name}")])


def life(chance: random.Random, name: str, now: datetime) -> list[Draft]:
    """Returns the life of a measure up to some stage that is not the last."""
    plan = random_plan(chance, name, now)
    writing = _Writing(plan, now)
    stage = chance.choice(_STAGES[:-1])
    for gate in _STAGES[1 : _STAGES.index(stage) + 1]:
        if gate == DOI.hard_at:
            writing.sign(chance, gate)
            amounts = {demand.pool: {demand.period: demand.amount} for demand in plan.demands}
            writing.add("capacity_reserved", **Reserved(amounts=amounts, hard=True).model_dump())
        writing.add("stage_advanced", **{"from": "", "to": gate})
    following = DOI.next_stage(stage)
    if following is not None and chance.random() < 0.5:
        writing.sign(chance, following)
    if chance.random() < 0.1:
        writing.add("hold_placed", reason="the budget is looked at")
    return writing.drafts


def random_plan(chance: random.Random, name: str, now: datetime) -> Measure:
    """Returns a plan that misses this and that."""

    def perhaps(value: Any, otherwise: Any = None, often: float = 0.85) -> Any:
        return value if chance.random() < often else otherwise

    def day(first: int, last: int) -> date:
        return (now + timedelta(days=chance.randint(first, last))).date()

    ids: Iterator[int] = count(1)
    opens = day(-5, 60)
    return Measure(
        id=name,
        title=f"Measure {name}",
        description=perhaps("What it is and why it is worth the while.", ""),
        scope="all branches",
        type=chance.choice(["campaign", "service", "cost"]),
        category=perhaps("acquire"),
        package=f"package-{chance.randint(1, 9)}",
        owner="olga",
        sponsor=perhaps("sam"),
        controller=perhaps("carla"),
        business_unit=perhaps("Retail"),
        function="Marketing",
        legal_entity=perhaps("Bank AG"),
        steering_committee=perhaps(("tom", "uma"), ()),
        kpis=tuple(
            Kpi(
                id=f"k{next(ids)}",
                title="Churn",
                unit="percent",
                baseline=perhaps(5.5),
                target=perhaps(chance.randint(1, 5)),
                owner=perhaps("kim"),
                cadence=perhaps("monthly"),
                guardrail=perhaps(Guardrail(at_most=6), often=0.4),
            )
            for _ in range(chance.randint(0, 4))
        ),
        demands=tuple(
            Demand(pool=pool, period=PERIOD, amount=chance.choice([1, 7, 40, 120]))
            for pool in chance.sample(POOLS, chance.randint(0, 2))
        ),
        dependencies=tuple(
            Dependency(measure=f"m-{number:05}", stage=chance.choice(_STAGES[1:]))
            for number in chance.sample(range(40), chance.choice([0, 0, 1, 2]))
        ),
        milestones=tuple(
            Milestone(
                id=f"s{next(ids)}",
                title="Step",
                due=perhaps(day(-20, 60)),
                owner=perhaps("olga"),
                done_on=perhaps(day(-30, -1), often=0.3),
            )
            for _ in range(chance.randint(0, 4))
        ),
        commitments=tuple(
            Commitment(id=f"c{next(ids)}", who=perhaps("kim"), what="Staff", due=perhaps(day(0, 9)))
            for _ in range(chance.randint(0, 2))
        ),
        lead_times=(LeadTime(item="web site", days=chance.choice([5, 60])),),
        promises=tuple(
            Promise(id=f"p{next(ids)}", text="an answer in a day", backed_by=perhaps("kim"))
            for _ in range(chance.randint(0, 2))
        ),
        finance=perhaps(
            Finance(
                currency=chance.choice(["EUR", "CHF"]),
                plan={
                    "ebitda": chance.randint(1, 900) * 1000,
                    "cost": chance.randint(1, 90) * 1000,
                },
            )
        ),
        campaign=perhaps(
            Campaign(
                connector="memory",
                ref=name,
                launch_on=opens,
                ends_on=opens + timedelta(days=30),
                volume=chance.choice([100, 100_000]),
            ),
            often=0.5,
        ),
    )


class _Writing:
    """Writes the entries of one measure, one after the other."""

    def __init__(self, plan: Measure, now: datetime) -> None:
        self._now = now
        self.drafts: list[Draft] = []
        self._plan = plan
        self._state: MeasureState | None = None
        self.add("measure_defined", plan=plan.model_dump(mode="json", by_alias=True))

    def add(self, kind: EntryKind, **body: Any) -> None:
        """Adds an entry."""
        number = len(self.drafts) + 1
        draft = Draft(
            stream=measure_stream(self._plan.id),
            number=number,
            kind=kind,
            at=self._now - timedelta(days=9) + timedelta(minutes=number),
            by="olga",
            command=f"{self._plan.id}-{number}",
            body=body,
        )
        self._state = fold_measure(self._state, draft)
        self.drafts.append(draft)

    def sign(self, chance: random.Random, gate: str) -> None:
        """Has some of those sign who are to."""
        assert self._state is not None
        for by, role in (("sam", "sponsor"), ("tom", "committee"), ("uma", "committee")):
            if chance.random() < 0.6:
                sign_off = SignOff(
                    gate=gate,
                    role=role,
                    by=by,
                    on_behalf_of=by,
                    decision="approve",
                    at=self._now - timedelta(days=8),
                    content=self._state.signed_content(gate),
                )
                self.add("signed_off", **sign_off.model_dump(mode="json"))
