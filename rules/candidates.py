"""The changes that may help a rule that does not hold: its remedies, or what its shape suggests.

A candidate is only a guess in good order; `rules.unblock` judges which of them open the gate.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from measures.facts import (
    FACT_KINDS,
    DemandFact,
    Fact,
    MeasureFact,
    OfferFact,
    SignOffFact,
    SurgeFact,
)
from measures.plan_fields import amend_command, path_of
from measures.signers import Signer, Signers
from measures.verdict import Change
from rules.conditions import Bound, Unknown
from rules.edits import Edit, amending, restated
from rules.fields import PERSON_FIELDS, FieldInfo, blank, fields_of, identity
from rules.patterns import Match, Pattern
from rules.schema import FieldPath, Remedy, Rule
from rules.stating import command_to_state, in_words_to_state, stating, to_state
from rules.weighing import Finding, Scene, read_path
from rules.wishes import ANYTHING, wishes_of
from rules.wording import command_of, filled, in_words, plain, seen_by, who_clears

UNCHANGEABLE = frozenset({"clock"})
"""Kinds of fact that nobody can change."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change for people, and what it does to the facts."""

    change: Change
    edit: Edit


class Suggestions:
    """Finds candidates for findings.

    Args:
        facts: the facts as they are.
        gone: the places of facts that an amendment makes void.
        now: when a change would be stated.
        signers: who could sign, per role; by default those whom the facts name.
    """

    def __init__(
        self,
        facts: Sequence[Fact],
        gone: Collection[int],
        now: datetime,
        signers: Signers | None,
    ) -> None:
        self._facts = facts
        self._places = {id(fact): place for place, fact in enumerate(facts) if place not in gone}
        self._now = now
        self._measure = next((fact for fact in facts if isinstance(fact, MeasureFact)), None)
        self._ever_signed = [fact for fact in facts if isinstance(fact, SignOffFact)]
        self._signed = [fact for fact in self._ever_signed if id(fact) in self._places]
        self._signers = signers

    def of(self, finding: Finding, scene: Scene) -> Iterator[Candidate]:
        """Yields the changes that may help; the author's remedies in place of guesses."""
        rule = finding.rule
        for match in finding.uncounted:
            yield from self._stated_anew(rule, match, scene)
        if rule.remedies:
            for match in finding.uncounted:
                yield from self._remedied(rule, match, scene)
            return
        for match in finding.uncounted:
            yield from self._wished(rule, match, scene)
        if finding.uncounted:
            yield from self._added(finding, scene)

    def _stated_anew(self, rule: Rule, match: Match, scene: Scene) -> Iterator[Candidate]:
        for fact, _ in scene.stale_facts(rule, match):
            change = Change(
                rules=(rule.id,),
                fact=identity(fact),
                by=self._people(rule, scene.values(rule, match), fact),
                text=f"state {_called(fact)} anew",
                command=_rule_command(rule, scene.values(rule, match)),
            )
            one = Candidate(change, Edit(self._places[id(fact)], fact))
            yield self._stating(one, scene.oldest_accepted(rule, match, fact))

    def _remedied(self, rule: Rule, match: Match, scene: Scene) -> Iterator[Candidate]:
        values = scene.values(rule, match)
        for remedy in rule.remedies:
            fact = scene.bound(rule, match).get(remedy.path.name)
            to = remedy.to.value(values)
            if fact is None or isinstance(to, Unknown):
                continue
            now = read_path(remedy.path, values)
            if remedy.upward is not None and (now is None or (to > now) != remedy.upward):
                continue
            candidate = self._set(rule, values, fact, remedy.path.field, to, remedy)
            if candidate is not None:
                yield self._stating(candidate, scene.oldest_accepted(rule, match, fact))

    def _wished(self, rule: Rule, match: Match, scene: Scene) -> Iterator[Candidate]:
        if rule.require is None:
            return
        values, bound = scene.values(rule, match), scene.bound(rule, match)
        for wish in wishes_of(rule.require.text):
            fact = bound.get(wish.path.name)
            if fact is None or not wish.unfulfilled(values) or not _may_change(rule, wish.path):
                continue
            to = wish.target(values, fields_of(fact.kind)[wish.path.field])
            if to is not None:
                candidate = self._set(rule, values, fact, wish.path.field, to)
                if candidate is not None:
                    yield self._stating(candidate, scene.oldest_accepted(rule, match, fact))

    def _added(self, finding: Finding, scene: Scene) -> Iterator[Candidate]:
        """Yields the facts that are missing, where the rule expects one kind of fact."""
        rule = finding.rule
        if len(rule.expect) != 1:
            return
        pattern = rule.expect[0]
        when = finding.uncounted[0][: len(rule.when)]
        values = scene.values(rule, when)
        wanted = {
            **dict(pattern.equals),
            **{
                join.field: values[rule.names[join.position]].get(join.other)
                for join in pattern.joins
            },
        }
        if pattern.kind == "signoff":
            yield from self._signed_off(finding, wanted)
            return
        found = sum(len(match) > len(rule.when) for match in finding.uncounted)
        for number in range(finding.missing - found):
            candidate = self._new(rule, pattern, wanted, values, number)
            if candidate is not None:
                yield candidate

    def _signed_off(self, finding: Finding, wanted: Mapping[str, Any]) -> Iterator[Candidate]:
        rule, values = finding.rule, finding.values
        role, gate = str(wanted.get("role", "")), str(wanted.get("gate", ""))
        counted = {
            fact.on_behalf_of
            for fact in self._signed
            if (fact.gate, fact.role, fact.decision) == (gate, role, wanted.get("decision"))
        }
        signers = [one for one in self._who_signs(role, gate) if one.on_behalf_of not in counted]
        asked, others = signers[: finding.missing], signers[finding.missing :]
        for signer in asked:
            try:
                fact = SignOffFact(
                    seen_at=self._now, by=signer.by, on_behalf_of=signer.on_behalf_of, **wanted
                )
            except ValidationError:
                continue
            acts_for = "" if signer.by == signer.on_behalf_of else f" for {signer.on_behalf_of}"
            verb = "approve" if fact.decision == "approve" else fact.decision
            measure = values.get("measure", {}).get("id", "MEASURE")
            change = Change(
                rules=(rule.id,),
                fact=identity(fact),
                by=(signer.by,),
                instead=tuple(other.by for other in others),
                text=f"{verb} {gate} as {role}{acts_for}",
                command=f"sluice sign {measure} --gate {gate} --role {role} --as {signer.by}",
            )
            yield Candidate(change, Edit(None, fact))

    def _who_signs(self, role: str, gate: str) -> tuple[Signer, ...]:
        if self._signers is not None:
            return self._signers.get(role, ())
        measure = self._measure
        if measure is None:
            return ()
        if role == "committee":
            known = dict.fromkeys(
                fact.on_behalf_of
                for fact in self._ever_signed
                if (fact.gate, fact.role) == (gate, "committee")
            )
            nameless = range(1, measure.committee_size - len(known) + 1)
            names = (*known, *(f"committee-{number}" for number in nameless))
        else:
            holder = {
                "owner": measure.owner,
                "sponsor": measure.sponsor,
                "controller": measure.controller,
            }.get(role)
            names = (holder,) if holder else ()
        return tuple(Signer(name, name) for name in names)

    def _stating(self, one: Candidate, accepted: datetime | None) -> Candidate:
        """Returns a change of an offer with all that must be stated for it; others as they are."""
        offer = one.edit.fact
        if not isinstance(offer, OfferFact):
            return one
        available = dict(one.edit.fields).get("available")
        stated = to_state(offer, available, accepted)
        command = command_to_state(one.change.command, offer, stated)
        if command is None:
            return one
        told = {"command": command}
        if available is not None and command != one.change.command:
            told["text"] = in_words_to_state(offer, stated)
        return Candidate(
            one.change.model_copy(update=told),
            stating(one.edit, offer, stated, self._facts, self._places.values(), accepted),
        )

    def _set(
        self,
        rule: Rule,
        values: Bound,
        fact: Fact,
        field: str,
        to: Any,
        remedy: Remedy | None = None,
    ) -> Candidate | None:
        """Returns the change of one field, or None where it is none."""
        info = fields_of(fact.kind)[field]
        now = getattr(fact, field)
        value = f"some-{field}" if to is ANYTHING else _fitting(to, now, info)
        if value is None or value == now or (info.values and value not in info.values):
            return None
        seen = seen_by(rule, values)
        text = remedy.text.text if remedy else None
        edit = amending(
            self._facts, self._places[id(fact)], fact, field, value, known=to is not ANYTHING
        )
        by = read_path(remedy.by, values) if remedy and remedy.by else None
        change = Change(
            rules=(rule.id,),
            fact=identity(fact),
            field=field,
            was=now,
            to=None if to is ANYTHING else value,
            by=(str(by),) if by else self._people(rule, values, fact),
            text=(filled(text, values, seen, rule) if text else _in_words(fact, field, now, to))
            + _taken_along(edit),
            command=self._command(rule, remedy, edit, field, values, seen),
            cost=remedy.cost if remedy else 1,
        )
        return Candidate(change, edit)

    def _command(
        self,
        rule: Rule,
        remedy: Remedy | None,
        edit: Edit,
        field: str,
        values: Bound,
        seen: Mapping[str, Any],
    ) -> str:
        """Returns the author's command, unless none is given or the amendment takes more.

        No author knows in which unit a plan states its demand.
        """
        own = remedy.text.command if remedy else None
        elsewhere = isinstance(edit.fact, SurgeFact) or (
            isinstance(edit.fact, DemandFact) and edit.fact.stated is not None
        )
        if elsewhere and edit.amends and self._measure is not None:
            return amend_command(self._measure.id, self._measure.owner, dict(edit.amends))
        if own and len(edit.amends) <= 1:
            return command_of(own, values, seen)
        path = path_of(edit.fact, field)
        if path is None or self._measure is None:
            return command_of(own or rule.text.command or "", values, seen)
        changes = dict(edit.amends) or {path: _to_be_found(path)}
        return amend_command(self._measure.id, self._measure.owner, changes)

    def _new(
        self, rule: Rule, pattern: Pattern, wanted: dict[str, Any], values: Bound, number: int
    ) -> Candidate | None:
        """Returns a fact of the kind that is expected, as the condition wishes it."""
        name = rule.names[len(rule.when)]
        fields = dict(wanted)
        if rule.require is not None:
            for wish in wishes_of(rule.require.text):
                info = fields_of(pattern.kind).get(wish.path.field)
                if wish.path.name != name or info is None or wish.path.field in wanted:
                    continue
                to = wish.target(values, info)
                if to is not None:
                    fields[wish.path.field] = (
                        f"some-{wish.path.field}" if to is ANYTHING else _fitting(to, None, info)
                    )
        fact = _blank_fact(pattern.kind, fields, self._now, number + 1)
        if fact is None:
            return None
        said = ", ".join(
            f"{field.replace('_', ' ')} {in_words(value)}"
            for field, value in fields.items()
            if field not in wanted and not isinstance(value, bool)
        )
        change = Change(
            rules=(rule.id,),
            fact=identity(fact),
            by=self._people(rule, values, fact),
            text=_in_words_new(fact, wanted) + (f": {said}" if said else ""),
            command=_rule_command(rule, values),
        )
        return Candidate(change, Edit(None, fact))

    def _people(self, rule: Rule, values: Bound, fact: Fact) -> tuple[str, ...]:
        """Returns who can change a fact: its owner outside, else who clears the rule."""
        owner = str(getattr(fact, "owner", "") or "")
        if fact.OUTSIDE and owner:
            return (owner,)
        people, _ = who_clears(rule, values)
        return people or ((owner,) if owner else ())


def _taken_along(edit: Edit) -> str:
    """Says what else is set in the plan with a change."""
    return "".join(f", and {path} to {in_words(value)}" for path, value in edit.amends[1:])


def _to_be_found(path: str) -> str:
    """Names what somebody has to put in the place of a value, in capitals."""
    field = path.rpartition(".")[2]
    if field in PERSON_FIELDS:
        return "PERSON"
    return {"due": "DATE", "steering_committee": '["PERSON"]'}.get(field, field.upper())


def _may_change(rule: Rule, path: FieldPath) -> bool:
    """Tells whether a field can change without another fact matching in its place."""
    kind = rule.kinds[path.name]
    if kind in UNCHANGEABLE or kind == "signoff" or path.field in FACT_KINDS[kind].NAMED_BY:
        return False
    if path.name not in rule.names:
        return True
    pattern = (*rule.when, *rule.expect)[rule.names.index(path.name)]
    keyed = {name for name, _ in pattern.equals} | {join.field for join in pattern.joins}
    return path.field not in keyed


def _fitting(to: Any, now: Any, info: FieldInfo) -> Any:
    """Returns a value in the type of its field; a whole number rounds away from today's value."""
    if info.type == "whole" and isinstance(to, float):
        return math.ceil(to) if now is None or to > now else math.floor(to)
    return plain(to)


def _blank_fact(kind: str, fields: Mapping[str, Any], now: datetime, number: int) -> Fact | None:
    """Returns a new fact with these fields, all else empty; None where that is impossible."""
    model = FACT_KINDS[kind]
    whole = {"seen_at": now, **blank(kind, now), **fields}
    for name in model.NAMED_BY:
        if name not in fields and isinstance(whole.get(name), str) and name != "period":
            whole[name] = f"new-{kind}-{number}".replace("_", "-")
    try:
        fact = model(**whole)
    except ValidationError:
        return None
    for name, value in fields.items():
        fact = fact.model_copy(update=dict(restated(fact, name, value)))
    return fact


def _rule_command(rule: Rule, values: Bound) -> str:
    return command_of(rule.text.command or "", values, seen_by(rule, values))


def _called(fact: Fact) -> str:
    """Names a fact for people, e.g. ``offer kyc 2031-03``."""
    kind, _, name = identity(fact).partition(":")
    return f"{kind} {name.replace('/', ' ')}".replace("_", " ").strip()


def _in_words_new(fact: Fact, wanted: Mapping[str, Any]) -> str:
    """Writes a missing fact as what is to be done; it is named by what the rule wants of it."""
    kind = fact.kind.replace("_", " ")
    names = [str(wanted[name]) for name in fact.NAMED_BY if name in wanted]
    if names:
        return f"{'state' if fact.OUTSIDE else 'add'} {kind} {' '.join(names)}"
    return {"evidence": "attach evidence", "finance": "state the money"}.get(kind, f"add a {kind}")


def _in_words(fact: Fact, field: str, now: Any, to: Any) -> str:
    """Writes the change of a field as what is to be done."""
    name, what = field.replace("_", " "), _called(fact)
    if to is ANYTHING:
        return f"fill in {name} of {what}"
    if isinstance(to, bool):
        if name.startswith("has "):
            return f"{'state' if to else 'drop'} {name.removeprefix('has ')} of {what}"
        return f"get {what} {name}" if to else f"see that {what} is no longer {name}"
    if isinstance(to, int | float) and isinstance(now, int | float):
        verb = "raise" if to > now else "lower"
        return f"{verb} {name} of {what} by {in_words(abs(to - now))} to {in_words(to)}"
    return f"set {name} of {what} to {in_words(to)}"
