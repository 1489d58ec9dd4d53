"""Which answers of which rules the cases beside a pack have really shown.

An answer counts when a case that passed checked it and the verdict gave it: what a case merely
declares, or what a rule answered while another one was looked at, proves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from measures.verdict import Answer
from rules.case_running import CaseResult
from rules.schema import Rule

ANSWERS: tuple[Answer, ...] = get_args(Answer)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The cases per rule and answer.

    Attributes:
        shown: per rule, how many cases showed each answer; rules that are off are left out.
    """

    shown: Mapping[str, Mapping[Answer, int]]

    @property
    def total(self) -> int:
        """How many answers there are to show: three per rule."""
        return len(ANSWERS) * len(self.shown)

    @property
    def covered(self) -> int:
        """How many of them were shown."""
        return sum(count > 0 for answers in self.shown.values() for count in answers.values())

    @property
    def percent(self) -> int:
        """The share that was shown, rounded down, so that 100 means all; 100 without rules."""
        return self.covered * 100 // self.total if self.total else 100

    @property
    def uncovered(self) -> dict[str, tuple[Answer, ...]]:
        """Per rule the answers that no case showed; rules without a gap are left out."""
        gaps = {
            rule: tuple(answer for answer, count in answers.items() if not count)
            for rule, answers in self.shown.items()
        }
        return {rule: answers for rule, answers in gaps.items() if answers}


def coverage_of(rules: Sequence[Rule], results: Sequence[CaseResult]) -> Coverage:
    """Counts what cases that passed have shown of these rules."""
    shown: dict[str, dict[Answer, int]] = {
        rule.id: dict.fromkeys(ANSWERS, 0) for rule in rules if rule.text.mode != "off"
    }
    for result in results:
        for rule, answer in result.shown if result.passed else ():
            if rule in shown:
                shown[rule][answer] += 1
    return Coverage(shown)
