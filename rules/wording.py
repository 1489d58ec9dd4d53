"""Findings in words: the blocker that a person reads."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from measures.facts import FACT_KINDS
from measures.verdict import Blocker, Warned
from rules.conditions import Bound, Unknown
from rules.schema import FieldPath, Rule, RuleText
from rules.weighing import Finding, read_path

MAX_BLOCKERS = 20
"""Blockers of one rule that are shown one by one."""
MAX_MESSAGE = 2000

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ROLES = ("owner", "sponsor", "controller")


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


def in_words(value: Any) -> str:
    """Writes a value for people: 13,000, yes, unknown."""
    if value is None or isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{plain(round(value, 4)):,}"
    return _UNPRINTABLE.sub(" ", str(value)) or "none"


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
        command=command_of(rule.text.command or "", finding.values, seen),
        pack=rule.file,
        line=rule.line,
        waive_by=rule.waive_by,
    )


def who_clears(rule: Rule, values: Bound) -> tuple[tuple[str, ...], str]:
    """Returns who can clear a blocker, and in which role."""
    for path in rule.clear_by:
        person = read_path(path, values)
        if person:
            role = path.field if path.field in _ROLES else ""
            return (str(person),), rule.text.role or role
    if rule.by_committee:
        return (), rule.text.role or "committee"
    return (), rule.text.role or ""


def seen_by(rule: Rule, values: Bound) -> dict[str, Any]:
    """Returns the values that a rule names for its texts; None where one is not known."""
    return {name: _known(one.value(values)) for name, one in rule.seen.items()}


def filled(template: str, values: Bound, seen: Mapping[str, Any], rule: Rule) -> str:
    """Fills a text for people."""

    def fill(found: re.Match[str]) -> str:
        name, dot, field = found[1].partition(".")
        if not dot:
            return in_words(seen.get(name))
        if name not in values and not FACT_KINDS[rule.kinds[name]].OUTSIDE:
            # Of what the plan itself records, that there is none is known.
            return "none"
        return in_words(read_path(FieldPath(name, field), values))

    return _PLACEHOLDER.sub(fill, template)


def command_of(template: str, values: Bound, seen: Mapping[str, Any]) -> str:
    """Fills a command: numbers as a program reads them, a gap where something is unknown."""

    def fill(found: re.Match[str]) -> str:
        name, dot, field = found[1].partition(".")
        value = plain(read_path(FieldPath(name, field), values) if dot else seen.get(name))
        if value in (None, ""):
            return (field or name).strip("_").upper()
        return _UNPRINTABLE.sub(" ", str(value))

    return _PLACEHOLDER.sub(fill, template)


def _known(value: Any) -> Any:
    if isinstance(value, Unknown):
        return None
    return plain(value)


def plain(value: Any) -> Any:
    """Returns a whole double as a whole number, as people and JSON write it."""
    return int(value) if isinstance(value, float) and value == int(value) else value
