"""What a change of packs does to the live measures at one moment."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from console.plan_cases import Assessor, Assessors, Change, PageResult, Sides, Surroundings
from console.plan_tally import Tally
from ledger.live import LiveMeasures, Place
from measures.lifecycle import LAUNCH
from rules.preview import Gate


@dataclass
class LiveReport:
    """What happens to live measures.

    Attributes:
        now: the moment of the facts.
        at: the moment of all judgements.
        passed: per changed gate, how many live measures have passed it and are not asked again.
        judged: how many measures stand before a changed gate.
        lost: how many keep a version of a pack that cannot be had.
        keeping: how many keep an older version, which the change leaves them with.
    """

    tally: Tally
    now: datetime
    at: datetime
    passed: dict[str, int]
    judged: int = 0
    lost: int = 0
    keeping: int = 0

    def take(self, result: PageResult) -> None:
        """Counts what came of a page."""
        self.judged += result.judged
        self.lost += result.lost
        self.keeping += result.keeping
        self.tally.set_aside += result.lost
        if result.launched:
            self.passed[LAUNCH] = self.passed.get(LAUNCH, 0) + result.launched
        at_gates: dict[str, list[Change]] = {}
        for change in result.changes:
            at_gates.setdefault(change.measure, []).append(change)
        for changes in at_gates.values():
            self.tally.add(changes)


def places_asked(sides: Sides, places: Iterable[Place]) -> list[Place]:
    """Returns the places whose measures the change may do something to."""
    # Who keeps an older version may stand before any gate whose rules change for it alone.
    return list(places) if sides.keepers() else _before_gates(sides.gates(), places)


def judge_live(
    living: LiveMeasures,
    sides: Sides,
    assessor: Assessor | Assessors,
    around: Surroundings,
    limit: int,
    advance: Callable[[int], None] = lambda _: None,
) -> LiveReport:
    """Judges every live measure that the change may do something to.

    Args:
        limit: how many examples of each rule are kept.
        advance: is told how many more measures are judged.
    """
    places = places_asked(sides, living.places)
    passed = _passed(sides.gates(), living.places)
    live = LiveReport(Tally(limit), around.now, around.at, passed)
    live.tally.subjects = sum(living.places.values())
    for result in assessor.assess_all(living.pages(places) if places else ()):
        live.take(result)
        advance(result.subjects)
    return live


def _before_gates(gates: frozenset[Gate], places: Iterable[Place]) -> list[Place]:
    """Returns the places from which a measure can ask for one of these gates."""
    # Which of them may launch, each measure says itself: its own lifecycle knows from where on.
    return [
        place
        for place in places
        if {(place.lifecycle, place.next_stage), (place.lifecycle, LAUNCH)} & gates
    ]


def _passed(gates: frozenset[Gate], places: Mapping[Place, int]) -> dict[str, int]:
    """Counts the live measures that have passed each of these gates."""
    passed: dict[str, int] = {}
    for name, gate in sorted(gates):
        if gate != LAUNCH:
            passed[gate] = passed.get(gate, 0) + sum(
                many
                for place, many in places.items()
                if place.lifecycle == name and place.has_passed(gate)
            )
    return passed
