"""What demands come to at their pools, whom a surge touches, and who may confirm it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from measures.amending import set_fields
from measures.assessment import Assessment, assess
from measures.confirming import confirm
from measures.conversion import Conversion
from measures.digest import digest
from measures.directory import Directory
from measures.documents import Pool, document_content
from measures.entry import Draft, measure_stream
from measures.errors import RefusedError
from measures.folding import fold_measure
from measures.gathering import gather
from measures.loads import Confirmation
from measures.model import restore
from measures.needs import as_stated, in_pool_units, needs_of
from measures.people import Delegation, Person
from measures.plan import Demand
from measures.pool import PoolState, fold_pool, open_pool
from measures.requests import SurgeReport
from measures.state import MeasureState
from measures.surge import surge_of
from measures.teams import per_period

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PERIOD = "2031-03"


def pool(name: str, unit: str, **fields: Any) -> PoolState:
    """A pool that states 16,000 for March."""
    whole = {"id": name, "title": name, "unit": unit, "owner": "kim",
             "capacity": {PERIOD: 16000}, **fields}  # fmt: skip
    return fold_pool(None, open_pool(restore(Pool, whole), "operator", NOW, "open"))


def conversion(source: str, to: str, ratio: float, error: float = 0.2) -> Conversion:
    """A step."""
    whole = {"id": f"{source}-{to}".replace(" ", "-"), "title": "Step", "from": source, "to": to,
             "ratio": ratio, "error": error, "owner": "olga"}  # fmt: skip
    return restore(Conversion, whole)


CHAIN = {
    one.id: one
    for one in (
        conversion("clicks", "leads", 0.06),
        conversion("leads", "checks", 0.8, 0.1),
        conversion("checks", "agent hours", 0.05, 0.3),
    )
}
NIGHT = {"id": "night", "title": "Night", "lead": "nina", "cadence": "daily", "takes": {"day": 5}}
POOLS = {
    "kyc": pool("kyc", "checks", normal={"month": 10000}, cadence="weekly"),
    "desk": pool("desk", "agent hours", normal={"month": 600}, teams=[NIGHT]),
    "leads": pool("leads", "leads"),
    "other": pool("other", "checks", normal={"month": 1}),
}
PEOPLE = Directory(
    people={name: Person(id=name, name=name) for name in ("kim", "nina", "olga", "wim")},
    conversions=CHAIN,
    delegations=(
        Delegation.model_validate(
            {"from": "kim", "to": "wim", "role": "operations", "starts": date(2031, 1, 1),
             "ends": date(2031, 1, 31)}
        ),
    ),
)  # fmt: skip


def demand(amount: float = 250_000, unit: str | None = "clicks", name: str = "kyc") -> Demand:
    """A demand for March."""
    return Demand(pool=name, period=PERIOD, amount=amount, unit=unit)


def assessed(*demands: Demand, confirmed: tuple[Confirmation, ...] = ()) -> Assessment:
    """What demands come to."""
    needs = needs_of(demands, POOLS, CHAIN, {})
    return Assessment(needs, surge_of("spring", needs, POOLS, CHAIN, confirmed))


def measure(**fields: Any) -> MeasureState:
    """A measure with a demand in clicks."""
    plan = {"id": "spring", "title": "Spring", "type": "campaign", "package": "media",
            "demands": [{"pool": "kyc", "period": PERIOD, "amount": 250_000, "unit": "clicks"}],
            **fields}  # fmt: skip
    return fold_measure(None, entry(1, "measure_defined", {"plan": plan}))


def entry(number: int, kind: Any, body: dict[str, Any]) -> Draft:
    """An entry of the measure."""
    return Draft(stream=measure_stream("spring"), number=number, kind=kind, at=NOW, by="olga",
                 command=f"c{number}", body=body)  # fmt: skip


# --- needs ---


def test_a_demand_in_clicks_is_judged_at_the_p90_of_what_arrives() -> None:
    """The amount is the pool's, and the fact says what was stated and how it came there."""
    [fact] = [one for one in gather(measure(), NOW, POOLS, {}, PEOPLE) if one.kind == "demand"]
    assert (fact.amount, fact.unit) == (15557, "checks")
    assert (fact.stated, fact.stated_unit, fact.mean) == (250_000, "clicks", 12_000)
    assert fact.chain == " > ".join(CHAIN[one].version for one in ("clicks-leads", "leads-checks"))


def test_a_demand_in_the_pools_unit_has_the_facts_and_digests_of_before() -> None:
    """Decisions and signatures of old plans are found again."""
    plan = demand(5, None)
    assert plan.model_dump() == {"pool": "kyc", "period": PERIOD, "amount": 5}
    whole = gather(measure(demands=[plan.model_dump()]), NOW, POOLS, {}, PEOPLE)
    [fact] = [one for one in whole if one.kind == "demand"]
    assert {"stated", "stated_unit", "mean", "chain"}.isdisjoint(fact.model_dump())
    assert (fact.amount, fact.unit) == (5, "checks")
    before = {"kind": "Pool", "id": "p", "title": "P", "unit": "u", "owner": "kim", "capacity": {}}
    assert digest(document_content(restore(Pool, before))) == digest(before)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (demand(unit="visits"), "no conversion leads from visits to checks"),
        (demand(unit="agent hours"), "no conversion leads from agent hours to checks"),
        (demand(name="gone"), "there is no pool gone"),
    ],
)
def test_what_cannot_be_converted_is_unknown_never_a_number(stated: Demand, why: str) -> None:
    """A rule that compares it does not know; nothing is compared across units."""
    [need] = assessed(stated).needs
    assert need.amount is None
    assert why in need.why
    assert in_pool_units([need]) == ()


def test_a_frozen_plan_keeps_the_conversions_that_judged_it() -> None:
    """What is learned later changes no promise that was made."""
    state = measure()
    judged = assess(state, POOLS, PEOPLE).needs
    frozen = state.model_copy(update={"stage": "decided", "needs": judged})
    learned = {**CHAIN, "clicks-leads": conversion("clicks", "leads", 0.6)}
    later = PEOPLE.model_copy(update={"conversions": learned})
    assert assess(frozen, POOLS, later).needs == judged
    assert assess(state, POOLS, later).needs[0].amount != judged[0].amount


@given(st.integers(100, 20_000), st.integers(1000, 1_000_000))
def test_what_a_proposal_writes_into_the_plan_never_brings_more_than_fits(
    fits: int, stated: int
) -> None:
    """In the plan's own unit, whatever the rounding."""
    [need] = assessed(demand(stated)).needs
    wanted = as_stated(fits, need.stated, need.amount)
    [after] = assessed(demand(wanted)).needs
    assert after.amount is not None
    assert after.amount <= fits


# --- the audit ---


def test_the_audit_names_every_pool_and_team_that_the_clicks_reach() -> None:
    """The pool that is asked, those behind it, their teams; not another of the same unit."""
    surge = assessed(demand()).surge
    assert [(one.pool, one.team, one.person, one.needed) for one in surge] == [
        ("desk", "", "kim", 899),
        ("desk", "night", "nina", 899),
        ("kyc", "", "kim", 15557),
    ]
    desk, night, kyc = surge
    assert (desk.normal, desk.limit, desk.takes, desk.cadence) == (600, 660, 16000, "")
    assert (night.takes, night.cadence) == (155, "daily")
    assert (kyc.above, kyc.cadence) == (0.5557, "weekly")


def test_the_threshold_is_the_pools_own_and_exactly_on_it_is_no_surge() -> None:
    """+10 % by default; a pool without a normal load opens no audit."""
    for amount, surges in ((11000, False), (11001, True)):
        needs = needs_of([demand(amount, None)], POOLS, {}, {})
        assert bool(surge_of("spring", needs, POOLS, {}, ())) == surges
    calm = {"kyc": pool("kyc", "checks", normal={"month": 10000}, surge_threshold=0.3)}
    needs = needs_of([demand(12_999, None)], calm, {}, {})
    assert surge_of("spring", needs, calm, {}, ()) == ()
    needs = needs_of([demand(1e9, "leads", "leads")], POOLS, {}, {})
    assert surge_of("spring", needs, POOLS, {}, ()) == ()


def test_what_the_plan_states_for_a_pool_counts_there() -> None:
    """Its own word is better than what a chain makes of another demand."""
    surge = assessed(demand(), demand(650, None, "desk")).surge
    assert [one.pool for one in surge] == ["kyc"]


@pytest.mark.parametrize(
    ("amounts", "period", "expected"),
    [
        ({"month": 300}, "2031-03", 300),
        ({"day": 10, "month": 1}, "2031-W09", 70),
        ({"week": 70, "year": 1}, "2031-03", 310),
        ({"year": 365.25}, "2031-03-02", 1),
        ({}, "2031-03", None),
    ],
)
def test_normal_loads_in_other_periods(amounts: Any, period: str, expected: float | None) -> None:
    """Its own kind first, then the nearest shorter one, in proportion to the days."""
    assert per_period(amounts, period) == (expected and pytest.approx(expected))


def test_teams_of_a_pool_differ_and_its_loads_are_amounts() -> None:
    """Refused where the document is read."""
    for wrong in (
        {"teams": [NIGHT, NIGHT]}, {"normal": {"month": -1}}, {"normal": {"moon": 1}},
        {"surge_threshold": float("nan")}, {"surge_threshold": -0.1},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            pool("kyc", "checks", **wrong)


# --- confirming ---


def confirmed(state: MeasureState, by: str, **ask: Any) -> MeasureState:
    """The measure after somebody confirmed."""
    surge = assess(state, POOLS, PEOPLE).surge
    report = SurgeReport(**{"pool": "desk", **ask})
    for draft in confirm(state, report, surge, PEOPLE, by=by, at=NOW, command=f"{by}{ask}"):
        state = fold_measure(state, draft)
    return state


def open_ones(state: MeasureState) -> list[tuple[str, str]]:
    """Who has not confirmed what arrives now."""
    return [(one.pool, one.team) for one in assess(state, POOLS, PEOPLE).surge
            if not one.confirmed_by]  # fmt: skip


def test_each_confirms_their_own_part() -> None:
    """The owner the pool, the lead the team; who acts for somebody does it for them."""
    state = confirmed(measure(), "nina")
    assert open_ones(state) == [("desk", ""), ("kyc", "")]
    state = confirmed(confirmed(state, "wim"), "kim", pool="kyc", period=PERIOD)
    assert open_ones(state) == []
    facts = [one for one in gather(state, NOW, POOLS, {}, PEOPLE) if one.kind == "surge"]
    assert [(one.confirmed, one.who, one.by) for one in facts] == [
        (True, "kim", "wim"),
        (True, "nina", "nina"),
        (True, "kim", "kim"),
    ]


@pytest.mark.parametrize(
    ("by", "ask", "code"),
    [
        ("olga", {}, "not-entitled"),
        ("nina", {"pool": "kyc"}, "not-entitled"),
        ("kim", {"team": "night"}, "not-entitled"),
        ("kim", {"pool": "other"}, "no-surge"),
        ("kim", {"period": "2031-04"}, "no-surge"),
        ("nobody", {}, "unknown-person"),
    ],
)
def test_nobody_confirms_for_others_or_what_does_not_come(
    by: str, ask: dict[str, Any], code: str
) -> None:
    """With what to do instead."""
    with pytest.raises(RefusedError) as found:
        confirmed(measure(), by, **ask)
    assert found.value.code == code


def test_a_confirmation_covers_what_was_seen_and_less_never_more() -> None:
    """Growing demand voids it, and it can be given again."""
    state = confirmed(measure(), "nina")
    with pytest.raises(RefusedError, match="confirmed"):
        confirmed(state, "nina")
    less = state.model_copy(update={"plan": set_fields(state.plan, {"demands.0.amount": 240_000})})
    assert ("desk", "night") not in open_ones(less)
    more = state.model_copy(update={"plan": set_fields(state.plan, {"demands.0.amount": 260_000})})
    assert ("desk", "night") in open_ones(more)
    [night] = [one for one in assess(more, POOLS, PEOPLE).surge if one.team]
    assert night.saw == 899
    assert ("desk", "night") not in open_ones(confirmed(more, "nina"))


def test_who_declines_takes_back_what_was_confirmed() -> None:
    """The reason stands beside the fact, and a later confirmation counts again."""
    state = confirmed(confirmed(measure(), "nina"), "nina", declined="two of us are ill")
    assert ("desk", "night") in open_ones(state)
    [night] = [one for one in gather(state, NOW, POOLS, {}, PEOPLE) if getattr(one, "team", "")]
    assert (night.confirmed, night.declined) == (False, "two of us are ill")
    with pytest.raises(RefusedError, match="has declined"):
        confirmed(state, "nina", declined="two of us are ill")
    assert ("desk", "night") not in open_ones(confirmed(state, "nina"))


def decided(**fields: Any) -> MeasureState:
    """A measure that everybody had confirmed when it was decided."""
    state = confirmed(confirmed(confirmed(measure(**fields), "nina"), "kim"), "kim", pool="kyc")
    return state.model_copy(update={"stage": "decided"})


def test_an_objection_after_the_decision_is_for_the_launch_gate() -> None:
    """It stands beside the fact that this gate looks at; a period that is over touches nobody."""
    campaign = {"connector": "memory", "ref": "C", "launch_on": "2031-03-01",
                "ends_on": "2031-04-30"}  # fmt: skip
    state = confirmed(decided(campaign=campaign), "nina", declined="two of us are ill")

    def objections(now: datetime) -> list[str]:
        facts = gather(state, now, POOLS, {}, PEOPLE)
        return [one.declined for one in facts if one.kind == "surge" and one.declined]

    assert objections(NOW) == ["two of us are ill"]
    assert objections(datetime(2031, 4, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize("ends_on", [None, "2031-01-11"])
def test_an_objection_that_no_gate_hears_is_refused(ends_on: str | None) -> None:
    """With what to do instead; to confirm is never too late."""
    campaign = {"connector": "memory", "ref": "C", "launch_on": "2031-01-01", "ends_on": ends_on}
    state = decided(**({"campaign": campaign} if ends_on else {}), owner="olga")
    with pytest.raises(RefusedError, match=r"sluice hold spring --reason .* --as olga") as found:
        confirmed(state, "nina", declined="two of us are ill")
    assert found.value.code == "gate-passed"


def test_blanks_are_no_reason_to_decline() -> None:
    """Whoever reads the audit must learn something."""
    with pytest.raises(ValidationError, match="declined"):
        SurgeReport(pool="desk", declined=" \t ")


def test_nobody_declines_for_others() -> None:
    """Not the measure's owner either, to be rid of an audit."""
    with pytest.raises(RefusedError) as found:
        confirmed(measure(), "olga", declined="no")
    assert found.value.code == "not-entitled"


def test_nobody_confirms_the_surge_of_their_own_measure() -> None:
    """Four eyes, as with sign-offs: somebody else in operations does; objecting is always safe."""
    people = dict(PEOPLE.people)
    people["nina"] = Person(id="nina", name="nina", roles=("operations",))
    known = PEOPLE.model_copy(update={"people": people, "delegations": ()})
    state = measure(owner="kim")
    surge = assess(state, POOLS, known).surge
    assert [(one.person, one.own, one.confirmers) for one in surge] == [
        ("kim", True, ("nina",)),
        ("nina", False, ("nina",)),
        ("kim", True, ("nina",)),
    ]
    assert [one.who for one in gather(state, NOW, POOLS, {}, known) if one.kind == "surge"] == [
        "nina", "nina", "nina",
    ]  # fmt: skip
    ask = SurgeReport(pool="kyc")
    with pytest.raises(RefusedError, match="--pool kyc --as nina") as found:
        confirm(state, ask, surge, known, by="kim", at=NOW, command="c")
    assert found.value.code == "duties-not-separate"
    [given] = confirm(state, ask, surge, known, by="nina", at=NOW, command="c")
    assert (given.by, given.body["on_behalf_of"]) == ("nina", "kim")
    after = fold_measure(state, given)
    assert [one.pool for one in assess(after, POOLS, known).surge if one.confirmed_by] == ["kyc"]
    objection = ask.model_copy(update={"declined": "too much"})
    assert confirm(state, objection, surge, known, by="kim", at=NOW, command="c")


def test_who_becomes_the_owner_has_confirmed_nothing() -> None:
    """A confirmation from before counts no more; without anybody else a delegation is needed."""
    state = confirmed(measure(owner="olga"), "kim", pool="kyc")
    own = state.model_copy(update={"plan": state.plan.model_copy(update={"owner": "kim"})})
    assert ("kyc", "") in open_ones(own)
    with pytest.raises(RefusedError, match="apply a Delegation of the role operations from kim"):
        confirmed(own, "kim", pool="kyc")
    assert ("kyc", "") not in open_ones(confirmed(own, "wim", pool="kyc"))


def test_another_lead_has_confirmed_nothing() -> None:
    """A confirmation is a person's, not a post's."""
    state = confirmed(measure(), "nina")
    lead = {**NIGHT, "lead": "wim"}
    pools = {**POOLS, "desk": pool("desk", "agent hours", normal={"month": 600}, teams=[lead])}
    [night] = [one for one in assess(state, pools, PEOPLE).surge if one.team]
    assert not night.confirmed_by
