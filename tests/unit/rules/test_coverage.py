"""Coverage: only what passing cases have really shown counts, and 100 means all."""

from collections.abc import Callable

import pytest

from rules.case_running import CaseResult, run_cases
from rules.casebook import load_cases
from rules.coverage import Coverage, coverage_of
from rules.judge import Judge
from rules.schema import Pack

MakePack = Callable[..., Pack]


@pytest.fixture(scope="module")
def two_rules(pack: MakePack) -> Pack:
    """Two rules of one gate, one that only warns, and one that is off."""
    return pack(
        "- {id: owned, gate: decided, require: measure.owner != '', message: m}\n"
        "- {id: sponsored, gate: decided, require: measure.sponsor != '', message: m}\n"
        "- {id: warned, gate: decided, require: measure.scope != '', message: m, mode: warn}\n"
        "- {id: sleeping, gate: decided, require: 'false', message: m, mode: 'off'}"
    )


async def shown(pack: Pack, *cases: str) -> dict[str, set[str]]:
    """Runs cases and returns which answers of which rules they cover."""
    lines = "".join(f"  - {{case: c, {case}}}\n" for case in cases)
    text = f"pack: test\nnow: 2031-01-12T09:00:00Z\ncases:\n{lines}"
    async with Judge([pack]) as judge:
        results = await run_cases(load_cases(text, "c.yaml", pack), pack, judge)
    coverage = coverage_of(pack.rules, results)
    return {
        rule: {answer for answer, count in answers.items() if count}
        for rule, answers in coverage.shown.items()
    }


async def test_a_case_about_a_rule_covers_that_rule_alone(two_rules: Pack) -> None:
    """That another rule of the gate blocked meanwhile was not looked at."""
    covered = await shown(
        two_rules,
        "rule: owned, given: [{kind: measure, owner: olga}], verdict: pass",
        "rule: warned, verdict: block",
    )
    assert covered == {"owned": {"pass"}, "sponsored": set(), "warned": {"block"}}


async def test_a_case_that_fails_covers_nothing(two_rules: Pack) -> None:
    """Its verdict is there, but nobody agreed with it."""
    assert (await shown(two_rules, "rule: owned, verdict: pass"))["owned"] == set()


async def test_a_case_about_a_gate_covers_what_it_checks(two_rules: Pack) -> None:
    """The rules it names as blockers and the others at the gate; a warning is not checked."""
    covered = await shown(
        two_rules,
        "gate: decided, given: [{kind: measure, owner: o}], verdict: block, blockers: [sponsored]",
    )
    assert covered == {"owned": {"pass"}, "sponsored": {"block"}, "warned": set()}


async def test_a_case_that_leaves_open_what_blocks_covers_nothing(two_rules: Pack) -> None:
    """Any of the rules may have held the gate."""
    covered = await shown(two_rules, "gate: decided, verdict: block")
    assert covered == {"owned": set(), "sponsored": set(), "warned": set()}


def test_the_percentage_is_rounded_down() -> None:
    """One answer short of all is never 100."""
    shown = {f"r{number}": {"pass": 1, "block": 1, "inconclusive": 1} for number in range(9999)}
    shown["last"] = {"pass": 1, "block": 1, "inconclusive": 0}
    coverage = Coverage(shown)  # type: ignore[arg-type]
    assert (coverage.covered, coverage.total, coverage.percent) == (29_999, 30_000, 99)
    assert coverage.uncovered == {"last": ("inconclusive",)}


def test_no_rules_leave_nothing_uncovered(two_rules: Pack) -> None:
    """A filter that fits no rule divides by nothing; a rule that is off is not counted."""
    nothing: list[CaseResult] = []
    assert coverage_of([], nothing).percent == 100
    assert "sleeping" not in coverage_of(two_rules.rules, nothing).shown
