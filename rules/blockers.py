"""Findings as the blockers that a person reads."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from measures.facts import OfferFact
from measures.verdict import Blocker, Warned
from rules.fields import fields_of
from rules.schema import RuleText
from rules.stating import command_to_state, to_state
from rules.weighing import Finding
from rules.wishes import wishes_of
from rules.wording import command_of, filled, seen_by, who_clears

MAX_BLOCKERS = 20
"""Blockers of one rule that are shown one by one."""
MAX_MESSAGE = 2000

_ANY_AGE = datetime.max.replace(tzinfo=UTC)


def blockers_of(findings: list[Finding]) -> list[Blocker]:
    """Returns the blockers of one rule's findings; beyond `MAX_BLOCKERS` one says how many more."""
    shown = [_blocker(finding) for finding in findings[:MAX_BLOCKERS]]
    left = len(findings) - len(shown)
    if left:
        rule = findings[0].rule
        # One that is merely unknown must not make a rest that blocks look unknown.
        blocks = any(finding.answer == "block" for finding in findings)
        shown.append(
            Blocker(
                rule=rule.id,
                answer="block" if blocks else "inconclusive",
                message=f"and {left} more of {rule.id}",
                wanted=rule.wanted,
                subject="more",
                pack=rule.file,
                line=rule.line,
            )
        )
    return shown


def warnings_of(text: RuleText, blockers: Iterable[Blocker]) -> list[Warned]:
    """Returns what one rule would block if it were enforced, and from when it will."""
    soon = text.enforce_from if text.mode == "enforce" else None
    mode: Literal["dry-run", "warn"] = "dry-run" if text.mode == "dry-run" else "warn"
    return [Warned(**dict(blocker), mode=mode, enforce_from=soon) for blocker in blockers]


def _blocker(finding: Finding) -> Blocker:
    rule = finding.rule
    seen = seen_by(rule, finding.values)
    message = filled(rule.text.message, finding.values, seen, rule)
    if finding.answer == "inconclusive":
        message = f"{message} (cannot be known: {finding.why})"
    people, role = who_clears(rule, finding.values)
    return Blocker(
        rule=rule.id,
        answer=finding.answer,
        message=message[:MAX_MESSAGE],
        wanted=rule.wanted,
        seen={name: value for name, value in seen.items() if not name.startswith("_")},
        subject=finding.subject,
        clear_by=people,
        role=role,
        command=_command(finding),
        pack=rule.file,
        line=rule.line,
        waive_by=rule.waive_by,
    )


def _command(finding: Finding) -> str:
    """Returns the command of the rule, with every period of a pool that must be stated for it."""
    rule = finding.rule
    command = command_of(rule.text.command or "", finding.values, seen_by(rule, finding.values))
    for name, fact in finding.bound.items():
        if isinstance(fact, OfferFact):
            # What cannot be known may be so because any of the periods is stated too long ago.
            accepted = _ANY_AGE if finding.answer == "inconclusive" else None
            stated = to_state(fact, _wanted(finding, name), accepted)
            command = command_to_state(command, fact, stated) or command
    return command


def _wanted(finding: Finding, offer: str) -> float | None:
    """Returns how much of an offer its rule wants to be available; None where that is not said."""
    rule, values = finding.rule, finding.values
    wanted = [
        one.to.value(values)
        for one in rule.remedies
        if one.upward and (one.path.name, one.path.field) == (offer, "available")
    ] or [
        wish.target(values, fields_of("offer")["available"])
        for wish in wishes_of(rule.require.text if rule.require else "")
        if (wish.path.name, wish.path.field) == (offer, "available") and wish.unfulfilled(values)
    ]
    known = [float(one) for one in wanted if isinstance(one, int | float)]
    return max(known, default=None)
