"""Which remote objects a measure wants, by the mappings that concern it, and what each shows.

Pure: from the measure, the people, the mappings and what is known of its objects to the orders
that differ from it.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from functools import partial

from measures.digest import digest
from measures.directory import Directory
from measures.documents import document_digest
from measures.judging import persons_behind
from measures.lifecycle import LAUNCH
from measures.mapping import Mapping, Scalar
from measures.people import ENGINE
from measures.remote import MappingUse, RemoteOrder, RemoteState, RemoteWant, WantedField
from measures.state import MeasureState
from measures.verdict import Blocker, Verdict

TITLE = 200
"""Letters of a title; every system takes so many."""

CLEARED = "cleared"
OPEN = "open"
RELEASED = "released"
"""What stands for a measure whose mapping no longer counts: nobody keeps it in step."""


def external_id(
    measure: str, mapping: str, rule: str = "", subject: str = "", *, installation: str
) -> str:
    """Returns our name for an object: short, and legal in every system.

    Args:
        measure: the measure that wants it.
        mapping: the mapping by which it does.
        rule: the rule of the blocker that it stands for; empty when it stands for the measure.
        subject: what that rule blocks.
        installation: the engine's own name, so that two engines on one system that know the same
            measures have an object each; empty as releases had it that knew no such name.
    """
    parts = [measure, mapping, rule, subject]
    return f"sluice-{digest([installation, *parts] if installation else parts)[:20]}"


class _Names:
    """Our names for the objects of one measure by one mapping.

    What is known keeps the name that it was made under: by an older release, or by this engine
    before somebody named it otherwise. Another name would be another object there.
    """

    def __init__(
        self, measure: str, mapping: str, known: Sequence[RemoteState], installation: str
    ) -> None:
        self._of = partial(external_id, measure, mapping)
        self._made_by = {one.external_id: one.installation for one in known}
        # The name of today first: where a start of the new release met an order of the old one.
        self._forms = tuple(dict.fromkeys([installation, *self._made_by.values()]))

    def of(self, rule: str = "", subject: str = "") -> str:
        """Returns the name of the object for a blocker, or for the measure."""
        names = [self._of(rule, subject, installation=form) for form in self._forms]
        return next((name for name in names if name in self._made_by), names[0])

    def made_by(self, name: str) -> str:
        """Returns the installation whose name is part of an object's."""
        return self._made_by.get(name, self._forms[0])


def wanted_of(
    state: MeasureState,
    mapping: Mapping,
    directory: Directory,
    known: Sequence[RemoteState],
    *,
    installation: str,
    by: str = ENGINE,
) -> list[RemoteOrder]:
    """Returns what a measure wants of every object by one mapping.

    Args:
        state: the measure.
        mapping: the version that counts for this measure.
        directory: the people.
        known: the measure's objects by this mapping, whatever version they were made by.
        installation: the engine's own name.
        by: who wants it.
    """
    names = _Names(state.id, mapping.id, known, installation)
    if mapping.purpose == "measure":
        wants = {names.of(): _measure_want(state, mapping, directory)}
    else:
        wants = _blocker_wants(state, mapping, directory, names)
        cleared = {
            one.external_id: _cleared_want(state, mapping, one)
            for one in known
            if one.external_id not in wants
        }
        wants |= cleared
    use = MappingUse(id=mapping.id, version=mapping.version, digest=document_digest(mapping))
    return [
        RemoteOrder(
            connection=mapping.connection,
            kind=mapping.object,
            external_id=name,
            installation=names.made_by(name),
            measure=state.id,
            mapping=use,
            want=want,
            number=state.number,
            by=by,
        )
        for name, want in wants.items()
    ]


def news_among(orders: Iterable[RemoteOrder], known: Dict[str, RemoteState]) -> list[RemoteOrder]:
    """Returns the orders that say something else than what is recorded.

    An object that is to be cleared but was never wanted is none.
    """
    return [order for order in orders if _is_news(order, known.get(order.id))]


def _is_news(order: RemoteOrder, known: RemoteState | None) -> bool:
    if known is None:
        return not order.want.done
    same = known.want.says_the_same(order.want) and known.mapping == order.mapping
    return not same and order.number >= known.order_number


def left_over(known: Iterable[RemoteState], used: Iterable[Mapping]) -> list[RemoteState]:
    """Returns a measure's objects that still stand although none of its mappings has them.

    The mapping was removed, no longer concerns the measure, or shows it elsewhere.

    Args:
        known: the measure's objects.
        used: the versions of the mappings that count for the measure.
    """
    places = {(one.id, one.connection, one.object) for one in used}
    return [
        one
        for one in known
        if one.ended_at is None
        and not one.want.done
        and (one.mapping.id, one.connection, one.kind) not in places
    ]


def release_of(state: MeasureState, known: RemoteState, why: str) -> RemoteOrder:
    """Returns the last that is wanted of an object that is left over.

    What stands for a blocker is moved as if it were cleared, since nobody would ever do so later;
    what stands for the measure is left as it is. A comment says why on both.
    """
    want = known.want
    # Of a blocker's object only the status for cleared is forbidden, see `_open_want`.
    cleared = "" if want.stands_for_measure else next(iter(want.forbidden), "")
    last = RemoteWant(
        status=cleared,
        open=False,
        phase=RELEASED if want.stands_for_measure else CLEARED,
        remark=f"No longer kept in step with measure {state.id}: {why}.",
        done=True,
        stands_for_measure=want.stands_for_measure,
        move=want.move,
        flips=want.flips,
        as_person=want.as_person,
    )
    return RemoteOrder(
        connection=known.connection,
        kind=known.kind,
        external_id=known.external_id,
        installation=known.installation,
        measure=state.id,
        mapping=known.mapping,
        want=last,
        number=state.number,
        by=ENGINE,
    )


def blockers_of(state: MeasureState) -> tuple[tuple[Verdict, Blocker], ...]:
    """Returns what holds a measure now, each with its verdict: of a request, or of a launch."""
    verdicts: list[Verdict] = []
    if state.request is not None:
        verdicts.append(state.request.verdict)
    latest = state.last_verdict
    if state.launch_waits is not None and latest is not None and latest.gate == LAUNCH:
        verdicts.append(latest)
    return tuple((verdict, one) for verdict in verdicts for one in verdict.blockers)


# --- an object per blocker ---


def _blocker_wants(
    state: MeasureState, mapping: Mapping, directory: Directory, names: _Names
) -> dict[str, RemoteWant]:
    wants: dict[str, RemoteWant] = {}
    for verdict, blocker in blockers_of(state):
        if not mapping.covers(blocker.rule):
            continue
        name = names.of(blocker.rule, blocker.subject)
        if name not in wants:
            wants[name] = _open_want(state, mapping, directory, verdict, blocker)
    return wants


def _open_want(
    state: MeasureState, mapping: Mapping, directory: Directory, verdict: Verdict, blocker: Blocker
) -> RemoteWant:
    persons = persons_behind(blocker, state, verdict)
    who = ", ".join(_named(person, directory) for person in persons)
    link = (mapping.link or "").replace("{measure}", state.id)
    lines = [
        f"Measure {state.id} ({state.plan.title}) is blocked at gate {verdict.gate}:"
        f" {blocker.message}",
        f"Rule: {blocker.rule}" + (f". Wanted: {blocker.wanted}" if blocker.wanted else ""),
        f"Who can clear it: {who or 'nobody is named'}",
        f"How: {blocker.command}" if blocker.command else "",
        link or f"Why: sluice explain {state.id}",
    ]
    text = "\n".join(line for line in lines if line)
    ours: dict[str, Scalar] = {
        "title": _short(f"{state.plan.title}: {blocker.message}"),
        "text": text,
        "rule": blocker.rule,
        "measure": state.id,
        "gate": verdict.gate,
        "owner": persons[0] if persons else None,
        "wanted": blocker.wanted,
        "seen": ", ".join(f"{name}: {value}" for name, value in blocker.seen.items()),
        "command": blocker.command,
        "link": link,
    }
    cleared = mapping.statuses.get(CLEARED)
    return RemoteWant(
        fields=_fields(mapping, ours),
        status=mapping.statuses.get(OPEN, ""),
        forbidden=(cleared,) if cleared else (),
        phase=OPEN,
        remark=text,
        move=mapping.move,
        flips=mapping.flips,
        as_person=mapping.as_,
    )


def _cleared_want(state: MeasureState, mapping: Mapping, known: RemoteState) -> RemoteWant:
    want = known.want
    if want.phase == CLEARED:
        return want
    return want.model_copy(
        update={
            "status": mapping.statuses.get(CLEARED, ""),
            "forbidden": (),
            "open": False,
            "phase": CLEARED,
            "remark": f"Cleared: {_why_cleared(state, known)}.",
            "done": True,
        }
    )


def _why_cleared(state: MeasureState, known: RemoteState) -> str:
    if state.cancelled is not None:
        return f"measure {state.id} was cancelled by {state.cancelled.by}: {state.cancelled.reason}"
    latest = state.last_verdict
    rules = {field.ours: field.value for field in known.want.fields}
    names = _Names(state.id, known.mapping.id, [known], known.installation)
    for waived in latest.waived if latest else ():
        if names.of(waived.rule, waived.subject) == known.external_id:
            return (
                f"{waived.by} set it aside until {waived.until:%Y-%m-%d}: {waived.reason}"
                f" (waiver {waived.waiver})"
            )
    if latest is not None and latest.passed:
        return f"gate {latest.gate} of measure {state.id} opened at {latest.at:%Y-%m-%d %H:%M} UTC"
    if state.request is None:
        return f"measure {state.id} no longer asks for that gate"
    subject = f" {rules['rule']}" if rules.get("rule") else ""
    return f"rule{subject} no longer finds it in measure {state.id}"


# --- one object for the measure ---


def _measure_want(state: MeasureState, mapping: Mapping, directory: Directory) -> RemoteWant:
    plan, latest = state.plan, state.last_verdict
    answer = state.request.verdict.verdict if state.request else (latest.verdict if latest else "")
    blockers = blockers_of(state)
    link = (mapping.link or "").replace("{measure}", state.id)
    phase = "cancelled" if state.cancelled else "on_hold" if state.on_hold else state.stage
    ours: dict[str, Scalar] = {
        "id": state.id,
        "title": _short(plan.title),
        "stage": phase,
        "verdict": answer,
        "owner": plan.owner,
        "blockers": len(blockers),
        "text": plan.description,
        "link": link,
    }
    status = mapping.statuses.get(phase, "")
    others = {one for one in mapping.statuses.values() if one != status}
    return RemoteWant(
        fields=_fields(mapping, ours),
        status=status,
        forbidden=tuple(sorted(others)),
        open=not state.ended,
        phase=phase,
        remark=_stage_remark(state, phase, directory),
        done=state.ended,
        stands_for_measure=True,
        move=mapping.move,
        flips=mapping.flips,
        as_person=mapping.as_,
        asks=_asks(state, mapping),
    )


def _asks(state: MeasureState, mapping: Mapping) -> dict[str, str]:
    """Returns which move made there asks for which gate: only to the status of the next stage."""
    gate = state.next_gate
    if mapping.status_policy != "remote" or gate is None or state.on_hold is not None:
        return {}
    status, now = mapping.statuses.get(gate), mapping.statuses.get(state.stage)
    # Two stages of one status cannot be told apart there.
    return {status: gate} if status and status != now else {}


def _stage_remark(state: MeasureState, phase: str, directory: Directory) -> str:
    pause = state.cancelled or state.on_hold
    if pause is not None:
        word = "cancelled" if state.cancelled else "on hold"
        return f"Measure {state.id} is {word}, by {_named(pause.by, directory)}: {pause.reason}"
    return f"Measure {state.id} ({state.plan.title}) is {phase}."


# --- small things ---


def _fields(mapping: Mapping, ours: Dict[str, Scalar]) -> tuple[WantedField, ...]:
    return tuple(
        WantedField(
            ours=field.ours,
            theirs=field.theirs,
            value=field.shown(ours[field.ours]),
            policy=field.policy,
            meanings={str(theirs): mine for mine, theirs in field.values.items()},
        )
        for field in mapping.fields
    )


def _named(person: str, directory: Directory) -> str:
    known = directory.people.get(person)
    return f"{known.name} ({person})" if known is not None else person


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE else f"{line[: TITLE - 1]}…"
