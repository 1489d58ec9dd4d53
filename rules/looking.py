"""What rules look at: the kinds of facts and fields that decide their answer."""

from collections.abc import Iterable

from rules.conditions import Condition
from rules.schema import Rule

Looks = dict[str, dict[str, list[str]]]
"""Per kind of fact and field the ids of the rules that look at it, in the order of the rules."""


def looks_of(rules: Iterable[Rule]) -> Looks:
    """Returns what some rules look at; a kind may be looked for without any of its fields."""
    looks: Looks = {}
    for rule in rules:
        query = (*rule.when, *rule.expect)
        for pattern in query:
            looks.setdefault(pattern.kind, {})
        for kind, field in _fields_of(rule):
            known = looks.setdefault(kind, {}).setdefault(field, [])
            if rule.id not in known:
                known.append(rule.id)
    return looks


def _fields_of(rule: Rule) -> Iterable[tuple[str, str]]:
    query = (*rule.when, *rule.expect)
    for pattern in query:
        yield from ((pattern.kind, field) for field, _ in pattern.equals)
        for join in pattern.joins:
            yield pattern.kind, join.field
            yield query[join.position].kind, join.other
    for condition in (rule.require, rule.at_least):
        if isinstance(condition, Condition):
            for name, field in condition.fields_read(rule.kinds):
                yield rule.kinds[name], field
    if rule.distinct is not None:
        yield rule.kinds[rule.distinct.name], rule.distinct.field
