"""Judging cases: what came, what was expected, and what the verdict shows of each rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from measures.facts import Fact
from measures.verdict import Answer, Blocker, Verdict
from rules.casebook import Case, CaseText
from rules.judge import ENGINE, Judge
from rules.matcher import match
from rules.schema import Pack, Rule


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case went.

    Attributes:
        problems: what was not as expected; nothing when it passed.
        shown: the answer of each rule that the case checks and its facts reached.
    """

    case: Case
    verdict: Verdict
    problems: tuple[str, ...]
    shown: tuple[tuple[str, Answer], ...]

    @property
    def passed(self) -> bool:
        """Tells whether everything was as expected."""
        return not self.problems


async def run_cases(cases: Sequence[Case], pack: Pack, judge: Judge) -> list[CaseResult]:
    """Judges every case with both engines, as a gate would be."""
    lifecycle = pack.checked_against
    assert lifecycle is not None, "cases stand beside a pack's file, which was checked"
    results = []
    for case in cases:
        verdict = await judge.judge(
            gate=case.gate, facts=case.facts, now=case.now, lifecycle=lifecycle
        )
        problems = tuple(_problems(case, verdict))
        results.append(CaseResult(case, verdict, problems, tuple(_shown(case, verdict, pack))))
    return results


def _shown(case: Case, verdict: Verdict, pack: Pack) -> list[tuple[str, Answer]]:
    """Reads off the verdict what each rule that the case checks has answered.

    A case about one rule checks that rule. A case about a gate checks every rule enforced there,
    unless it leaves open which of them hold the gate.
    """
    text = case.text
    found = [*verdict.blockers, *verdict.warnings]
    if any(blocker.rule == ENGINE for blocker in found):
        return []
    if case.rule is not None:
        checked = [case.rule]
    elif text.verdict == "pass" or text.blockers is not None:
        day = case.now.astimezone(UTC).date()
        checked = [
            rule
            for rule in pack.rules
            if case.gate in rule.gates and rule.mode_on(day) == "enforce"
        ]
    else:
        checked = []
    shown = []
    for rule in checked:
        own = [blocker for blocker in found if blocker.rule == rule.id]
        if own or _reaches(rule, case.facts):
            shown.append((rule.id, _answer(own)))
    return shown


def _problems(case: Case, verdict: Verdict) -> list[str]:
    text = case.text
    found: list[Blocker] = [*verdict.blockers, *verdict.warnings]
    # That no enforced rule guards the gate is no trouble: a rule is tested before it is enforced.
    trouble = [one for one in found if one.rule == ENGINE and one.answer == "inconclusive"]
    if case.rule is not None:
        if trouble:
            return [f"not judged: {trouble[0].message}"]
        found = [blocker for blocker in found if blocker.rule == case.rule.id]
        if not found and not _reaches(case.rule, case.facts):
            return [f"the facts never reach the rule {case.rule.id}"]
        answer = _answer(found)
    else:
        found = list(verdict.blockers)
        answer = verdict.verdict
    problems = []
    if answer != text.verdict:
        told = "; ".join(blocker.message for blocker in found)
        problems.append(f"expected {text.verdict}, got {answer}" + (f": {told}" if told else ""))
    rules = tuple(dict.fromkeys(blocker.rule for blocker in found))
    expected = text.blockers
    if expected is None and case.rule is not None and text.verdict != "pass":
        expected = (case.rule.id,)
    if expected is not None and set(expected) != set(rules):
        problems.append(f"expected blockers {_list(expected)}, got {_list(rules)}")
    problems.extend(_details(text, found, verdict))
    return problems


def _details(text: CaseText, found: list[Blocker], verdict: Verdict) -> list[str]:
    problems = []
    first = found[0] if found else None
    for name, value in text.seen.items():
        seen = first.seen.get(name) if first else None
        if seen != value:
            problems.append(f"expected {name} {value}, saw {seen}")
    if text.message and (first is None or text.message not in first.message):
        problems.append(f"expected the message to contain '{text.message}'")
    if text.clear_by is not None and (first is None or first.clear_by != text.clear_by):
        got = first.clear_by if first else ()
        problems.append(f"expected {_list(text.clear_by)} to clear it, not {_list(got)}")
    if text.unblock is not None and len(verdict.unblock) != text.unblock:
        problems.append(f"expected {text.unblock} proposals, got {len(verdict.unblock)}")
    return problems


def _reaches(rule: Rule, facts: Sequence[Fact]) -> bool:
    if rule.text.mode == "off":
        return False
    world = [fact.model_dump(exclude_none=True) for fact in facts]
    return bool(match([rule.when], world)[0])


def _answer(found: Sequence[Blocker]) -> Answer:
    if any(blocker.answer == "block" for blocker in found):
        return "block"
    return "inconclusive" if found else "pass"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
