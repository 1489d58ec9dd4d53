"""Rules and facts in words: the texts and commands that their author gave, filled in."""

import re
from collections.abc import Mapping
from typing import Any

from measures.facts import FACT_KINDS
from rules.conditions import Bound, Unknown
from rules.schema import FieldPath, Rule
from rules.weighing import read_path

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ROLES = ("owner", "sponsor", "controller")


def in_words(value: Any) -> str:
    """Writes a value for people: 13,000, yes, unknown."""
    if value is None or isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{plain(round(value, 4)):,}"
    return _UNPRINTABLE.sub(" ", str(value)) or "none"


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
