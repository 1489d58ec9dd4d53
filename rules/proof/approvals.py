"""Can the people who hold the roles give every approval that the rules ask for?

Whose signature counts is asked of the engine's own duties. Which of these signatures can stand
beside each other is a matching: each gate is signed by one person in one role and for one person
only, each right is used once, and who signs as sponsor never signs as controller.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

import z3

from measures.directory import Directory
from measures.duties import SIGNING_ROLES, holders_of, principal_for
from measures.errors import RefusedError
from measures.facts import SignOffFact
from measures.gathering import gather
from measures.lifecycle import LAUNCH
from measures.state import MeasureState
from rules.conditions import Bound, Unknown
from rules.fields import values_for_conditions
from rules.plan import MEASURE
from rules.proof.claims import Claim, claim
from rules.proof.gates import enforced_at
from rules.proof.witness import moment_of
from rules.schema import Pack, Rule
from rules.weighing import holds


@dataclass(frozen=True, slots=True)
class Signature:
    """One approval that somebody may give: who signs, and whose right it is."""

    gate: str
    role: str
    principal: str
    signer: str

    def __str__(self) -> str:
        return (
            self.signer
            if self.signer == self.principal
            else f"{self.signer} (for {self.principal})"
        )


@dataclass(frozen=True, slots=True)
class Demanded:
    """What one rule asks for at one gate: so many of these signatures."""

    rule: Rule
    gate: str
    role: str
    needed: int
    fitting: tuple[Signature, ...]
    refused: tuple[str, ...]


def approval_claims(
    states: Iterable[MeasureState], directory: Directory, packs: Sequence[Pack], day: date
) -> Iterator[Claim]:
    """Yields every approval ahead of live measures that nobody can give, by the rights of a day."""
    proved: dict[str, Rule] = {}
    measures = 0
    for state in states:
        for one in () if state.ended else _of_measure(state, directory, packs, day):
            if isinstance(one, Claim):
                yield one
            else:
                measures += 1
                proved |= {demanded.rule.id: demanded.rule for demanded in one}
    if measures:
        rules = list(proved.values())
        text = f"every approval rule ahead of {measures:,} measure{'s' * (measures > 1)} can be met"
        yield claim("approvals-can-be-given", "measures", "proved", text, rules)


def _of_measure(
    state: MeasureState, directory: Directory, packs: Sequence[Pack], day: date
) -> Iterator[Claim | list[Demanded]]:
    """Yields what is wrong with a measure, or the demands that can all be met."""
    name, subject = "approvals-can-be-given", state.id
    asked: list[Demanded] = []
    for demanded in _demanded(state, directory, packs, day):
        if holders_of(state.plan, demanded.role) or state.frozen:
            asked.append(demanded)
        else:
            text = (
                f"measure {state.id} names nobody as {demanded.role} yet, and {demanded.rule.id}"
                " needs one"
            )
            yield claim(name, subject, "note", text, [demanded.rule])
    if not asked:
        return
    left = list(asked)
    while (core := _excluded(left, state)) is not None:
        if not core:
            text = "the solver gave no answer"
            yield claim(name, subject, "not-proved", text)
            return
        rules = [demanded.rule for demanded in core]
        yield claim(name, subject, "defect", _in_words(state, core), rules)
        left.remove(core[-1])
    if left == asked:
        yield asked


def _demanded(
    state: MeasureState, directory: Directory, packs: Sequence[Pack], day: date
) -> Iterator[Demanded]:
    facts = gather(state, moment_of(day), {}, {}, directory)
    measure = values_for_conditions(next(fact for fact in facts if fact.kind == MEASURE))
    lifecycle = state.lifecycle
    for gate in lifecycle.gates:
        if gate == LAUNCH:
            ahead = state.plan.campaign is not None and state.permit is None
        else:
            ahead = not lifecycle.reached(state.stage, gate)
        for rule in enforced_at(packs, lifecycle, gate, day) if ahead else ():
            fixed = {key: value for pattern in rule.expect for key, value in pattern.equals}
            role = fixed.get("role")
            approval = fixed.get("decision", "approve") == "approve"
            single = len(rule.expect) == 1 and rule.expect[0].kind == "signoff"
            if not (single and approval and role in SIGNING_ROLES and fixed.get("gate") == gate):
                continue
            count = rule.at_least
            needed = count if isinstance(count, int) else count.value(Bound({MEASURE: measure}))
            if isinstance(needed, Unknown):
                continue
            fitting, refused = _signatures(state, directory, gate, str(role), day)
            fitting = [one for one in fitting if _counts(rule, one, measure, day)]
            yield Demanded(
                rule, gate, str(role), max(1, int(needed)), tuple(fitting), tuple(refused)
            )


def _signatures(
    state: MeasureState, directory: Directory, gate: str, role: str, day: date
) -> tuple[list[Signature], list[str]]:
    """Returns every approval that the duties allow, and why others are not allowed."""
    holders = holders_of(state.plan, role)
    found: list[Signature] = []
    refused: list[str] = []
    if not holders:
        refused.append(
            f"its plan names nobody as {role} and is frozen: sluice step-back {state.id}"
        )
    for principal in dict.fromkeys(holders):
        delegate = directory.acting_for(principal, role, day)
        for signer in dict.fromkeys((principal, delegate or principal)):
            try:
                principal_for(
                    state.plan,
                    directory,
                    signer=signer,
                    role=role,
                    day=day,
                    taken=frozenset(holders) - {principal},
                    used=frozenset(),
                )
            except RefusedError as error:
                refused.append(error.message.removeprefix(f"measure {state.id}: "))
            else:
                found.append(Signature(gate, role, principal, signer))
    return found, refused


def _counts(rule: Rule, signature: Signature, measure: dict[str, Any], day: date) -> bool:
    """Tells whether a rule's condition would accept a signature."""
    fact = SignOffFact(
        seen_at=moment_of(day),
        gate=signature.gate,
        role=signature.role,
        decision="approve",
        by=signature.signer,
        on_behalf_of=signature.principal,
    )
    bound = Bound({MEASURE: measure, rule.names[-1]: values_for_conditions(fact)})
    return holds(rule.require, bound) is True


def _excluded(asked: Sequence[Demanded], state: MeasureState) -> list[Demanded] | None:
    """Returns demands that cannot all be met, none of which can be left out; None if all can."""
    given = {
        Signature(s.gate, s.role, s.on_behalf_of, s.by)
        for s in state.sign_offs
        if s.decision == "approve"
    }
    if _obvious(asked, given):
        return None
    signatures = sorted({one for demanded in asked for one in demanded.fitting} | given, key=str)
    literal = {one: z3.Bool(f"signature {number}") for number, one in enumerate(signatures)}
    laws = [literal[one] for one in given]
    laws += [
        z3.Not(z3.And(literal[one], literal[other]))
        for one, other in combinations(signatures, 2)
        if not _beside(one, other)
    ]

    def possible(some: Sequence[Demanded]) -> Any:
        solver = z3.Solver()
        solver.set("timeout", 3000)
        solver.add(*laws)
        for demanded in some:
            votes = [z3.If(literal[one], 1, 0) for one in demanded.fitting]
            solver.add(z3.Sum(votes) >= demanded.needed)
        return solver.check()

    core = list(asked)
    answer = possible(core)
    if answer != z3.unsat:
        return None if answer == z3.sat else []
    for demanded in asked:
        fewer = [other for other in core if other is not demanded]
        if possible(fewer) == z3.unsat:
            core = fewer
    return core


def _obvious(asked: Sequence[Demanded], given: set[Signature]) -> bool:
    """Tells whether everybody can sign for themselves, which is how it mostly is."""
    own = [{one for one in each.fitting if one.signer == one.principal} for each in asked]
    if given or any(len(some) < each.needed for some, each in zip(own, asked, strict=True)):
        return False
    return all(_beside(one, other) for one, other in combinations(set().union(*own), 2))


def _beside(one: Signature, other: Signature) -> bool:
    """Tells whether two signatures can both stand."""
    if one.signer == other.signer:
        if one.gate == other.gate or {one.role, other.role} == {"sponsor", "controller"}:
            return False
    elif (one.gate, one.role, one.principal) == (other.gate, other.role, other.principal):
        return False
    return True


def _in_words(state: MeasureState, core: Sequence[Demanded]) -> str:
    parts = []
    for demanded in core:
        able = list(dict.fromkeys(str(one) for one in demanded.fitting))
        plural = "s" if demanded.needed > 1 else ""
        who = (
            f"only {_listed(able)} may give {'them' if plural else 'it'}"
            if able
            else "nobody may give it"
        )
        parts.append(
            f"gate {demanded.gate} of measure {state.id} needs {demanded.needed}"
            f" {demanded.role} approval{plural}; {who}"
        )
    text = "; ".join(parts)
    if len(core) > 1:
        text += "; nobody signs a gate twice, nor as sponsor and as controller"
    refused = dict.fromkeys(reason for demanded in core for reason in demanded.refused)
    return f"{text} ({'; '.join(refused)})" if refused else text


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
