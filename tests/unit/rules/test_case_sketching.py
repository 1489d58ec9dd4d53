"""A sketched case holds before anybody edits it, for every answer that a rule can give."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from rules.case_running import CaseResult, run_cases
from rules.case_sketching import Sketch, _choices
from rules.case_writing import new_casebook
from rules.casebook import load_cases
from rules.coverage import coverage_of
from rules.fields import fields_of
from rules.judge import Judge
from rules.loader import builtin_packs
from rules.schema import Pack

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
MakePack = Callable[..., Pack]


async def sketched(pack: Pack) -> tuple[str, list[CaseResult]]:
    """Sketches cases for every rule of a pack and runs them."""
    cases = [case for rule in pack.rules for case in Sketch(rule, NOW, {}).cases()]
    text = new_casebook(pack, NOW, cases)
    async with Judge([pack]) as judge:
        return text, await run_cases(load_cases(text, "c.yaml", pack), pack, judge)


async def test_the_standard_pack_is_covered_by_sketches_alone() -> None:
    """All three answers of all its rules are found."""
    [pack] = [one for one in builtin_packs() if one.id == "standard"]
    _, results = await sketched(pack)
    assert [(one.case.text.rule, one.problems) for one in results if not one.passed] == []
    assert coverage_of(pack.rules, results).percent == 100


@pytest.mark.parametrize(
    "rule",
    [
        "when: {k: {kind: kpi}}, require: k.latest > 4.5 && k.unit == 'percent'",
        "when: {s: {kind: signoff}}, require: s.by != measure.owner && s.role == 'sponsor'",
        "when: {d: {kind: demand}}, expect: {o: {kind: offer, pool: $d.pool}}, fresh: {o: 2h},"
        " require: o.available >= d.amount",
        "expect: {s: {kind: signoff, role: committee}}, at_least: 3, distinct: s.by",
        "expect: {s: {kind: signoff}}, at_least: measure.quorum, require: s.decision == 'approve'",
        "when: {a: {kind: kpi}, b: {kind: kpi}}, require: a.owner == b.owner",
        "when: {c: {kind: campaign, launched: false}}, require: c.inside_window",
        "when: {l: {kind: lead_time}}, require: l.slack_days >= -3",
        "expect: {d: {kind: dependency}}, require: d.done, missing: block",
    ],
)
async def test_what_rules_look_like_is_found(pack: MakePack, rule: str) -> None:
    """Numbers, texts, joins, ages, counts, and fields that may be unknown."""
    _, results = await sketched(pack(f"- {{id: r, gate: decided, {rule}, message: m}}"))
    assert [one.problems for one in results] == [(), (), ()]
    assert {one.case.text.verdict for one in results} == {"pass", "block", "inconclusive"}


async def test_an_answer_that_is_not_found_says_so(pack: MakePack) -> None:
    """A rule that can never pass gets a case to fill in, which fails until then."""
    text, results = await sketched(pack("- {id: r, gate: decided, require: 'false', message: m}"))
    assert "# no values were found that pass: fill them in" in text
    assert [one.passed for one in results] == [False, True, True]


def test_the_fields_to_edit_are_shown(pack: MakePack) -> None:
    """Those that patterns and conditions look at, even where they are empty."""
    [rule] = pack(
        "- {id: r, gate: decided, when: {k: {kind: kpi, guarded: false}},"
        " require: k.owner == '', message: m}"
    ).rules
    passing = Sketch(rule, NOW, {}).cases()[0]
    assert passing.given == ({"kind": "kpi", "owner": "", "guarded": False},)


def test_the_defaults_of_a_file_are_counted_on(pack: MakePack) -> None:
    """The same sketch holds where the file says something else of every measure."""
    loaded = pack("- {id: r, gate: decided, require: measure.owner != '', message: m}")
    defaults = {"measure": {"owner": "olga", "id": "spring"}}
    cases = Sketch(loaded.rules[0], NOW, defaults).cases()
    assert [case.given for case in cases[:2]] == [
        ({"kind": "measure", "owner": "owner"},),
        ({"kind": "measure", "owner": ""},),
    ]


def test_numbers_are_round() -> None:
    """0.1, not 0.10000000000000009."""
    assert 0.1 in _choices("amount", fields_of("demand")["amount"], [1.1])
