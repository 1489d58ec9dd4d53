"""What a proof calls impossible never happens: real measures and sign-offs try to refute it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from measures.decisions import define, sign
from measures.directory import Directory
from measures.documents import Pool
from measures.errors import RefusedError
from measures.facts import FACT_KINDS
from measures.folding import fold_measure
from measures.gathering import gather
from measures.lifecycle import DOI, LAUNCH
from measures.people import Delegation, Person
from measures.plan import (
    Campaign,
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
from measures.pool import fold_pool, open_pool
from measures.requests import SignInput
from measures.state import MeasureState, Reading, Reserved
from rules.loader import builtin_packs, load_pack
from rules.proof.approvals import approval_claims
from rules.proof.question import Impossible, Question
from rules.proof.texts import Texts
from rules.proof.translation import Truth
from rules.proof.witness import judge_example, moment_of
from rules.proof.world import ALWAYS_ONE, World, law_texts, planned_fields

DAY = date(2031, 1, 12)
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
_FEW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# --- a gate that opened can open ---

_NUMBER = st.sampled_from(["0", "1", "2", "3", "10.5", "100"])
_COMPARE = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_ON_THE_MEASURE = st.one_of(
    st.builds("measure.{} {} {}".format,
              st.sampled_from(["kpis", "milestones", "committee_size", "quorum"]),
              _COMPARE, st.sampled_from(["0", "1", "2", "3"])),
    st.sampled_from([
        'measure.sponsor != ""', 'measure.owner == measure.sponsor', "measure.has_campaign",
        'measure.description.startsWith("More")', "size(measure.description) > 3",
        'measure.stage == "identified"', "measure.quorum > measure.kpis",
        "measure.title.matches('^S')",
    ]),
)  # fmt: skip
_ON_A_KPI = st.one_of(
    st.builds("kpi.{} {} {}".format, st.sampled_from(["baseline", "target"]), _COMPARE, _NUMBER),
    st.sampled_from([
        "kpi.guarded", 'kpi.owner != ""', 'kpi.cadence in ["weekly", "monthly"]',
        "has(kpi.target) && kpi.has_baseline", "kpi.target - kpi.baseline > 0.1",
        "kpi.periods_needed > kpi.periods_held", "kpi.target * 0.5 >= kpi.baseline",
    ]),
)  # fmt: skip
_OTHERS = st.sampled_from([
    ("when: {m: {kind: milestone}}", "m.has_due && m.late_days <= 3"),
    ("expect: {m: {kind: milestone}}, at_least: measure.milestones, distinct: m.id", "m.has_due"),
    ("when: {p: {kind: promise}}", "p.backed"),
    ("expect: {f: {kind: finance}}", "f.benefit - f.cost > 10.0"),
    ("when: {d: {kind: demand}}, expect: {o: {kind: offer, pool: $d.pool, period: $d.period}}",
     "o.available >= d.amount"),
    ("when: {d: {kind: demand}}, expect: {o: {kind: offer, pool: $d.pool, period: $d.period}}",
     "o.available < d.amount && o.held_by_others == 0.0"),
])  # fmt: skip
_PARTS = st.one_of(
    _ON_THE_MEASURE.map(lambda text: ("", text)),
    _ON_A_KPI.map(lambda text: ("when: {kpi: {kind: kpi}}", text)),
    st.tuples(
        st.sampled_from(["", ", at_least: 2", ", at_least: measure.kpis, distinct: kpi.id"]),
        _ON_A_KPI,
    ).map(lambda two: (f"expect: {{kpi: {{kind: kpi}}}}{two[0]}", two[1])),
    _OTHERS,
)
_AMOUNT = st.sampled_from([None, 0, 1, 2.5, 10.5, 100])


@st.composite
def _plans(draw: st.DrawFn) -> Measure:
    kpis = tuple(
        Kpi(
            id=f"k{number}", title="KPI", baseline=draw(_AMOUNT), target=draw(_AMOUNT),
            owner=draw(st.sampled_from([None, "kim"])),
            cadence=draw(st.sampled_from([None, "weekly", "yearly"])),
            guardrail=draw(st.sampled_from([None, Guardrail(at_most=5, periods=2)])),
        )
        for number in range(draw(st.integers(0, 3)))
    )  # fmt: skip
    milestones = tuple(
        Milestone(id=f"m{number}", title="Step", due=draw(st.sampled_from([None, DAY])))
        for number in range(draw(st.integers(0, 3)))
    )
    return Measure(
        id="spring", title="Spring", type="campaign", package="p",
        description=draw(st.sampled_from(["", "More", "More sign-ups"])),
        owner=draw(st.sampled_from([None, "olga"])),
        sponsor=draw(st.sampled_from([None, "olga", "sam"])), controller="carla",
        steering_committee=("tom", "uma", "vera")[: draw(st.integers(0, 3))],
        kpis=kpis, milestones=milestones,
        promises=draw(st.sampled_from([(), (Promise(id="p", text="Fast", backed_by="kim"),)])),
        demands=draw(st.sampled_from([(), (Demand(pool="kyc", period="2031-03", amount=10),)])),
        finance=draw(st.sampled_from(
            [None, Finance(currency="EUR", plan={"ebitda": 100, "cost": 20})])),
    )  # fmt: skip


_OFFICES = Directory(
    people={
        name: Person(id=name, name=name, roles=("sponsor", "controller", "committee"))
        for name in ("olga", "sam", "carla", "tom", "uma", "vera")
    }
)


@st.composite
def _lives(draw: st.DrawFn) -> tuple[MeasureState, str]:
    """A measure somewhere on its way, and the gate that it can ask for there."""
    plan = draw(_plans())
    campaign = Campaign(
        connector="memory",
        ref="c",
        launch_on=DAY + timedelta(draw(st.integers(-20, 20))),
        ends_on=DAY + timedelta(25),
    )
    dependencies = (Dependency(measure="other"),)
    leads = (LeadTime(item="Site", days=draw(st.integers(0, 60)), ordered_on=DAY - timedelta(9)),)
    more = {"campaign": campaign, "lead_times": leads, "dependencies": dependencies}
    plan = plan.model_copy(update=more if draw(st.booleans()) else {})
    state = fold_measure(None, define(plan, DOI, by="x", at=NOW, command="c"))
    stages = list(DOI.order)
    place = draw(st.integers(0, len(stages) - 2))
    state = state.model_copy(update={"stage": stages[place]})
    state = _reported(draw, state)
    for person in ("olga", "sam", "tom", "uma", "carla"):
        for role in ("owner", "sponsor", "committee", "controller"):
            ask: Any = SignInput(by=person, gate=draw(st.sampled_from(DOI.gates)), role=role)
            try:
                drafts = sign(state, ask, _OFFICES, NOW, f"{person}{role}")
            except RefusedError:
                continue
            for draft in drafts:
                state = fold_measure(state, draft)
    gates = [stages[place + 1]]
    if plan.campaign is not None and DOI.reached(state.stage, DOI.launch_from):
        gates.append(LAUNCH)
    return state, draw(st.sampled_from(gates))


def _reported(draw: st.DrawFn, state: MeasureState) -> MeasureState:
    """What may be recorded at its stage, and what is reserved there."""
    update: dict[str, Any] = {}
    if state.plan.kpis and draw(st.booleans()):
        reading = Reading(value=draw(st.sampled_from([1, 9])), at=NOW, by="olga")
        update["readings"] = {"k0": {"2030-11": reading, "2030-12": reading}}
    if DOI.reached(state.stage, DOI.frozen_from) and draw(st.booleans()):
        update |= {"actual": {"ebitda": 5}, "forecast": {"ebitda": 7}}
    if DOI.reached(state.stage, DOI.soft_at):
        hard = DOI.reached(state.stage, DOI.hard_at)
        update["reserved"] = Reserved(amounts={"kyc": {"2031-03": 10}}, hard=hard)
    return state.model_copy(update=update)


@settings(_FEW, max_examples=60)
@given(_plans(), st.lists(_PARTS, min_size=1, max_size=4), st.sampled_from([5, 10, 20]))
def test_a_gate_that_real_facts_open_is_never_called_impossible(
    plan: Measure, parts: list[tuple[str, str]], capacity: int
) -> None:
    """Whatever rules a real measure passes cannot exclude each other."""
    rules = "".join(
        f"  - {{id: r{number}, gate: detailed, message: m,"
        f" require: {_quoted(require)}{', ' if look else ''}{look}}}\n"
        for number, (look, require) in enumerate(parts)
    )
    pack = load_pack(f"pack: drawn\ntitle: Drawn\nrules:\n{rules}", "drawn.yaml")
    state = fold_measure(None, define(plan, DOI, by="olga", at=NOW, command="c"))
    state = state.model_copy(update={"stage": "identified"})
    pool = Pool(id="kyc", title="K", unit="c", owner="kim", capacity={"2031-03": capacity})
    pools = {"kyc": fold_pool(None, open_pool(pool, "kim", NOW, "c"))}
    facts = gather(state, moment_of(DAY), pools, {}, Directory())
    passed = [rule for rule in pack.rules if not judge_example([rule], "detailed", facts, DAY)]
    answer = Question(DOI, "detailed", passed, DAY).together(passed)
    assert not isinstance(answer, Impossible), answer


@settings(_FEW, max_examples=60)
@given(_lives())
def test_every_law_holds_of_real_facts(life: tuple[MeasureState, str]) -> None:
    """What the proofs take for granted is true of whatever the engine gathers on the way up."""
    state, gate = life
    pool = Pool(id="kyc", title="K", unit="c", owner="kim", capacity={"2031-03": 20})
    pools = {"kyc": fold_pool(None, open_pool(pool, "kim", NOW, "c"))}
    facts = gather(state, moment_of(DAY), pools, {}, _OFFICES)
    by_kind = {kind: [fact for fact in facts if fact.kind == kind] for kind in FACT_KINDS}
    numbers = {kind: max(len(some), kind in ALWAYS_ONE) for kind, some in by_kind.items()}
    written = {value for fact in facts for value in dict(fact).values() if isinstance(value, str)}
    texts = Texts(written, {*law_texts(DOI), DAY.isoformat()})
    world = World(DOI, gate, numbers, texts, DAY)
    solver = z3.Solver()
    solver.add(*world.all_laws(), *texts.axioms)
    for kind, some in by_kind.items():
        for place, open_fact in enumerate(world.facts[kind]):
            solver.add(open_fact.present == (place < len(some)))
            for name, (term, there) in open_fact.terms.items() if place < len(some) else ():
                value = getattr(some[place], name)
                solver.add(there == (value is not None))
                if isinstance(term, Truth):
                    solver.add(z3.BoolVal(value is None) if value is None else term.true == value)
                elif value is not None:
                    fixed = texts.constant(value) if isinstance(value, str) else value
                    solver.add(term.value == fixed)
    assert solver.check() == z3.sat, facts


@settings(_FEW, max_examples=30)
@given(_lives(), st.integers(1, 40))
def test_what_is_planned_is_the_same_later(life: tuple[MeasureState, str], days: int) -> None:
    """On another day and with another pool, a plan that nobody amends gives the same facts."""
    state, _ = life
    pool = Pool(id="kyc", title="K", unit="c", owner="kim", capacity={"2031-03": 20})
    pools = {"kyc": fold_pool(None, open_pool(pool, "kim", NOW, "c"))}
    moments = (gather(state, moment_of(DAY), pools, {}, _OFFICES),
               gather(state, moment_of(DAY + timedelta(days)), {}, {}, _OFFICES))  # fmt: skip
    now, later = (
        [
            (fact.kind, name, getattr(fact, name))
            for fact in facts
            for name in sorted(planned_fields(fact.kind))
        ]
        for facts in moments
    )
    assert now == later


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- approvals: the matching against trying every signature ---

_PEOPLE = ("ada", "ben", "eva", "tom")
_SIGNED = ("decided.sponsor-has-signed", "decided.committee-has-signed")


@st.composite
def _committees(draw: st.DrawFn) -> tuple[Measure, Directory]:
    people = {
        name: Person(id=name, name=name, roles=draw(st.sampled_from(
            [("sponsor", "committee"), ("committee",), ("sponsor",), ()])))
        for name in _PEOPLE
    }  # fmt: skip
    somebody = st.sampled_from(_PEOPLE)
    committee = draw(st.lists(somebody, min_size=1, max_size=3, unique=True))
    plan = Measure(
        id="spring", title="Spring", type="campaign", package="p", owner=draw(somebody),
        sponsor=draw(somebody), steering_committee=tuple(committee),
    )  # fmt: skip
    delegations = tuple(
        Delegation.model_validate(
            {"from": one, "to": other, "role": draw(st.sampled_from(["sponsor", "committee"])),
             "starts": DAY, "ends": DAY}
        )
        for one, other in draw(st.lists(st.tuples(somebody, somebody), max_size=3))
        if one != other
    )  # fmt: skip
    return plan, Directory(people=people, delegations=delegations)


@settings(_FEW, max_examples=60)
@given(_committees())
def test_approvals_can_be_given_just_when_some_order_of_signing_gives_them(
    drawn: tuple[Measure, Directory],
) -> None:
    """Every order in which people can really sign is tried."""
    plan, directory = drawn
    state = fold_measure(None, define(plan, DOI, by="x", at=NOW, command="c"))
    found = list(approval_claims([state], directory, builtin_packs(), DAY))
    blamed = {rule for one in found if one.outcome == "defect" for rule in one.rules}
    rules = [rule for pack in builtin_packs() for rule in pack.rules if rule.id in _SIGNED]
    possible = any(
        not judge_example(rules, "decided", gather(one, moment_of(DAY), {}, {}, directory), DAY)
        for one in _ways_to_sign(state, directory)
    )
    assert possible == (not blamed & set(_SIGNED)), [one.text for one in found]


def _ways_to_sign(state: MeasureState, directory: Directory) -> Iterator[MeasureState]:
    """Yields every state that signing can lead to, each set of sign-offs once."""
    seen: set[frozenset[str]] = set()
    todo = [state]
    while todo:
        now = todo.pop()
        key = frozenset(one.name for one in now.sign_offs)
        if key in seen:
            continue
        seen.add(key)
        yield now
        for person in _PEOPLE:
            for role in ("sponsor", "committee"):
                ask: Any = SignInput(by=person, gate="decided", role=role)
                try:
                    drafts = sign(now, ask, directory, NOW, f"{len(key)}{person}{role}")
                except RefusedError:
                    continue
                after = now
                for draft in drafts:
                    after = fold_measure(after, draft)
                todo.append(after)
