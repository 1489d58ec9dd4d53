"""One replication of a queue, played with SimPy: batches arrive, wait in line and are served.

A batch stands for `batch` items that came one after the other, so that a million items cost as
much as a thousand. Its items still arrive and are served one by one in time: the time in which
they come, and that of serving them, are sums of `batch` exponential times, which is what single
items would take; only the line itself is looked at once per batch. A wait is therefore off by
at most about the time in which one batch is served (`Run.grain`).

The calendar is folded into the clock: to be served, an item takes as long as the pool needs for
one item's worth of what it can do on those very days, nothing on a Sunday off.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Protocol

import simpy


class Chance(Protocol):
    """Where chance comes from; whoever asks brings it, such as a seeded ``random.Random``."""

    def gammavariate(self, alpha: float, beta: float) -> float:
        """Returns the sum of `alpha` exponential times of mean `beta`."""

    def gauss(self, mu: float, sigma: float) -> float:
        """Returns a normal number."""


@dataclass
class Run:
    """What was seen in one replication; times are days from the first, 0.0 its beginning.

    Attributes:
        waits: of those who came while the campaign brought anything: days, and for how many.
        came, served: how many per day.
        drained: when nobody waited any more after the campaign; None when that never came.
        unserved: how many still waited when the watching ended; their waits so far count.
        grain: the mean time in which one batch was served.
    """

    waits: list[tuple[float, float]] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    drained: float | None = None
    unserved: float = 0.0
    grain: float = 0.0


class Flow:
    """How much has flowed by when, and when so much has: daily amounts as a clock."""

    def __init__(self, amounts: Sequence[float]) -> None:
        self._by = [0.0, *accumulate(amounts)]

    @property
    def total(self) -> float:
        """All that flows."""
        return self._by[-1]

    def by(self, time: float) -> float:
        """Returns how much has flowed by a time."""
        day = int(time)
        if day >= len(self._by) - 1:
            return self.total
        return self._by[day] + (self._by[day + 1] - self._by[day]) * (time - day)

    def when(self, amount: float) -> float | None:
        """Returns the first time by which so much has flowed; None when it never has."""
        if amount > self.total:
            return None
        day = bisect_left(self._by, amount)
        if day == 0:
            return 0.0
        before = self._by[day - 1]
        return day - 1 + (amount - before) / (self._by[day] - before)

    def spread(self, days: list[float], first: float, last: float, items: float) -> None:
        """Adds items to the days between two times, in proportion to what flows on each."""
        begin, end = int(first), min(int(last), len(days) - 1)
        flowed = self.by(last) - self.by(first)
        if begin >= end or flowed <= 0:
            days[end] += items
            return
        for day in range(begin, end + 1):
            part = self.by(min(last, day + 1)) - self.by(max(first, day))
            days[day] += items * part / flowed


def play(
    arrivals: Sequence[float],
    service: Sequence[float],
    *,
    watched: tuple[float, float],
    batch: int,
    chance: Chance | None,
    servers: int = 1,
) -> Run:
    """Plays one replication until nobody waits after the watched days, or the days end.

    Args:
        arrivals: how much arrives per day.
        service: how much all servers together can do per day.
        watched: from when to when the waits of those who come count.
        batch: how many items move as one.
        chance: where chance comes from; None for even arrivals and service without any.
        servers: how many serve beside each other.
    """
    return _Replication(arrivals, service, watched, batch, chance, servers).run()


class _Replication:
    def __init__(
        self,
        arrivals: Sequence[float],
        service: Sequence[float],
        watched: tuple[float, float],
        batch: int,
        chance: Chance | None,
        servers: int,
    ) -> None:
        self._arrivals, self._service = Flow(arrivals), Flow(service)
        self._from, self._until = watched
        self._batch, self._servers = batch, servers
        self._length: Callable[[float], float] = (
            float if chance is None else lambda items: chance.gammavariate(items, 1.0)
        )
        days = len(arrivals)
        self._run = Run(came=[0.0] * days, served=[0.0] * days)
        self._env = simpy.Environment()
        self._line: deque[tuple[float, float, float]] = deque()
        self._idle: deque[simpy.Event] = deque()
        self._over = self._env.event()
        self._all_came = self._closed = False
        self._batches = 0

    def run(self) -> Run:
        env = self._env
        env.process(self._arrive())
        for _ in range(self._servers):
            env.process(self._serve())
        env.process(self._close())
        env.run(until=self._over)
        for first, last, items in self._line if self._run.drained is None else ():
            self._run.unserved += items
            self._note(first, len(self._run.came) - first, items / 2)
            self._note(last, len(self._run.came) - last, items / 2)
        return self._run

    def _arrive(self) -> Generator[simpy.Event, Any, None]:
        env, so_far = self._env, 0.0
        while so_far < self._arrivals.total:
            items = float(self._batch)
            length = self._length(items)
            rest = self._arrivals.total - so_far
            if length > rest:
                # What comes when the days end is a part of a batch.
                items, length = items * rest / length, rest
            first = self._arrivals.when(so_far + length / max(items, 1.0))
            before = self._arrivals.when(so_far) or 0.0
            so_far += length
            last = self._arrivals.when(min(so_far, self._arrivals.total))
            assert first is not None, "the first of a batch comes before its last"
            assert last is not None, "no batch is longer than what is left"
            yield env.timeout(max(0.0, first - env.now))
            # Noted only now: what would come after the end of the play has not come.
            self._arrivals.spread(self._run.came, before, last, items)
            self._line.append((first, max(first, last), items))
            if self._idle:
                self._idle.popleft().succeed()
        self._all_came = True
        self._end_if_over()

    def _serve(self) -> Generator[simpy.Event, Any, None]:
        env = self._env
        while True:
            while not self._line:
                awake = env.event()
                self._idle.append(awake)
                self._end_if_over()
                yield awake
            first, last, items = self._line.popleft()
            starts = env.now
            length = self._length(items) * self._servers
            ends = self._service.when(self._service.by(starts) + length)
            if ends is None:
                # Never served within the days that are watched, and nobody behind it either.
                self._line.appendleft((first, last, items))
                self._closed = True
                self._end_if_over()
                return
            # The last one cannot be done before it has come.
            done = max(ends, last)
            one = (ends - starts) / max(items, 1.0)
            self._batches += 1
            self._run.grain += (ends - starts - self._run.grain) / self._batches
            # Counted in days, a start just now may lie a rounding error before it.
            self._note(first, max(0.0, starts - first), items / 2)
            self._note(last, max(0.0, done - last - one), items / 2)
            self._service.spread(self._run.served, starts, ends, items)
            yield env.timeout(done - starts)

    def _close(self) -> Generator[simpy.Event, Any, None]:
        yield self._env.timeout(self._until)
        # Whoever comes at that very moment still comes before the end.
        yield self._env.timeout(0)
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._over.triggered:
            return
        nobody = not self._line and len(self._idle) == self._servers
        if nobody and (self._all_came or self._env.now >= self._until):
            self._run.drained = max(self._env.now, self._until)
            self._over.succeed()
        elif self._closed and self._all_came:
            self._over.succeed()

    def _note(self, came: float, wait: float, items: float) -> None:
        if self._from <= came < self._until:
            self._run.waits.append((wait, items))


__all__ = ["Chance", "Flow", "Run", "play"]
