"""What a proof says: claims that are proved, refuted with a counter-example, or left open."""

from collections.abc import Sequence
from typing import Literal

from measures.model import Stored
from rules.schema import Rule

Outcome = Literal["proved", "defect", "not-proved", "warning", "note"]
OUTCOMES: tuple[Outcome, ...] = ("defect", "not-proved", "warning", "note", "proved")
"""How a claim can end, what matters most first."""


class Claim(Stored):
    """One claim and how it ended.

    Attributes:
        name: a stable name of what was claimed, e.g. ``gate-can-open``.
        subject: the gate, rule or measure that it is about.
        text: the finding in words; of a defect the counter-example, of what is not proved why.
        rules: the ids of the rules that the finding rests on.
        places: where these rules stand, ``file:line``.
        command: what would mend it, where a command does.
    """

    name: str
    subject: str
    outcome: Outcome
    text: str
    rules: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    command: str = ""


def claim(
    name: str, subject: str, outcome: Outcome, text: str, rules: Sequence[Rule] = ()
) -> Claim:
    """Makes a claim that rests on rules."""
    return Claim(
        name=name,
        subject=subject,
        outcome=outcome,
        text=text,
        rules=tuple(rule.id for rule in rules),
        places=tuple(place_of(rule) for rule in rules),
    )


def place_of(rule: Rule) -> str:
    """Returns where a rule stands, ``file:line``."""
    return f"{rule.file}:{rule.line}" if rule.line else rule.file
