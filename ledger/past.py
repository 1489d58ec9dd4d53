"""How a measure stood when an entry was decided: everything before it folded anew."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from ledger.applied import AppliedDocument
from ledger.document_reading import directory_of
from ledger.folding import State, fold
from ledger.reading import Reader
from measures.directory import Directory
from measures.entry import Entry, launch_stream, measure_stream, pool_stream
from measures.errors import RefusedError
from measures.facts import Fact
from measures.gathering import gather
from measures.launch import LaunchState
from measures.launch_facts import LaunchScene, scene_of
from measures.link_facts import Linked, linked_of
from measures.links import streams_of
from measures.pool import PoolState
from measures.state import MeasureState
from measures.surroundings import standing_of


@dataclass(frozen=True)
class Situation:
    """What was known when an entry was decided.

    Attributes:
        entry: the entry; its `at` is the moment of the facts.
        state: the measure before it.
        directory: the people and packs before it.
    """

    entry: Entry
    state: MeasureState
    directory: Directory
    facts: tuple[Fact, ...]


def situation_at(ledger: Reader, measure: str, position: int) -> Situation:
    """Returns how a measure stood when the entry at a position was decided.

    Raises:
        RefusedError: ``not-found`` when there is no such entry, or no measure before it.
    """
    entry = next(iter(ledger.entries(after=position - 1, limit=1)), None)
    if entry is None or entry.position != position:
        raise RefusedError(
            "not-found",
            f"there is no entry {position}, the last one is {ledger.position()}:"
            f" sluice ledger show --stream {measure_stream(measure)}",
        )
    past = _Past(ledger, position)
    state = past.state(measure_stream(measure))
    if not isinstance(state, MeasureState):
        raise RefusedError(
            "not-found",
            f"there is no measure {measure!r} before entry {position}:"
            f" sluice ledger show --stream {measure_stream(measure)}",
        )
    directory = past.directory()
    asked = {demand.pool for demand in state.plan.demands}
    if asked and directory.conversions:
        asked |= set(ledger.pools())  # what is asked of one pool may reach any other
    pools = past.states(map(pool_stream, sorted(asked)))
    others = past.states(measure_stream(other.measure) for other in state.plan.dependencies)
    facts = gather(
        state,
        entry.at,
        {found.pool.id: found for found in pools if isinstance(found, PoolState)},
        {found.id: standing_of(found) for found in others if isinstance(found, MeasureState)},
        directory,
        past.scene(state),
        past.linked(state),
    )
    return Situation(entry, state, directory, tuple(facts))


class _Past:
    """The ledger before one of its positions."""

    def __init__(self, ledger: Reader, position: int) -> None:
        self._ledger = ledger
        self._position = position

    def state(self, stream: str) -> State | None:
        """Returns the state of a stream; None when it had not begun."""
        state: State | None = None
        for entry in self._before(self._ledger.entries(stream)):
            state = fold(state, entry)
        return state

    def states(self, streams: Iterable[str]) -> list[State]:
        """Returns the states of those streams that had begun."""
        found = (self.state(stream) for stream in dict.fromkeys(streams))
        return [state for state in found if state is not None]

    def scene(self, state: MeasureState) -> LaunchScene:
        """Returns what a measure's campaign did, and who was after its audience."""
        campaign = state.plan.campaign
        if campaign is None:
            return scene_of(state, (), self._measure)
        refs = {campaign.ref}
        if campaign.audience:
            refs |= {one.ref for one in self._ledger.launches()}
        launches = self.states(map(launch_stream, sorted(refs)))
        return scene_of(
            state, (one for one in launches if isinstance(one, LaunchState)), self._measure
        )

    def linked(self, state: MeasureState) -> Linked:
        """Returns what was known of the objects that a measure's links lead to."""
        return linked_of({stream: self.state(stream) for stream in streams_of(state.plan.links)})

    def _measure(self, name: str) -> MeasureState | None:
        state = self.state(measure_stream(name))
        return state if isinstance(state, MeasureState) else None

    def directory(self) -> Directory:
        """Returns the people and packs."""
        documents: dict[str, State] = {}
        for entry in self._before(self._ledger.entries(kinds=["document_applied"])):
            documents[entry.stream] = fold(documents.get(entry.stream), entry)
        ordered = [documents[stream] for stream in sorted(documents)]
        return directory_of(one for one in ordered if isinstance(one, AppliedDocument))

    def _before(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        return takewhile(lambda entry: entry.position < self._position, entries)
