"""A simulation in a measure's life: its entry, its facts, and until when it speaks."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from measures.assessment import assess
from measures.documents import Pool
from measures.errors import RefusedError
from measures.facts import WaitFact
from measures.gathering import gather
from measures.pool import PoolState, fold_pool, open_pool, report_capacity
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import inputs_of
from measures.queueing.record import PoolWait, QueueRecord, RecordedQueue
from measures.queueing.recording import refuse_to_simulate, simulated
from measures.requests import ReportInput

Life = Any
MARCH = "2031-03"


def pool(capacity: float = 90) -> PoolState:
    """A pool that takes so much in March."""
    document = Pool(
        id="kyc", title="Identity check", unit="checks", owner="kim", capacity={MARCH: capacity}
    )
    return fold_pool(None, open_pool(document, "operator", datetime(2031, 1, 1, tzinfo=UTC), "o"))


def record_of(life: Life, known: PoolState, **figures: Any) -> QueueRecord:
    """What a simulation of the measure as it is now might have said."""
    pools = {"kyc": known}
    inputs = inputs_of(life.state.plan, pools, assess(life.state, pools, life.directory).needs)
    said: dict[str, Any] = {
        "pool": "kyc", "title": "Identity check", "unit": "checks", "p50_days": 1.5,
        "p90_days": 4.5, "p95_days": 5.0, "backlog_peak": 12.0, "backlog_peak_p90": 14.0,
        "peak_on": date(2031, 3, 31), "drains_on": date(2031, 4, 9),
        "drains_on_p50": date(2031, 4, 8), "watched_until": date(2031, 9, 1), "arrivals": 100.0,
        "completed": 90.0, "cost": 2.0, "cost_planned": 1.8, "cost_rise": 0.11,
        "admissible_share": 0.9, "extra_capacity": 0.11, "fluid_peak": 10.0,
        "fluid_drains_on": date(2031, 4, 7), "resolution_days": 0.3, "batch": 1,
    }  # fmt: skip
    wait = PoolWait(**{**said, **figures})
    return QueueRecord(
        measure=life.state.id, inputs=inputs.digest, ask=PlayAsk(), seed=7, pools=(wait,)
    )


def waits(life: Life, known: PoolState | None) -> list[WaitFact]:
    """The facts about waits that rules see now."""
    pools = {"kyc": known} if known else {}
    found = gather(life.state, life.now, pools, {}, life.directory)
    return [fact for fact in found if isinstance(fact, WaitFact)]


def test_the_entry_is_folded_and_becomes_a_fact(live: Callable[..., Life]) -> None:
    """Its shape is pinned: entries of this kind are read for ever."""
    life = live()
    assert waits(life, pool()) == []
    record = record_of(life, pool())
    [draft] = life.take(simulated(life.state, record, life.now, "c1", by="olga"))
    assert (draft.kind, draft.by, draft.command) == ("queue_simulated", "olga", "c1")
    assert set(draft.body) == {"measure", "inputs", "ask", "seed", "pools"}
    assert draft.body["pools"][0]["drains_on"] == "2031-04-09"
    assert life.state.queue == RecordedQueue(**dict(record), at=life.now, by="olga")
    [fact] = waits(life, pool())
    assert (fact.pool, fact.p90_days, fact.drains, fact.drains_on) == (
        "kyc", 4.5, True, "2031-04-09",
    )  # fmt: skip
    assert (fact.seen_at, fact.source, fact.seed) == (life.now, "simulation", 7)


def test_the_same_again_writes_nothing(live: Callable[..., Life]) -> None:
    """A retry, or a second request, finds it recorded."""
    life = live()
    record = record_of(life, pool())
    life.take(simulated(life.state, record, life.now, "c1"))
    assert simulated(life.state, record, life.now, "c2") == []
    other = record_of(life, pool(), p90_days=9.0)
    assert len(simulated(life.state, other, life.now, "c3")) == 1


def test_a_queue_that_never_ends_has_no_day(live: Callable[..., Life]) -> None:
    """A rule asks whether it drains before it compares days."""
    life = live()
    life.take(simulated(life.state, record_of(life, pool(), drains_on=None), life.now, "c1"))
    [fact] = waits(life, pool())
    assert (fact.drains, fact.drains_on) == (False, "")


def test_it_speaks_only_of_what_was_simulated(live: Callable[..., Life]) -> None:
    """Another capacity, another plan, no pool: the wait is unknown; as it was: known again."""
    life = live()
    life.take(simulated(life.state, record_of(life, pool()), life.now, "c1"))
    assert waits(life, pool(91)) == []
    assert waits(life, None) == []
    known = pool()
    again = fold_pool(known, report_capacity(known, MARCH, 90, "kim", life.now, "r"))
    assert len(waits(life, again)) == 1, "who only repeats a number changes no queue"
    life.amend("olga", title="Another name")
    assert len(waits(life, pool())) == 1, "nor does who changes a title"
    life.amend("olga", **{"demands.kyc/2031-03.amount": 101})
    assert waits(life, pool()) == []


def test_who_has_no_part_in_it_may_not_have_it_simulated(live: Callable[..., Life]) -> None:
    """Owner and KPI owners may; strangers may not; a measure that ended has no queues."""
    life = live()
    for by in ("olga", "kim", "rex"):
        refuse_to_simulate(life.state, life.directory, by)
    with pytest.raises(RefusedError, match="no part in it"):
        refuse_to_simulate(life.state, life.directory, "piet")
    life.side("cancel", "olga")
    with pytest.raises(RefusedError, match="has ended"):
        refuse_to_simulate(life.state, life.directory, "olga")


def test_it_is_asked_for_alone_and_within_bounds() -> None:
    """One kind of news at a time; numbers that could not be played are no request."""
    assert ReportInput.model_validate({"by": "olga", "queue": {}}).queue == PlayAsk()
    for wrong in (
        {"queue": {}, "forecast": {"ebitda": 1}},
        {"queue": {"replications": 0}},
        {"queue": {"volume_error": float("nan")}},
        {"queue": {"service_days": [1, 1, 1, 1, 1, 0, -1]}},
        {"queue": {"seed": -1}},
        {"queue": {"speed": 3}},
    ):
        with pytest.raises(ValueError, match=r"report|queue"):
            ReportInput.model_validate_json(json.dumps({"by": "olga", **wrong}))
