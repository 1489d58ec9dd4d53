"""A recorded situation gives the same verdict whenever it is judged again, names or no names."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from measures.errors import EngineError, RefusedError
from measures.facts import FACT_KINDS, Fact
from measures.lifecycle import DOI
from measures.verdict import Verdict
from rules.case_recording import facts_read, record_case, without_names
from rules.case_running import run_cases
from rules.case_writing import NewCase, new_casebook, with_cases
from rules.casebook import blank, load_casebook
from rules.fields import FieldInfo, fields_of
from rules.judge import Judge
from rules.loader import builtin_packs
from rules.schema import Pack

NOW = datetime(2031, 1, 12, 9, 30, 15, 123456, tzinfo=UTC)
MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]

PEOPLE = ["olga", "sam", "carla", "kim", "tom"]
WORDS = ["", "yes", "2031", "a: b", "{x}", "- é", "line\nbreak", "Olga's plan", "#", "null", "\x85"]
IDS = ["kyc", "crm", "2031", "1e3", "a.b_c-d"]
AGES = st.one_of(
    st.sampled_from([timedelta(), timedelta(hours=24), timedelta(hours=24, microseconds=1)]),
    st.timedeltas(min_value=timedelta(minutes=-10), max_value=timedelta(days=60)),
)


def values(kind: str, name: str, info: FieldInfo) -> st.SearchStrategy[Any]:
    """Any value of a field, people and looked-at values more often than others."""
    if info.values:
        return st.sampled_from(info.values)
    if name in FACT_KINDS[kind].PERSONS:
        return st.sampled_from(PEOPLE if kind == "signoff" else ["", *PEOPLE])
    if name in ("period", "latest_period", "limited_by", "oldest"):
        return st.sampled_from(["2031-03", "2031", "2031-W09"])
    if name in ("gate", "stage", "wanted"):
        return st.sampled_from(["detailed", "decided", "closed", "implemented"])
    if name == "role":
        return st.sampled_from(["sponsor", "committee", "controller"])
    if name in ("id", "pool", "measure", "package"):
        return st.sampled_from(IDS)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "text": st.sampled_from(WORDS if "" in WORDS and info.keyed else WORDS[1:]),
        "boolean": st.booleans(),
        "whole": st.integers(-3, 5),
        "number": st.one_of(st.integers(-5, 20_000), st.floats(-1e6, 1e6)),
    }
    return simple[info.type]


@st.composite
def some_fact(draw: st.DrawFn, kind: str) -> Fact:
    """A fact of a kind, some of what may be unknown left out."""
    fields: dict[str, Any] = {"seen_at": NOW - draw(AGES)}
    for name, info in fields_of(kind).items():
        if name == "kind" or (name == "source" and draw(st.booleans())):
            continue
        required = FACT_KINDS[kind].model_fields[name].is_required()
        if required or draw(st.booleans()):
            fields[name] = draw(values(kind, name, info))
    made: Fact = FACT_KINDS[kind].model_validate(fields)
    return made


@st.composite
def situations(draw: st.DrawFn) -> list[Fact]:
    """What is known about some measure: the measure, and any number of facts of any kind."""
    others = draw(st.lists(st.sampled_from(sorted(FACT_KINDS.keys() - {"measure"})), max_size=10))
    kinds = [*(["measure"] if draw(st.integers(0, 9)) else []), *others]
    return [draw(some_fact(kind)) for kind in kinds]


@pytest.fixture(scope="module")
async def standard() -> AsyncIterator[Judge]:
    """A judge of the standard pack with the real engine."""
    async with Judge([one for one in builtin_packs() if one.id == "standard"]) as judge:
        yield judge


async def again(text: str, pack: Pack, judge: Judge) -> tuple[Verdict, tuple[str, ...], list[Fact]]:
    """Runs the last case of a file; returns its verdict, problems and facts."""
    case = load_casebook(text, "c.yaml", pack).cases[-1]
    [result] = await run_cases([case], pack, judge)
    return result.verdict, result.problems, list(case.facts)


async def recorded(pack: Pack, gate: str, facts: list[Fact], **how: Any) -> NewCase:
    """Records what a small pack says."""
    async with Judge([pack]) as judge:
        return await record_case(
            "c", pack, judge, gate, facts, NOW, lifecycle=DOI, defaults={}, **how
        )


BOOK = """\
pack: standard
now: 2030-01-01T00:00:00Z
defaults:
  measure: {id: other, owner: nobody, kpis: 9, age: 3d}
  kpi: {latest: 3, source: kim, seen_at: 2030-06-01T00:00:00Z}
  offer: {available: 5, age: 2d}
  signoff: {role: owner, decision: reject}
cases:
  - case: before
    rule: identified.governance-complete
    verdict: block
"""


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=situations(), gate=st.sampled_from(DOI.gates), hidden=st.booleans())
async def test_a_recorded_case_gives_the_same_verdict(
    standard: Judge, facts: list[Fact], gate: str, hidden: bool
) -> None:
    """For any measure at any gate of the standard pack, in a new file and in one with defaults."""
    [pack] = standard.packs
    if hidden:
        facts = without_names(facts)
    kept = facts_read(pack, gate, facts)
    before = await standard.judge(gate=gate, facts=kept, now=NOW, lifecycle=DOI)
    for text in ("", BOOK):
        defaults = load_casebook(text, "c.yaml", pack).text.defaults if text else {}
        case = await record_case(
            "now", pack, standard, gate, facts, NOW, lifecycle=DOI, defaults=defaults
        )
        whole = (
            with_cases(text, "c.yaml", pack, [case]) if text else new_casebook(pack, NOW, [case])
        )
        after, problems, read = await again(whole, pack, standard)
        assert problems == ()
        assert after.verdict == before.verdict
        assert [seen(one) for one in after.blockers] == [seen(one) for one in before.blockers]
        assert [plain(one) for one in read] == [plain(one) for one in kept]


def seen(blocker: Any) -> Any:
    """A blocker but for the moment in its words: ages are rounded to seconds."""
    stale = "was last stated" in blocker.message
    return blocker.model_copy(update={"message": ""} if stale else {})


def plain(fact: Fact) -> Any:
    """A fact but for its age."""
    return fact.model_dump(exclude={"seen_at"})


def test_people_are_replaced_alike_everywhere(fact: MakeFact) -> None:
    """The same person is the same stranger; words and sources that name people go too."""
    facts = [
        fact("measure", title="Olga's spring", owner="olga", sponsor="sam", controller=""),
        fact("kpi", owner="olga", source="carla"),
        fact("signoff", by="carla", on_behalf_of="sam", source="carla"),
        fact("offer", owner="olga", source="pool:kyc"),
    ]
    measure, kpi, signoff, offer = without_names(facts)
    assert (measure.owner, measure.sponsor, measure.controller) == ("person-1", "person-2", "")
    assert (measure.title, measure.scope) == ("title", "")
    assert (kpi.owner, kpi.source) == ("person-1", "person-3")
    assert (signoff.by, signoff.on_behalf_of, signoff.source) == (
        "person-3",
        "person-2",
        "person-3",
    )
    assert (offer.owner, offer.source) == ("person-1", "pool:kyc")
    assert without_names(facts) == [measure, kpi, signoff, offer]
    told = " ".join(str(one.model_dump()) for one in (measure, kpi, signoff, offer))
    assert not [name for name in ("olga", "Olga", "sam'", "carla") if name in told]


@pytest.mark.parametrize("kind", FACT_KINDS)
def test_every_field_of_a_person_is_known(kind: str) -> None:
    """A new field that names somebody must not be forgotten."""
    naming = {"owner", "sponsor", "controller", "by", "on_behalf_of", "who", "backed_by"}
    assert set(FACT_KINDS[kind].PERSONS) == naming & fields_of(kind).keys()
    assert {"id", "pool"} & set(FACT_KINDS[kind].PERSONS) == set()
    assert blank(kind, NOW).keys() <= fields_of(kind).keys()


async def test_a_rule_that_looks_at_a_name_is_not_recorded_without(
    pack: MakePack, fact: MakeFact
) -> None:
    """Its case would say something else."""
    by_name = pack("- {id: by-name, gate: decided, require: measure.owner == 'olga', message: m}")
    facts = [fact("measure", owner="olga")]
    with pytest.raises(RefusedError, match=r"without them by-name would answer otherwise"):
        await recorded(by_name, "decided", facts, anonymous=True)
    case = await recorded(by_name, "decided", facts)
    assert isinstance(case, NewCase)
    assert (case.verdict, case.blockers) == ("pass", ())


async def test_trouble_with_an_engine_is_not_recorded(
    pack: MakePack, fact: MakeFact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing about the rules."""
    small = pack("- {id: r, gate: decided, require: 'true', message: m}")
    monkeypatch.setattr("rules.judge.engine_command", lambda: ("/no/such/program",))
    with pytest.raises(EngineError, match="this cannot be recorded"):
        await recorded(small, "decided", [fact("measure")])


async def test_only_what_the_gate_looks_at_is_recorded(pack: MakePack, fact: MakeFact) -> None:
    """Facts of other kinds would only hide what matters; a gate without rules stays shut."""
    small = pack(
        "- {id: r, gate: decided, when: {k: {kind: kpi}}, require: k.owner != '', message: m}"
    )
    facts = [fact("measure"), fact("kpi"), fact("offer"), fact("clock")]
    case = await recorded(small, "decided", facts)
    assert [one["kind"] for one in case.given] == ["measure", "kpi"]
    shut = await recorded(small, "launch", facts)
    assert ([one["kind"] for one in shut.given], shut.blockers) == (["measure"], ("engine",))
