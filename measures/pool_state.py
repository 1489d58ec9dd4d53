"""A pool's state: what it can take, who holds how much of it, and who waits in which order."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from measures.documents import Pool
from measures.model import Moment, Stored, period_bounds
from measures.pool_load import PoolLoad
from measures.throttle import Throttle
from measures.turns import USUAL, holding_turn, waiting_turn

Amounts = Mapping[str, float | int]
"""Period to amount, in the pool's unit."""


class Asker(NamedTuple):
    """Who asks for capacity, as far as whose turn it is depends on it.

    Attributes:
        since: when it asked for the gate.
        at: now.
    """

    priority: int
    since: datetime
    at: datetime


DOCUMENT = "document"
"""The source of a statement that the pool's document makes."""


class Capacity(Stored):
    """How much a pool can take in a period, and who said so when.

    Attributes:
        source: where the statement comes from: ``document``, ``report``, or ``connector:NAME``.
    """

    amount: float | int
    at: Moment
    by: str
    source: str = ""


class Holding(Stored):
    """What a pool notes for one measure: amounts per period, held only when hard.

    Attributes:
        priority: the measure's when it was made; of those who hold, the least urgent loses first.
        since: from when on the measure has held capacity here without a break.
    """

    amounts: dict[str, float | int]
    hard: bool
    at: Moment
    priority: int = USUAL
    since: Moment | None = None

    @property
    def held_since(self) -> datetime:
        """From when on it is held; an older release did not say."""
        return self.since or self.at


class Place(Stored):
    """A measure that waits for this pool's capacity and for nothing else but capacity.

    Attributes:
        amounts: what it needs of this pool, per period.
        since: when it asked for the gate; the same in every pool that it waits for.
        ready: whether every other pool it needs states enough for it; if one does not, it would
            keep this pool's capacity from others in vain.
    """

    amounts: dict[str, float | int]
    priority: int = USUAL
    since: Moment
    ready: bool = True


class Uncovered(Stored):
    """A reservation that the pool can no longer carry in full.

    Attributes:
        held: what is reserved in the period.
        covered: how much of it the capacity still covers.
    """

    measure: str
    period: str
    held: float | int
    covered: float | int


class PoolState(Stored):
    """A pool's life so far.

    Attributes:
        queue: who waits for capacity here; `queued` says in which order.
        used: per period that is over, what was held of it at its end.
        commands: the latest requests that left an entry, oldest first.
        load: the live load reported last.
        throttle: how the launches on the pool are throttled by it.
    """

    pool: Pool
    capacity: dict[str, Capacity] = {}
    holdings: dict[str, Holding] = {}
    queue: dict[str, Place] = {}
    used: dict[str, float | int] = {}
    number: int = 0
    commands: tuple[str, ...] = ()
    load: PoolLoad | None = None
    throttle: Throttle = Throttle()

    # --- what is held ---

    def held(self, period: str, except_for: str = "") -> float | int:
        """Returns what is held hard in a period, leaving one measure out.

        What is held for a period counts in full in every period that it touches.
        """
        return sum(
            load(holding.amounts, period)
            for measure, holding in self.holdings.items()
            if holding.hard and measure != except_for
        )

    def touched(self, period: str) -> list[str]:
        """Returns the stated periods that a period touches, in order."""
        return sorted(stated for stated in self.capacity if overlap(stated, period))

    def states(self, period: str) -> bool:
        """Tells whether a period lies inside one whose capacity was stated."""
        return period in self.capacity or any(inside(period, one) for one in self.capacity)

    # --- what is free ---

    def free_for(
        self,
        measure: str,
        period: str,
        asker: Asker | None = None,
        beside: Amounts | None = None,
    ) -> float | int | None:
        """Returns what is free for a measure in a period; None when no capacity was stated.

        Capacity less what others hold and less what is kept for those who come before it in the
        queue. A demand counts in full against every stated period that it touches, so days, weeks
        and months together are never oversold. Of what it holds already it may count on as much
        as the capacity still covers.

        Args:
            measure: who asks; its own reservation counts as free for it.
            period: for when.
            asker: its place among those who wait; None leaves the queue out of account.
            beside: what it needs in other periods at the same time.
        """
        if not self.states(period):
            return None
        _, free = self.limit_of(measure, period, asker, beside)
        covered = self.covered(measure, period)
        return max(free, covered) if covered else free

    def limit_of(
        self,
        measure: str,
        period: str,
        asker: Asker | None = None,
        beside: Amounts | None = None,
    ) -> tuple[str, float | int]:
        """Returns the stated period that leaves a measure least in a period, and how much.

        What the measure holds itself is not counted as taken. The period itself is named where
        another leaves as little, else the earliest.

        Args:
            measure, period, asker, beside: as for `free_for`; the period lies in a stated one.
        """
        left = self.left_in(measure, period, asker, beside)
        limit = min(left, key=lambda stated: (left[stated], stated != period, stated))
        return limit, left[limit]

    def left_in(
        self,
        measure: str,
        period: str,
        asker: Asker | None = None,
        beside: Amounts | None = None,
    ) -> dict[str, float | int]:
        """Returns what every stated period that a period touches leaves a measure.

        What the measure holds itself is not counted as taken. Below zero where too much is.

        Args:
            measure, period, asker, beside: as for `free_for`.
        """
        others = {when: much for when, much in (beside or {}).items() if when != period}
        return {
            stated: self.capacity[stated].amount
            - self.held(stated, except_for=measure)
            - self.kept(stated, measure, asker)
            - load(others, stated)
            for stated in self.touched(period)
        }

    def kept(self, period: str, measure: str, asker: Asker | None) -> float | int:
        """Returns what is kept in a period for those who come before a measure in the queue."""
        if asker is None or not self.queue:
            return 0
        mine = waiting_turn(asker.priority, asker.since, measure, asker.at)
        return sum(
            load(place.amounts, period)
            for name, place in self.queue.items()
            if name != measure
            and self.is_kept_for(place)
            and waiting_turn(place.priority, place.since, name, asker.at) < mine
        )

    def is_kept_for(self, place: Place) -> bool:
        """Tells whether capacity is kept from later ones for a measure that waits.

        Not for one that needs more than is stated at all, here or in another pool: it would keep
        from others what it cannot use itself.
        """
        return place.ready and all(
            self.states(period)
            and all(load(place.amounts, q) <= self.capacity[q].amount for q in self.touched(period))
            for period in place.amounts
        )

    def queued(self, at: datetime, period: str | None = None) -> list[str]:
        """Returns who waits, whose turn comes first at the head.

        Args:
            at: as of when; waiting makes more urgent.
            period: only those who need something in it; None for all.
        """
        waiting = [
            (waiting_turn(place.priority, place.since, name, at), name)
            for name, place in self.queue.items()
            if period is None or any(overlap(period, when) for when in place.amounts)
        ]
        return [name for _, name in sorted(waiting)]

    # --- what is held beyond what there is ---

    def uncovered(self, period: str) -> list[Uncovered]:
        """Returns whose reservations a period no longer covers, who loses first at the head.

        The least urgent loses before the more urgent, and of those the one who holds the latest.
        """
        if period not in self.capacity:
            return self._left_alone(period)
        over = self.held(period) - self.capacity[period].amount
        lost: list[Uncovered] = []
        for name, holding in reversed(self._holders(period)):
            if over <= 0:
                break
            held = load(holding.amounts, period)
            lost.append(
                Uncovered(measure=name, period=period, held=held, covered=max(0, held - over))
            )
            over -= held
        return lost

    def covered(self, measure: str, period: str) -> float | int:
        """Returns how much of what a measure holds in a period the capacity still covers."""
        holding = self.holdings.get(measure)
        amount = holding.amounts.get(period, 0) if holding and holding.hard else 0
        if not amount or not self.states(period):
            return 0
        missing = [
            lost.held - lost.covered
            for stated in self.touched(period)
            for lost in self.uncovered(stated)
            if lost.measure == measure
        ]
        return max(0, amount - max(missing, default=0))

    def overcommitted(self) -> list[Uncovered]:
        """Returns all that is no longer covered, period by period, who loses first at the head."""
        held = {period for one in self.holdings.values() if one.hard for period in one.amounts}
        periods = sorted({*self.capacity, *held})
        return [lost for period in periods for lost in self.uncovered(period)]

    def _left_alone(self, period: str) -> list[Uncovered]:
        """Returns who holds something for exactly this period, which nobody states any more."""
        if self.states(period):
            return []
        return [
            Uncovered(measure=name, period=period, held=holding.amounts[period], covered=0)
            for name, holding in reversed(self._holders(period))
            if holding.amounts.get(period)
        ]

    def _holders(self, period: str) -> list[tuple[str, Holding]]:
        """Returns who holds something hard in a period, who would lose it last at the head."""
        holders = (
            (name, holding)
            for name, holding in self.holdings.items()
            if holding.hard and load(holding.amounts, period)
        )
        return sorted(
            holders, key=lambda one: holding_turn(one[1].priority, one[1].held_since, one[0])
        )


def load(amounts: Amounts, period: str) -> float | int:
    """Returns how much of these amounts counts in a period: each that touches it, in full."""
    return sum(amount for when, amount in amounts.items() if overlap(when, period))


def overlap(one: str, other: str) -> bool:
    """Tells whether two periods have a day in common."""
    # Periods written equally long are of one kind, and two of one kind are the same or apart:
    # pools that state days ask this for thousands of pairs.
    return one == other if len(one) == len(other) else _common_day(one, other)


def inside(one: str, other: str) -> bool:
    """Tells whether a period lies wholly inside another."""
    return one == other if len(one) == len(other) else _within(one, other)


@lru_cache(maxsize=16_384)
def _common_day(one: str, other: str) -> bool:
    (first, end), (begin, over) = period_bounds(one), period_bounds(other)
    return first < over and begin < end


@lru_cache(maxsize=16_384)
def _within(one: str, other: str) -> bool:
    (first, end), (begin, over) = period_bounds(one), period_bounds(other)
    return begin <= first and end <= over


@lru_cache(maxsize=4096)
def over_on(period: str) -> date:
    """Returns the first day (UTC) on which a period is over."""
    return period_bounds(period)[1]
