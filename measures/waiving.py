"""Giving, revoking and ending waivers: the next entries of a measure's life, or a refusal."""

from collections.abc import Sequence
from datetime import date, datetime

from measures.directory import Directory
from measures.drafting import Drafting
from measures.duties import holders_of, refuse_stranger, refuse_uninvolved
from measures.entry import Draft
from measures.errors import RefusedError
from measures.model import write_span
from measures.people import ENGINE
from measures.plan import Measure
from measures.requests import RevokeInput, WaiveInput
from measures.state import MeasureState
from measures.verdict import Blocker, Verdict, Waived
from measures.waivers import LONGEST_WAIVER, Waiver, as_bound, written


def waive(
    state: MeasureState, ask: WaiveInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts a waiver of one present blocker, bound to what is seen of it now.

    Raises:
        RefusedError: ``already-ended``, ``unknown-person``, ``unknown-gate``, ``not-blocked``,
            ``unknown-blocker``, ``several-blockers``, ``not-waivable``, ``not-entitled``,
            ``duties-not-separate``, ``already-waived``, ``expiry-passed``, ``expiry-too-late`` or
            ``odd-bound``.
    """
    if state.ended:
        how = "cancelled" if state.cancelled else state.stage
        raise RefusedError("already-ended", f"measure {state.id} is {how}")
    refuse_stranger(directory, ask.by)
    blocker = _named(state, ask)
    role, principal = _right(state, directory, ask, blocker, at)
    _refuse_second(state, ask, blocker, at)
    until = _expiry(state, ask, at)
    _refuse_odd_bounds(state, ask, blocker)
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    waiver = Waiver(
        id=f"w{state.number + 1}",
        gate=ask.gate,
        rule=blocker.rule,
        subject=blocker.subject,
        answer=blocker.answer,
        wanted=blocker.wanted,
        message=blocker.message,
        seen=blocker.seen,
        up_to=ask.up_to,
        by=ask.by,
        on_behalf_of=principal,
        role=role,
        reason=ask.reason,
        at=at,
        until=until,
    )
    drafting.write("blocker_waived", waiver.model_dump(mode="json"))
    return drafting.drafts


def revoke(
    state: MeasureState, ask: RevokeInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts the end of a waiver before its time; whoever has a part may make a gate stricter.

    Raises:
        RefusedError: ``already-ended``, ``unknown-person``, ``not-entitled``,
            ``unknown-waiver`` or ``waiver-ended``.
    """
    if state.ended:
        how = "cancelled" if state.cancelled else state.stage
        raise RefusedError("already-ended", f"measure {state.id} is {how}")
    known = {waiver.id: waiver for waiver in state.waivers}
    waiver = known.get(ask.waiver)
    giver = (waiver.by, waiver.on_behalf_of) if waiver else ()
    refuse_uninvolved(state.plan, directory, ask.by, "revoke its waivers", giver)
    if waiver is None:
        raise RefusedError(
            "unknown-waiver",
            f"measure {state.id} has no waiver {ask.waiver!r}; it has:"
            f" {', '.join(known) or 'none'}",
        )
    if not waiver.in_force(at):
        how = waiver.ended or "expired"
        raise RefusedError(
            "waiver-ended", f"measure {state.id}: waiver {waiver.id} is {how} already"
        )
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write("waiver_revoked", {**_end_of(state, waiver), "reason": ask.reason})
    return drafting.drafts


def expire(state: MeasureState, at: datetime, command: str) -> list[Draft]:
    """Drafts the end of every waiver whose time is over, and whether it was ever used."""
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    for waiver in state.waivers:
        if not waiver.ended and waiver.until <= at:
            drafting.write("waiver_expired", _end_of(state, waiver))
    return drafting.drafts


def verdict_at(state: MeasureState, gate: str) -> Verdict | None:
    """Returns the verdict that holds a gate shut at present; None when nothing does.

    A stage's gate is held by its waiting request. The launch is answered at once, so what denied
    it last counts.
    """
    if state.request is not None and state.request.gate == gate:
        return state.request.verdict
    last = state.last_verdict
    if last is None or last.passed or last.gate != gate or gate in state.lifecycle.order:
        return None
    return last


def _named(state: MeasureState, ask: WaiveInput) -> Blocker:
    """Returns the one blocker that a request names, among those set aside if none holds."""
    gates = state.lifecycle.gates
    if ask.gate not in gates:
        raise RefusedError(
            "unknown-gate", f"there is no gate {ask.gate!r}; gates: {', '.join(gates)}"
        )
    verdict = verdict_at(state, ask.gate)
    if verdict is None:
        how = "advance" if ask.gate in state.lifecycle.order else "launch"
        raise RefusedError(
            "not-blocked",
            f"measure {state.id}: nothing blocks gate {ask.gate} now, and a waiver names what"
            f" does; ask for the gate first: sluice {how} {state.id}",
        )
    of_rule = [blocker for blocker in verdict.blockers if blocker.rule == ask.rule]
    found = [b for b in of_rule if ask.subject is None or b.subject == ask.subject]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise RefusedError(
            "several-blockers",
            f"measure {state.id}: {ask.rule} blocks gate {ask.gate} {len(found)} times and a"
            f" waiver names one; add --subject with one of: {_list(found)}",
        )
    for waived in verdict.waived:
        if waived.rule == ask.rule and ask.subject in (None, waived.subject):
            return waived
    about = f" about {ask.subject!r}" if ask.subject is not None else ""
    present = _list(of_rule) or ", ".join(verdict.blocking_rules)
    raise RefusedError(
        "unknown-blocker",
        f"measure {state.id}: gate {ask.gate} is not blocked by {ask.rule}{about};"
        f" it is blocked by: {present}",
    )


def _right(
    state: MeasureState, directory: Directory, ask: WaiveInput, blocker: Blocker, at: datetime
) -> tuple[str, str]:
    """Returns the role and the person whose right the giver uses."""
    where = f"measure {state.id}: {blocker.rule} ({blocker.subject})"
    if not blocker.waive_by:
        raise RefusedError("not-waivable", f"{where} cannot be waived by anybody; it must be met")
    apart = _held_to_it(state, directory, ask.gate, blocker, at)
    day = at.date()
    entitled: dict[str, str] = {}
    barred = ""
    for role in blocker.waive_by:
        for holder in _holders(state.plan, directory, role):
            acting = directory.acting_for(holder, role, day) or holder
            entitled |= {p: role for p in (holder, acting) if not {p, holder} & apart.keys()}
        for principal in directory.principals(
            ask.by, _holders(state.plan, directory, role), role, day
        ):
            kept_apart = next((p for p in (ask.by, principal) if p in apart), None)
            if kept_apart is None:
                return role, principal
            barred = barred or f"{kept_apart} {apart[kept_apart]}"
    whom = ", ".join(f"{person} ({role})" for person, role in entitled.items()) or (
        f"nobody yet; its rule names {' or '.join(blocker.waive_by)}"
    )
    if barred:
        raise RefusedError(
            "duties-not-separate",
            f"{where} cannot be waived by {ask.by}: {barred}; entitled: {whom}",
        )
    raise RefusedError("not-entitled", f"{where} cannot be waived by {ask.by}; entitled: {whom}")


def _holders(plan: Measure, directory: Directory, role: str) -> tuple[str, ...]:
    """Returns who holds a role for this measure and bears it by their own document."""
    if role == "administrator":
        return tuple(p for p in directory.people if directory.has_role(p, "administrator"))
    return tuple(p for p in holders_of(plan, role) if directory.fit_for(p, role))


def _held_to_it(
    state: MeasureState, directory: Directory, gate: str, blocker: Blocker, at: datetime
) -> dict[str, str]:
    """Returns who is kept apart from waiving a blocker, and why.

    For the launch, whoever asks is told apart when they ask: `measures.judging.with_waivers`.
    """
    apart: dict[str, str] = {}
    to_clear = blocker.clear_by or holders_of(state.plan, blocker.role)
    for person in (*to_clear, *directory.who_acts(to_clear, blocker.role, at)):
        apart[person] = "is the one to clear it"
    if state.request is not None and state.request.gate == gate:
        apart[state.request.by] = "has asked for the gate"
    if state.plan.owner is not None:
        apart[state.plan.owner] = "owns the measure"
    return apart


def _refuse_second(state: MeasureState, ask: WaiveInput, blocker: Blocker, at: datetime) -> None:
    """Refuses a waiver of what is set aside already.

    What denied a launch is not judged again by a waiver. There a second one by somebody else makes
    sense: a waiver never helps a request of the one who gave it.
    """
    first: Waiver | Waived | None = None
    if isinstance(blocker, Waived):
        first, name = blocker, blocker.waiver
    else:
        for waiver in state.waivers:
            if waiver.by == ask.by and waiver.in_force(at) and waiver.fits(ask.gate, blocker):
                first, name = waiver, waiver.id
                break
    if first is not None:
        raise RefusedError(
            "already-waived",
            f"measure {state.id}: {blocker.rule} ({blocker.subject}) is set aside already, by"
            f" {name} of {first.by} until {first.until:%Y-%m-%d %H:%M} UTC; to give another, end it"
            f" first: sluice waive {state.id} --revoke {name} --reason TEXT",
        )


def _expiry(state: MeasureState, ask: WaiveInput, at: datetime) -> datetime:
    # The request holds exactly one of the two.
    until = ask.until if ask.for_ is None else at + ask.for_
    assert until is not None, "a request without an end"
    if until <= at:
        raise RefusedError(
            "expiry-passed",
            f"measure {state.id}: a waiver until {until:%Y-%m-%d %H:%M} UTC would be over already;"
            " name a later day, or a span from now such as 30d",
        )
    if until > at + LONGEST_WAIVER:
        raise RefusedError(
            "expiry-too-late",
            f"measure {state.id}: a waiver lasts {write_span(LONGEST_WAIVER)} at most, until"
            f" {at + LONGEST_WAIVER:%Y-%m-%d}; what is always an exception belongs in the pack",
        )
    return until


def _refuse_odd_bounds(state: MeasureState, ask: WaiveInput, blocker: Blocker) -> None:
    """Refuses to bound what is no number or day, and either by the other."""
    for name, bound in ask.up_to.items():
        value = as_bound(blocker.seen.get(name))
        if value is None:
            known = ", ".join(
                f"{one} {written(seen)}"
                for one, seen in blocker.seen.items()
                if as_bound(seen) is not None
            )
            raise RefusedError(
                "odd-bound",
                f"measure {state.id}: {blocker.rule} shows no number or day {name!r};"
                f" it shows: {known or 'none'}",
            )
        if isinstance(value, date) != isinstance(bound, date):
            kind = "day" if isinstance(value, date) else "number"
            raise RefusedError(
                "odd-bound",
                f"measure {state.id}: {name} of {blocker.rule} is {written(value)}, which only a"
                f" {kind} can bound, not {written(bound)}",
            )


def _end_of(state: MeasureState, waiver: Waiver) -> dict[str, object]:
    """Returns what every end of a waiver says: which, whether it was used, who is to know."""
    told = dict.fromkeys(p for p in (waiver.by, waiver.on_behalf_of, state.plan.owner) if p)
    return {
        "id": waiver.id,
        "gate": waiver.gate,
        "rule": waiver.rule,
        "subject": waiver.subject,
        "used": waiver.used_at is not None,
        "to": list(told),
    }


def _list(blockers: Sequence[Blocker]) -> str:
    return ", ".join(repr(blocker.subject) for blocker in blockers)
