"""What a change of packs means for one gate of one measure: the old answer against the new."""

from collections.abc import Iterable, Sequence
from typing import Literal

from measures.model import Stored
from measures.verdict import Answer, Blocker, Verdict
from rules.schema import Pack

Effect = Literal["newly-blocked", "newly-freed", "other-reasons", "warnings-only", "same"]
"""What happens to an answer.

``newly-blocked``: it passed and no longer does. ``newly-freed``: it did not pass and now does.
``other-reasons``: shut before and after, for other reasons. ``warnings-only``: the same answer for
the same reasons, with other warnings.
"""

RuleEffect = Literal["blocks", "frees", "other-reasons", "warns", "stops-warning"]
"""What a change does through one rule: it holds the gate and did not, no longer holds it, holds it
for other reasons, warns and did not, no longer warns."""


class Difference(Stored):
    """The old answer against the new.

    Attributes:
        rules: what the change does through each rule that it does something through.
        added, gone: reasons that hold the gate only after, and only before, the change.
        warned, silenced: warnings that are given only after, and only before, the change.
    """

    effect: Effect
    before: Answer
    after: Answer
    rules: dict[str, RuleEffect] = {}
    added: tuple[Blocker, ...] = ()
    gone: tuple[Blocker, ...] = ()
    warned: tuple[Blocker, ...] = ()
    silenced: tuple[Blocker, ...] = ()


def compare(before: Verdict, after: Verdict) -> Difference:
    """Returns what changed between two answers of one gate on the same facts."""
    added, gone = _parted(before.blockers, after.blockers)
    warned, silenced = _parted(before.warnings, after.warnings)
    return Difference(
        effect=_effect(
            before,
            after,
            reasons=before.verdict != after.verdict or bool(added or gone),
            warnings=bool(warned or silenced),
        ),
        before=before.verdict,
        after=after.verdict,
        rules=_rule_effects(before, after, (*added, *gone), (*warned, *silenced)),
        added=added,
        gone=gone,
        warned=warned,
        silenced=silenced,
    )


class PackDifference(Stored):
    """What becomes of a pack, and of which of its rules."""

    pack: str
    change: Literal["new", "changed", "removed"]
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def compare_packs(before: Sequence[Pack], after: Sequence[Pack]) -> list[PackDifference]:
    """Returns the packs that differ in content, by id."""
    old, new = {pack.id: pack for pack in before}, {pack.id: pack for pack in after}
    differences = []
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        if one is not None and other is not None and one.digest == other.digest:
            continue
        rules_before = {rule.id: rule.text for rule in one.rules} if one else {}
        rules_after = {rule.id: rule.text for rule in other.rules} if other else {}
        differences.append(
            PackDifference(
                pack=name,
                change="new" if one is None else "removed" if other is None else "changed",
                new=tuple(rule for rule in rules_after if rule not in rules_before),
                changed=tuple(
                    rule
                    for rule, text in rules_after.items()
                    if rules_before.get(rule, text) != text
                ),
                removed=tuple(rule for rule in rules_before if rule not in rules_after),
            )
        )
    return differences


def _effect(before: Verdict, after: Verdict, *, reasons: bool, warnings: bool) -> Effect:
    if before.passed and not after.passed:
        return "newly-blocked"
    if after.passed and not before.passed:
        return "newly-freed"
    if reasons:
        return "other-reasons"
    return "warnings-only" if warnings else "same"


def _rule_effects(
    before: Verdict, after: Verdict, reasons: Iterable[Blocker], warnings: Iterable[Blocker]
) -> dict[str, RuleEffect]:
    """Returns the strongest thing that each rule does; holding a gate is stronger than warning."""
    effects: dict[str, RuleEffect] = {}
    held, holds = set(before.blocking_rules), set(after.blocking_rules)
    for reason in reasons:
        rule = reason.rule
        in_both = rule in held and rule in holds
        effects[rule] = "other-reasons" if in_both else "blocks" if rule in holds else "frees"
    warns = {warning.rule for warning in after.warnings}
    for warning in warnings:
        effects.setdefault(warning.rule, "warns" if warning.rule in warns else "stops-warning")
    return effects


def _parted(
    before: Iterable[Blocker], after: Iterable[Blocker]
) -> tuple[tuple[Blocker, ...], tuple[Blocker, ...]]:
    """Returns the reasons that are only after and those that are only before."""
    old, new = {_reason(one): one for one in before}, {_reason(one): one for one in after}
    return (
        tuple(one for key, one in new.items() if key not in old),
        tuple(one for key, one in old.items() if key not in new),
    )


def _reason(blocker: Blocker) -> tuple[object, ...]:
    """Returns what people read and act on; a rule that only moved to another line is the same."""
    return (
        blocker.rule,
        blocker.answer,
        blocker.subject,
        blocker.message,
        blocker.clear_by,
        blocker.role,
    )
