"""Cases beside packs: the standard ones hold, and a case that proves nothing fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rules.case_running import CaseResult, run_cases
from rules.casebook import cases_file, load_cases
from rules.coverage import coverage_of
from rules.judge import Judge
from rules.loader import builtin_pack_files, builtin_packs
from rules.schema import Pack
from rules.source import FaultsFound

MakePack = Callable[..., Pack]

HEAD = "pack: test\nnow: 2031-01-12T09:00:00Z\ndefaults: {measure: %s}\ncases:\n"
MEASURE = "{owner: olga, sponsor: sam}"


@pytest.mark.parametrize("file", [Path(str(one)) for one in builtin_pack_files()], ids=str)
async def test_the_cases_of_the_built_in_packs_hold(file: Path) -> None:
    """Judged by both engines; each rule is shown passing, blocking and not knowing."""
    [pack] = [one for one in builtin_packs() if one.file.endswith(file.name)]
    cases = load_cases(cases_file(file).read_bytes(), file.name, pack)
    async with Judge([pack]) as judge:
        results = await run_cases(cases, pack, judge)
    assert [(one.case.text.case, one.problems) for one in results if not one.passed] == []
    coverage = coverage_of(pack.rules, results)
    assert (coverage.uncovered, coverage.percent) == ({}, 100)


@pytest.fixture(scope="module")
def owner_pack(pack: MakePack) -> Pack:
    """Rules about the measure and its KPIs, and one that sleeps."""
    return pack(
        "- {id: owned, gate: decided, require: measure.owner == 'olga',"
        " message: 'by {measure.owner}', seen: {owner: measure.owner}, clear_by: measure.sponsor}\n"
        "- {id: reported, gate: decided, when: {k: {kind: kpi}}, require: k.owner != '',"
        " message: m}\n"
        "- {id: sleeping, gate: decided, require: 'false', message: m, mode: 'off'}"
    )


async def run(pack: Pack, case: str) -> CaseResult:
    """Runs one case."""
    cases = load_cases(HEAD % MEASURE + f"  - {{case: c, {case}}}\n", "test_cases.yaml", pack)
    async with Judge([pack]) as judge:
        [result] = await run_cases(cases, pack, judge)
    return result


@pytest.mark.parametrize(
    "case",
    [
        "rule: owned, verdict: pass",
        "rule: owned, given: [{kind: measure, owner: piet}], verdict: block, message: by piet",
        "rule: owned, given: [{kind: measure, owner: piet}], verdict: block, seen: {owner: piet}",
        "rule: owned, given: [{kind: measure, owner: piet}], verdict: block, clear_by: [sam]",
        "rule: owned, without: [measure], verdict: inconclusive",
        "gate: decided, verdict: pass, blockers: []",
        "gate: launch, verdict: block, blockers: [engine]",
    ],
)
async def test_a_case_that_holds_passes(owner_pack: Pack, case: str) -> None:
    """What is expected is what comes."""
    assert (await run(owner_pack, case)).problems == ()


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("rule: owned, verdict: block", "expected block, got pass"),
        ("rule: reported, verdict: pass", "the facts never reach the rule reported"),
        ("rule: sleeping, verdict: pass", "the facts never reach the rule sleeping"),
        ("gate: decided, verdict: pass, blockers: [owned]", "expected blockers owned, got none"),
        (
            "rule: owned, given: [{kind: measure, owner: piet}], verdict: block, seen: {owner: u}",
            "expected owner u, saw piet",
        ),
        (
            "rule: owned, given: [{kind: measure, owner: piet}], verdict: block, message: by uma",
            "expected the message to contain 'by uma'",
        ),
        (
            "rule: owned, given: [{kind: measure, owner: piet}], verdict: block, clear_by: [uma]",
            "expected uma to clear it, not sam",
        ),
        ("rule: owned, verdict: pass, unblock: 1", "expected 1 proposals, got 0"),
    ],
)
async def test_a_case_that_does_not_hold_says_why(
    owner_pack: Pack, case: str, problem: str
) -> None:
    """The difference is told, not only that there is one."""
    assert any(problem in one for one in (await run(owner_pack, case)).problems)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("rule: ownd, verdict: pass", "did you mean 'owned'?"),
        ("verdict: pass", "a case needs a rule or a gate"),
        ("rule: owned, gate: launch, verdict: pass", "owned does not guard the gate 'launch'"),
        ("rule: owned, given: [{kind: kpl}], verdict: pass", "did you mean 'kpi'?"),
        ("rule: owned, given: [{kind: measure, ownr: x}], verdict: pass", "did you mean 'owner'?"),
        ("rule: owned, given: [{kind: signoff}], verdict: pass", "'decision' is missing"),
        ("rule: owned, given: [{kind: measure, age: soon}], verdict: pass", "no span of time"),
    ],
)
def test_faults_in_cases_are_told_like_faults_in_packs(
    owner_pack: Pack, case: str, says: str
) -> None:
    """With the place and the suggestion."""
    with pytest.raises(FaultsFound) as found:
        load_cases(HEAD % MEASURE + f"  - {{case: c, {case}}}\n", "x_cases.yaml", owner_pack)
    assert any(says in str(fault) and fault.line == 5 for fault in found.value.faults)
