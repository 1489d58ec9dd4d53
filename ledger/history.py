"""Every decision of the past with the world as the gate saw it: one pass over the entries.

The record holds what was decided and the digest of the facts, not the facts. They follow from the
entries before, so they are gathered anew and shown only if they have that digest. A worker reads
the world a moment before its decision is recorded, and others may record in between; so where the
latest world does not fit, those since the measure's own last entry are tried, latest first.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from ledger.applied import AppliedDocument
from ledger.folding import State, fold
from ledger.reading import Reader
from measures.blackouts import Blackout
from measures.contact import ContactState
from measures.conversion import Conversion
from measures.directory import Directory
from measures.entry import (
    Entry,
    document_stream,
    launch_stream,
    measure_stream,
    pool_stream,
    subject_of,
)
from measures.errors import LedgerError
from measures.facts import Fact, facts_digest
from measures.gathering import gather
from measures.launch import LaunchState
from measures.launch_facts import LaunchScene, scene_of
from measures.link_facts import linked_of
from measures.links import streams_of
from measures.model import restore
from measures.objects import ObjectState
from measures.people import Person
from measures.pool import PoolState
from measures.state import MeasureState
from measures.surroundings import Standing, standing_of
from measures.verdict import Verdict

JUDGEMENTS = ("gate_judged", "permit_granted", "permit_denied")
"""The kinds of entry that record a gate's answer."""

KEPT = 32
"""Versions of a pool, a person or a standing that are kept; as many moments are tried at most."""


class PastDecision(NamedTuple):
    """A recorded answer, and what it was given on.

    Attributes:
        state: the measure as the gate saw it.
        facts: the facts as the gate saw them; None when no facts with the recorded digest follow
            from the entries.
    """

    entry: Entry
    verdict: Verdict
    state: MeasureState
    facts: list[Fact] | None


_Thing = TypeVar("_Thing")


class _Versions(Generic[_Thing]):
    """The latest versions of a thing, by the position of the entry that made each."""

    def __init__(self) -> None:
        self._positions: deque[int] = deque(maxlen=KEPT)
        self._things: deque[_Thing] = deque(maxlen=KEPT)

    def add(self, position: int, thing: _Thing) -> None:
        """Notes the version from a position on."""
        self._positions.append(position)
        self._things.append(thing)

    def at(self, position: int) -> _Thing | None:
        """Returns the version after the entry at a position; None before the first known."""
        found = bisect_right(self._positions, position)
        return self._things[found - 1] if found else None

    def changes_after(self, position: int) -> list[int]:
        """Returns the positions behind this one at which it changed."""
        return [change for change in self._positions if change > position]


class _World:
    """Everything that facts are gathered from, as of the entries so far."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._read_after: dict[str, tuple[int, int, str]] = {}
        self._pools: dict[str, _Versions[PoolState]] = {}
        self._people: dict[str, _Versions[Person]] = {}
        self._conversions: dict[str, _Versions[Conversion]] = {}
        self._blackouts: dict[str, _Versions[Blackout | None]] = {}
        self._launches: dict[str, _Versions[LaunchState]] = {}
        self._linked: dict[str, _Versions[ObjectState | ContactState]] = {}
        # Only those whose campaigns have audiences: nobody asks how the others stood.
        self._rivals: dict[str, _Versions[MeasureState]] = {}
        self._standings: dict[str, _Versions[Standing]] = {}

    def measure(self, stream: str) -> MeasureState:
        """Returns a measure as its entries so far make it."""
        state = self._states.get(stream)
        if not isinstance(state, MeasureState):
            msg = f"{stream} was judged before it was defined; run: sluice ledger verify"
            raise LedgerError(msg)
        return state

    def take(self, entry: Entry) -> None:
        """Folds one more entry.

        Raises:
            LedgerError: when it cannot follow those before it.
        """
        stream, position = entry.stream, entry.position
        state = fold(self._states.get(stream), entry)
        self._states[stream] = state
        if isinstance(state, MeasureState):
            _, last, command = self._read_after.get(stream, (0, 0, ""))
            if command == entry.command:
                # A request records all its entries at once; it was decided before the first.
                last = self._read_after[stream][0]
            self._read_after[stream] = (last, position, entry.command)
            _put(self._standings, stream, position, standing_of(state))
            if state.plan.campaign is not None and state.plan.campaign.audience:
                _put(self._rivals, stream, position, state)
        elif isinstance(state, LaunchState):
            _put(self._launches, stream, position, state)
        elif isinstance(state, ObjectState | ContactState):
            _put(self._linked, stream, position, state)
        elif isinstance(state, PoolState):
            _put(self._pools, stream, position, state)
        elif isinstance(state, AppliedDocument) and state.kind == "Person":
            _put(self._people, stream, position, restore(Person, state.body))
        elif isinstance(state, AppliedDocument) and state.kind == "Conversion":
            _put(self._conversions, stream, position, restore(Conversion, state.body))
        elif isinstance(state, AppliedDocument) and state.kind == "Blackout":
            there = None if state.removed else restore(Blackout, state.body)
            _put(self._blackouts, stream, position, there)

    def facts(self, state: MeasureState, decided: Entry) -> list[Fact] | None:
        """Returns the facts that a decision was made on; None when they cannot be found."""
        for position in self._moments(state, decided):
            facts = self._facts_at(position, state, decided.at)
            if facts_digest(facts) == decided.facts_digest:
                return facts
        return None

    def _moments(self, state: MeasureState, decided: Entry) -> list[int]:
        """Returns the positions at which the world may have been read, latest first."""
        before, last, command = self._read_after[decided.stream]
        read_after = before if command == decided.command else last
        sources: list[_Versions[Any]] = [
            *_known(self._pools, self._pools_near(state)),
            *self._conversions.values(),
            *self._blackouts.values(),
            *_known(self._launches, self._launches_near(state)),
            *(self._rivals.values() if _audience_of(state) else ()),
            *_known(self._linked, streams_of(state.plan.links)),
            *_known(self._standings, map(measure_stream, _others_of(state))),
            *_known(self._people, map(_person_stream, _signers_of(state))),
        ]
        changes = {c - 1 for versions in sources for c in versions.changes_after(read_after)}
        return [decided.position - 1, *sorted(changes, reverse=True)[: KEPT - 1]]

    def _facts_at(self, position: int, state: MeasureState, now: datetime) -> list[Fact]:
        pools = {
            subject_of(stream): _at(self._pools, stream, position)
            for stream in self._pools_near(state)
        }
        conversions = {
            stream.partition("/")[2]: versions.at(position)
            for stream, versions in self._conversions.items()
        }
        others = {
            name: _at(self._standings, measure_stream(name), position) for name in _others_of(state)
        }
        people = {
            name: _at(self._people, _person_stream(name), position) for name in _signers_of(state)
        }
        blackouts = {
            stream.partition("/")[2]: versions.at(position)
            for stream, versions in self._blackouts.items()
        }
        directory = Directory(
            people=_there(people), conversions=_there(conversions), blackouts=_there(blackouts)
        )
        scene = self._scene_at(position, state)
        known = {one: _at(self._linked, one, position) for one in streams_of(state.plan.links)}
        linked = linked_of(known)
        return gather(state, now, _there(pools), _there(others), directory, scene, linked)

    def _scene_at(self, position: int, state: MeasureState) -> LaunchScene:
        launches = (_at(self._launches, one, position) for one in self._launches_near(state))
        return scene_of(
            state,
            (launch for launch in launches if launch is not None),
            lambda name: _at(self._rivals, measure_stream(name), position),
        )

    def _launches_near(self, state: MeasureState) -> list[str]:
        """Returns the streams of a campaign's launch, and of those that may want its audience."""
        campaign = state.plan.campaign
        if campaign is None:
            return []
        own = {launch_stream(campaign.ref)}
        return sorted(own | self._launches.keys() if campaign.audience else own)

    def _pools_near(self, state: MeasureState) -> list[str]:
        """Returns the streams of the pools that a measure asks, or may reach by conversions."""
        asked = {pool_stream(demand.pool) for demand in state.plan.demands}
        return sorted(asked | self._pools.keys()) if asked and self._conversions else sorted(asked)


def past_decisions(
    reader: Reader,
    *,
    wanted: Callable[[MeasureState, str], bool] = lambda _state, _gate: True,
    since: datetime | None = None,
) -> Iterator[PastDecision]:
    """Yields the recorded answers of gates in the order in which they were recorded.

    Memory grows with how many measures there are, not with how many entries.

    Args:
        reader: the ledger.
        wanted: told the measure and the gate; facts are gathered only where it says yes.
        since: only those decided at or after this moment.

    Raises:
        LedgerError: when the entries do not follow each other; `sluice ledger verify` says where.
    """
    world = _World()
    for entry in reader.entries():
        if entry.kind in JUDGEMENTS and (since is None or entry.at >= since):
            state = world.measure(entry.stream)
            verdict = restore(Verdict, entry.body["verdict"])
            if wanted(state, verdict.gate):
                yield PastDecision(entry, verdict, state, world.facts(state, entry))
        world.take(entry)


def count_decisions(reader: Reader, since: datetime | None = None) -> int:
    """Counts the recorded answers of gates."""
    return reader.count(JUDGEMENTS, since)


def _audience_of(state: MeasureState) -> tuple[str, ...]:
    return state.plan.campaign.audience if state.plan.campaign is not None else ()


def _others_of(state: MeasureState) -> set[str]:
    return {dependency.measure for dependency in state.plan.dependencies}


def _signers_of(state: MeasureState) -> set[str]:
    return {sign_off.on_behalf_of for sign_off in state.sign_offs}


def _person_stream(name: str) -> str:
    return document_stream("Person", name)


def _put(known: dict[str, _Versions[_Thing]], stream: str, position: int, thing: _Thing) -> None:
    known.setdefault(stream, _Versions()).add(position, thing)


def _at(known: dict[str, _Versions[_Thing]], stream: str, position: int) -> _Thing | None:
    versions = known.get(stream)
    return versions.at(position) if versions else None


def _known(
    known: dict[str, _Versions[_Thing]], streams: Iterable[str]
) -> Iterator[_Versions[_Thing]]:
    return (known[stream] for stream in streams if stream in known)


def _there(things: Mapping[str, _Thing | None]) -> dict[str, _Thing]:
    return {name: thing for name, thing in things.items() if thing is not None}
