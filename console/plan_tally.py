"""Counting what a change of packs does: exact numbers, and a few examples of each."""

from collections import Counter
from typing import Any, get_args

from console.plan_cases import Change
from rules.comparing import Effect, RuleEffect

EFFECTS: tuple[Effect, ...] = get_args(Effect)
"""From the strongest to the weakest; a measure at two gates counts by the stronger."""

RULE_EFFECTS: tuple[RuleEffect, ...] = get_args(RuleEffect)


class Money:
    """The benefit that waits behind measures, by currency, each measure once."""

    def __init__(self) -> None:
        self._measures: set[str] = set()
        self._sums: dict[str, list[float]] = {}

    def add(self, change: Change) -> None:
        """Adds a measure's money unless it is counted already."""
        if change.measure in self._measures:
            return
        self._measures.add(change.measure)
        if change.currency:
            sums = self._sums.setdefault(change.currency, [0.0, 0.0])
            sums[0] += change.benefit
            sums[1] += change.weighted

    def as_data(self) -> dict[str, dict[str, float]]:
        """Returns the benefit and its weighted part of each currency."""
        return {
            currency: {"benefit": benefit, "weighted": round(weighted, 2)}
            for currency, (benefit, weighted) in sorted(self._sums.items())
        }


class RuleTally:
    """What happens through one rule in one way."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0
        self.money = Money()
        self.examples: list[Change] = []

    def add(self, change: Change) -> None:
        """Counts a change."""
        self.count += 1
        self.money.add(change)
        if len(self.examples) < self._limit:
            self.examples.append(change)


class Tally:
    """What a change does to live measures, or to decisions of the past.

    Attributes:
        subjects: how many were looked at, those included that nothing happens to.
        set_aside: of these, how many cannot be told.
        effects: how many each effect happens to.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.subjects = 0
        self.set_aside = 0
        self.effects: Counter[Effect] = Counter()
        self.money: dict[Effect, Money] = {}
        self.rules: dict[tuple[str, RuleEffect], RuleTally] = {}

    @property
    def changes(self) -> int:
        """How many subjects something happens to."""
        return self.effects.total()

    @property
    def same(self) -> int:
        """How many subjects nothing happens to."""
        return self.subjects - self.changes - self.set_aside

    def add(self, changes: list[Change]) -> None:
        """Counts what happens to one subject, at all its gates."""
        strongest = min((c.difference.effect for c in changes), key=EFFECTS.index)
        self.effects[strongest] += 1
        for change in changes:
            if change.difference.effect == strongest:
                self.money.setdefault(strongest, Money()).add(change)
            for rule, effect in change.difference.rules.items():
                self.rules.setdefault((rule, effect), RuleTally(self._limit)).add(change)

    def as_data(self) -> dict[str, Any]:
        """Returns everything as plain data."""
        return {
            "effects": {
                effect: {
                    "count": self.effects[effect],
                    "money": self.money[effect].as_data() if effect in self.money else {},
                }
                for effect in EFFECTS[:-1]
            }
            | {"same": {"count": self.same}},
            "rules": [
                {
                    "rule": rule,
                    "effect": effect,
                    "count": tally.count,
                    "money": tally.money.as_data(),
                    "examples": [example_as_data(one, rule) for one in tally.examples],
                }
                for (rule, effect), tally in self.in_order()
            ],
        }

    def in_order(self) -> list[tuple[tuple[str, RuleEffect], RuleTally]]:
        """Returns what happens through rules: the strongest effect, then the most, first."""
        return sorted(
            self.rules.items(),
            key=lambda item: (RULE_EFFECTS.index(item[0][1]), -item[1].count, item[0][0]),
        )


def example_as_data(change: Change, rule: str) -> dict[str, Any]:
    """Returns one example with the reasons that come or go through a rule."""
    difference = change.difference
    return {
        "measure": change.measure,
        "gate": change.gate,
        "before": difference.before,
        "after": difference.after,
        "effect": difference.effect,
        **({"position": change.position, "at": change.at.isoformat()} if change.position else {}),
        **{
            name: [
                {
                    "answer": one.answer,
                    "message": one.message,
                    "subject": one.subject,
                    "clear_by": list(one.clear_by),
                    "role": one.role,
                    "command": one.command,
                }
                for one in getattr(difference, name)
                if one.rule == rule
            ]
            for name in ("added", "gone", "warned", "silenced")
        },
    }
