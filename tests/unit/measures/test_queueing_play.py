"""The play agrees with theory, and moving items in batches does not bend what it says."""

from collections.abc import Sequence
from random import Random
from statistics import mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.queueing.play import Flow, Run, play
from measures.queueing.theory import backlog_after, erlang_c


def replications(
    arrivals: float, service: float, *, servers: int, batch: int, number: int = 10, days: int = 40
) -> list[Run]:
    """Plays a queue of even rates from many seeds; the first days warm it up."""
    return [
        play(
            [arrivals] * days,
            [service * servers] * days,
            watched=(10, days),
            batch=batch,
            chance=Random(seed),
            servers=servers,
        )
        for seed in range(number)
    ]


def mean_wait(run: Run) -> float:
    """Returns the mean of all waits, in days."""
    return sum(wait * items for wait, items in run.waits) / sum(items for _, items in run.waits)


@pytest.mark.parametrize(("arrivals", "service", "servers"), [(80, 100, 1), (150, 100, 2)])
def test_single_items_wait_as_long_as_erlang_says(
    arrivals: float, service: float, servers: int
) -> None:
    """M/M/1 and M/M/2 lie inside four standard errors of the mean over replications."""
    waits = [mean_wait(r) for r in replications(arrivals, service, servers=servers, batch=1)]
    _, expected = erlang_c(arrivals, service, servers)
    assert mean(waits) == pytest.approx(expected, abs=4 * stdev(waits) / len(waits) ** 0.5)


@pytest.mark.parametrize("batch", [5, 25])
def test_batches_are_off_by_less_than_the_time_that_one_takes(batch: int) -> None:
    """Below capacity, where chance alone makes queues, the grain bounds what batches bend."""
    runs = replications(800, 1000, servers=1, batch=batch, number=6, days=30)
    _, expected = erlang_c(800, 1000, 1)
    waits = [mean_wait(run) for run in runs]
    grain = mean(run.grain for run in runs)
    assert grain == pytest.approx(batch / 1000, rel=0.1)
    assert abs(mean(waits) - expected) < grain + 4 * stdev(waits) / len(waits) ** 0.5


@pytest.mark.parametrize("batch", [1, 10, 100])
def test_overload_builds_the_backlog_of_formula_2_whatever_moves_as_one(batch: int) -> None:
    """Above capacity for 20 days: the backlog and the longest wait, inside four standard errors."""
    runs = [
        play(
            [130.0] * 20 + [60.0] * 40,
            [110.0] * 60,
            watched=(0, 20),
            batch=batch,
            chance=Random(seed),
        )
        for seed in range(30)
    ]
    expected = backlog_after(130, 110, 20)
    backlogs = [sum(run.came[:20]) - sum(run.served[:20]) for run in runs]
    noise = 4 * stdev(backlogs) / len(backlogs) ** 0.5
    assert mean(backlogs) == pytest.approx(expected, abs=noise + 0.5)
    waits = [mean_wait(run) for run in runs]
    # The wait rises evenly from nothing to the time that the whole backlog takes.
    assert mean(waits) == pytest.approx(
        expected / 110 / 2, abs=4 * stdev(waits) / len(waits) ** 0.5 + batch / 110
    )


def test_without_chance_the_backlog_is_formula_2_to_the_item() -> None:
    """The days 1 to 6 leave 2 a day, which takes 6 more days to clear."""
    run = play([13.0] * 6 + [9.0] * 14, [11.0] * 20, watched=(0, 6), batch=1, chance=None)
    waiting = [sum(run.came[:day]) - sum(run.served[:day]) for day in range(1, 12)]
    assert waiting == pytest.approx([2, 4, 6, 8, 10, 12, 10, 8, 6, 4, 2], abs=1.1)
    assert run.drained == pytest.approx(12, abs=0.3)
    assert run.unserved == 0


def test_nobody_is_served_on_a_day_off() -> None:
    """Who comes on Saturday waits until Monday."""
    service = [10.0] * 5 + [0.0, 0.0] + [10.0] * 5
    run = play([4.0] * 12, service, watched=(0, 12), batch=1, chance=None)
    assert run.served[5:7] == pytest.approx([0, 0], abs=1e-9)
    assert max(wait for wait, _ in run.waits) == pytest.approx(2, abs=0.5)


def test_who_is_never_served_counts_with_the_wait_so_far() -> None:
    """The pool closes for good; half of them are still there when the watching ends."""
    run = play([10.0] * 10, [10.0] * 5 + [0.0] * 5, watched=(0, 10), batch=1, chance=None)
    assert run.drained is None
    assert run.unserved == pytest.approx(50, abs=1)
    assert max(wait for wait, _ in run.waits) == pytest.approx(5, abs=0.2)


@settings(max_examples=40, deadline=None)
@given(
    arrivals=st.lists(st.floats(0, 50), min_size=1, max_size=12),
    service=st.lists(st.floats(0, 50), min_size=1, max_size=12),
    batch=st.integers(1, 20),
    servers=st.integers(1, 3),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_nothing_is_served_that_has_not_come_and_nobody_is_lost(
    arrivals: Sequence[float], service: Sequence[float], batch: int, servers: int, seed: int | None
) -> None:
    """At no day's end more is served than came, waits are never negative, and it always ends."""
    days = max(len(arrivals), len(service))
    came = [*arrivals, *[0.0] * (days - len(arrivals))]
    could = [*service, *[0.0] * (days - len(service))]
    chance = None if seed is None else Random(seed)
    run = play(came, could, watched=(0, days), batch=batch, chance=chance, servers=servers)
    assert all(wait >= 0 for wait, _ in run.waits)
    # A batch counts as served bit by bit; with several servers each has one under way.
    assert sum(run.served) <= sum(run.came) + 1e-6
    assert run.unserved <= sum(run.came) + 1e-6
    if run.drained is not None:
        assert run.unserved == 0
        assert sum(run.served) == pytest.approx(sum(run.came))


@settings(deadline=None, max_examples=50)
@given(amounts=st.lists(st.floats(0, 1e6), min_size=1, max_size=20), part=st.floats(0, 1))
def test_a_flow_is_its_own_inverse(amounts: list[float], part: float) -> None:
    """By the time at which so much has flowed, just so much has flowed."""
    flow = Flow(amounts)
    amount = part * flow.total
    time = flow.when(amount)
    assert time is not None
    assert flow.by(time) == pytest.approx(amount, rel=1e-6, abs=1e-6)
    assert flow.when(flow.total * 1.01 + 1) is None
