"""What a proposed change does to the facts, its consequences included."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from measures.facts import ClockFact, Fact, OfferFact, SignOffFact
from measures.lifecycle import Lifecycle
from measures.plan_fields import DAYS, amendment, moved_by
from measures.plan_loads import moved_with
from rules.fields import identity

Fields = tuple[tuple[str, Any], ...]
"""What is set: the name of a field, or its path in the plan, with its value."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One fact changed, stated anew, or added.

    Attributes:
        place: where the fact stands among the facts; None when it is new.
        fact: the fact as it is today, or the new one.
        fields: what changes, as (field, value); empty for a fact that is only stated anew.
        amends: what is set in the plan for it, as (path, value); empty where no value is known.
        also: what else changes with the plan or the capacity, as (place, fields).
        states: what is stated of a pool for it, as (period, amount) behind the pool itself.
    """

    place: int | None
    fact: Fact
    fields: Fields = ()
    amends: Fields = ()
    also: tuple[tuple[int, Fields], ...] = ()
    states: Fields = ()

    @property
    def name(self) -> str:
        """What the fact that it changes is called."""
        return identity(self.fact)

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two edits the same change: in the plan or a pool, if those state it."""
        if self.amends or self.states:
            return self.amends or self.states
        return (self.place, self.fact if self.place is None else None, self.fields)

    def changes(self, fields: frozenset[str]) -> bool:
        """Tells whether it gives one of these fields another value; a new fact gives them all."""
        if self.place is None:
            return bool(fields)
        return any(name in fields for name, _ in self.fields)

    @property
    def amends_plan(self) -> bool:
        """Tells whether it changes the plan, which is refused once that is frozen."""
        return self.changes(self.fact.PLANNED)

    def voids(self, gate: str, lifecycle: Lifecycle) -> bool:
        """Tells whether it changes what the sign-offs of a gate are bound to.

        At the last gate that is the realised value and its evidence, at every other the plan.
        """
        return self.changes(self.fact.REALISED) if gate == lifecycle.last else self.amends_plan

    def clashes(self, other: "Edit") -> bool:
        """Tells whether both give the same field a value, in the plan or in a fact."""
        if not {path for path, _ in self.amends}.isdisjoint(path for path, _ in other.amends):
            return True
        if self.place is None or self.place != other.place:
            return False
        return not {name for name, _ in self.fields}.isdisjoint(name for name, _ in other.fields)


def restated(fact: Fact, field: str, value: Any) -> Fields:
    """Returns the fields that change with one field, so that the fact stays true in itself."""
    if isinstance(fact, OfferFact):
        if field == "available":
            return (("available", value), ("capacity", value + fact.held_by_others))
        if field == "capacity":
            return (("capacity", value), ("available", value - fact.held_by_others))
        if field == "held_by_others":
            return (("held_by_others", value), ("available", fact.capacity - value))
    return ((field, value),)


def amending(
    facts: Sequence[Fact], place: int, fact: Fact, field: str, value: Any, *, known: bool
) -> Edit:
    """Returns the edit of one field with all that changes beside it.

    Args:
        known: whether the value is what the field shall be, not just anything.
    """
    amends = amendment(facts, fact, field, value) if known else {}
    moved: dict[int, Fields] = {}
    if not DAYS.isdisjoint(amends):
        today = next((one.today for one in facts if isinstance(one, ClockFact)), "")
        for number, one in enumerate(facts):
            if fields := moved_by(one, amends, today):
                moved[number] = tuple(fields.items())
    if known:
        moved |= {
            n: tuple(found.items()) for n, found in moved_with(facts, fact, field, value).items()
        }
    own = moved.pop(place, restated(fact, field, value))
    return Edit(place, fact, own, tuple(amends.items()), tuple(moved.items()))


def edited(
    facts: Sequence[Fact],
    edits: Iterable[Edit],
    now: datetime,
    voided: Collection[int] = (),
    only: Collection[int] | None = None,
) -> list[Fact]:
    """Returns the facts after edits that do not clash; what is changed is stated now.

    Args:
        voided: the places of facts that the edits make void.
        only: the places of the facts to return beside new ones; all by default.
    """
    updates: dict[int, dict[str, Any]] = {}
    new: list[Fact] = []
    for edit in edits:
        if edit.place is None:
            new.append(edit.fact)
        else:
            for place, fields in ((edit.place, edit.fields), *edit.also):
                updates.setdefault(place, {"seen_at": now}).update(fields)
    decided_anew = {_right(fact) for fact in new if isinstance(fact, SignOffFact)}
    after: list[Fact] = []
    for place in range(len(facts)) if only is None else sorted(only):
        fact = facts[place]
        if place in voided or (isinstance(fact, SignOffFact) and _right(fact) in decided_anew):
            continue
        update = updates.get(place)
        after.append(fact.model_copy(update=update) if update else fact)
    return after + new


def voidable(facts: Sequence[Fact], gate: str, lifecycle: Lifecycle) -> frozenset[int]:
    """Returns the places of the sign-offs that are bound to the same content as those of a gate."""
    last = gate == lifecycle.last
    return frozenset(
        place
        for place, fact in enumerate(facts)
        if isinstance(fact, SignOffFact) and (fact.gate == lifecycle.last) == last
    )


def _right(fact: SignOffFact) -> tuple[str, str, str]:
    return fact.gate, fact.role, fact.on_behalf_of
