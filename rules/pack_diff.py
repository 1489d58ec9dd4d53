"""What differs between two versions of a pack, rule by rule and field by field."""

from typing import Any

from measures.documents import RulePack, document_content
from measures.model import Stored


class Change(Stored):
    """A field that differs; None where a side does not have it."""

    field: str
    before: Any
    after: Any


class RuleChange(Stored):
    """A rule that both versions have, and what differs in it."""

    id: str
    changes: tuple[Change, ...]


class PackDiff(Stored):
    """What differs between two versions of a pack.

    Attributes:
        fields: of the pack itself: title, lifecycle, policy.
        reordered: whether the rules that both have stand in another order.
    """

    fields: tuple[Change, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[RuleChange, ...] = ()
    reordered: bool = False

    @property
    def same(self) -> bool:
        """Tells whether nothing differs."""
        return self == PackDiff()


def compare(before: RulePack, after: RulePack) -> PackDiff:
    """Returns what turns one version into another."""
    old, new = (document_content(pack) for pack in (before, after))
    old.setdefault("policy", before.policy)
    new.setdefault("policy", after.policy)
    old_rules, new_rules = ({rule["id"]: rule for rule in one.pop("rules")} for one in (old, new))
    shared = [name for name in old_rules if name in new_rules]
    changed = ((name, _changes(old_rules[name], new_rules[name])) for name in shared)
    return PackDiff(
        fields=_changes(old, new),
        added=tuple(name for name in new_rules if name not in old_rules),
        removed=tuple(name for name in old_rules if name not in new_rules),
        changed=tuple(RuleChange(id=name, changes=found) for name, found in changed if found),
        reordered=shared != [name for name in new_rules if name in old_rules],
    )


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(field=field, before=before.get(field), after=after.get(field))
        for field in dict.fromkeys([*before, *after])
        if before.get(field) != after.get(field)
    )
