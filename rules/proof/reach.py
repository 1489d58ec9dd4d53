"""Can a measure always get to its end? Walks every state that requests can lead to.

The walk asks the engine's own decisions what each request leads to; only whether a gate opens is
taken from the proofs of the gates.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from functools import partial

import networkx as nx

from measures.decisions import (
    cancel,
    define,
    gate_to_ask,
    hold,
    refuse_launch,
    resume,
    step_back,
)
from measures.directory import Directory
from measures.entry import Draft
from measures.errors import RefusedError
from measures.folding import fold_measure
from measures.judging import judged
from measures.lifecycle import LAUNCH, Lifecycle, Office
from measures.people import Person
from measures.permitting import launch_judged
from measures.plan import Campaign, Measure
from measures.requests import ReasonInput
from measures.state import MeasureState
from measures.verdict import Verdict
from rules.proof.claims import Claim, claim

_PERSONS: dict[Office, str] = {
    "owner": "olga",
    "sponsor": "sam",
    "committee": "tom",
    "controller": "carla",
}
"""Who holds which office in the measure that walks."""

_OWNER = _PERSONS["owner"]
Place = tuple[str, bool, bool, bool, bool]
"""What matters of a state: stage, cancelled, on hold, a request waits, launched."""


def reach_claims(
    lifecycle: Lifecycle, opens: Mapping[str, bool | None], day: date
) -> Iterator[Claim]:
    """Claims that from every state that can be reached, closed and cancelled can be reached.

    Args:
        opens: whether each gate can open; None where that is not known.
    """
    surely = _walked(lifecycle, {gate for gate, open_ in opens.items() if open_}, day)
    at_best = _walked(lifecycle, {gate for gate, open_ in opens.items() if open_ is not False}, day)
    last = lifecycle.last
    no_end = [place for place in at_best if not _gets_to(at_best, place, last, or_cancelled=True)]
    stuck = [place for place in at_best if not _gets_to(at_best, place, last)]
    if no_end or stuck:
        stages = [place[0] for place in no_end or stuck]
        furthest = max(stages, key=lambda stage: lifecycle.order[stage])
        gate = lifecycle.next_stage(furthest)
        how = "neither closed nor cancelled" if no_end else "only cancelled, never closed"
        text = f"a measure that is {furthest} can be {how}: its gate {gate} never opens"
        yield claim("end-can-be-reached", lifecycle.id, "defect", text)
        return
    if any(not _gets_to(surely, place, last) for place in surely):
        which = ", ".join(gate for gate, open_ in opens.items() if open_ is None)
        text = f"it is not known whether these gates can open: {which}"
        yield claim("end-can-be-reached", lifecycle.id, "not-proved", text)
        return
    text = f"{last} or cancelled can be reached from each of {len(surely)} states"
    yield claim("end-can-be-reached", lifecycle.id, "proved", text)


def _gets_to(
    graph: "nx.DiGraph[Place]", place: Place, last: str, *, or_cancelled: bool = False
) -> bool:
    if place[1]:
        return True  # cancelled, which is an end of its own
    ends = {*nx.descendants(graph, place), place}
    return any((end[0] == last and not end[1]) or (or_cancelled and end[1]) for end in ends)


def _walked(lifecycle: Lifecycle, opening: set[str], day: date) -> "nx.DiGraph[Place]":
    """Returns the states that a measure can get into and the requests between them."""
    at = datetime.combine(day, time(12), UTC)
    people = {name: Person(id=name, name=name) for name in _PERSONS.values()}
    directory = Directory(people=people)
    campaign = Campaign(connector="memory", ref="example", launch_on=day, ends_on=day)
    plan = Measure(
        id="example",
        title="Example",
        type="example",
        package="example",
        lifecycle=lifecycle.id,
        owner=_OWNER,
        sponsor=_PERSONS["sponsor"],
        controller=_PERSONS["controller"],
        steering_committee=(_PERSONS["committee"],),
        campaign=campaign if lifecycle.launch_from else None,
    )
    first = fold_measure(None, define(plan, lifecycle, by=_OWNER, at=at, command="define"))
    graph: nx.DiGraph[Place] = nx.DiGraph()
    graph.add_node(_place(first))
    todo = [first]
    while todo:
        state = todo.pop()
        for act in _acts(opening, directory, at):
            try:
                after = _folded(state, act(state))
            except RefusedError:
                continue
            if _place(after) not in graph:
                todo.append(after)
            graph.add_edge(_place(state), _place(after))
    return graph


def _acts(
    opening: set[str], directory: Directory, at: datetime
) -> Iterator[Callable[[MeasureState], list[Draft]]]:
    ask = ReasonInput(by=_OWNER, reason="example")
    for request in (hold, resume, cancel, step_back):
        yield partial(request, ask=ask, directory=directory, at=at, command="request")
    for passes in (True, False):

        def advance(state: MeasureState, passes: bool = passes) -> list[Draft]:
            by = _asker(state, state.next_gate)
            gate = gate_to_ask(state, directory, by, at)
            verdict = _verdict(gate, passes=passes and gate in opening, at=at)
            return judged(state, verdict, directory, held=None, by=by, command="ask")

        def launch(state: MeasureState, passes: bool = passes) -> list[Draft]:
            by = _asker(state, LAUNCH)
            refuse_launch(state, directory, by, at)
            verdict = _verdict(LAUNCH, passes=passes and LAUNCH in opening, at=at)
            return launch_judged(state, verdict, by=by, command="ask")

        yield advance
        yield launch


def _asker(state: MeasureState, gate: str | None) -> str:
    """Returns somebody whom the lifecycle lets ask for a gate."""
    return _PERSONS[state.lifecycle.entered_by.get(gate or "", "owner")]


def _verdict(gate: str, *, passes: bool, at: datetime) -> Verdict:
    return Verdict(
        gate=gate,
        verdict="pass" if passes else "block",
        pack_digest="",
        facts_digest="",
        at=at,
    )


def _folded(state: MeasureState, drafts: list[Draft]) -> MeasureState:
    for draft in drafts:
        state = fold_measure(state, draft)
    return state


def _place(state: MeasureState) -> Place:
    return (
        state.stage,
        state.cancelled is not None,
        state.on_hold is not None,
        state.request is not None,
        state.launched_at is not None,
    )
