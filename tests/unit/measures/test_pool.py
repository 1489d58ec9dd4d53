"""What a pool takes, holds and lets go."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from measures.directory import Directory
from measures.documents import Pool
from measures.entry import Draft
from measures.errors import RefusedError
from measures.plan import Demand
from measures.pool import (
    PoolState,
    change_pool,
    drop_reservation,
    fold_pool,
    open_pool,
    report_capacity,
    reserve,
)
from measures.pool_view import view_of

MARCH, APRIL = "2031-03", "2031-04"


@pytest.fixture
def pool(now: datetime) -> PoolState:
    """A pool of 100 checks in March, 50 in April."""
    return fold_pool(None, open_pool(_pool(), "operator", now, "open"))


def _pool(**capacity: float) -> Pool:
    stated = capacity or {MARCH: 100, APRIL: 50}
    return Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity=stated)


def wants(*amounts: tuple[str, float], pool: str = "kyc") -> tuple[Demand, ...]:
    """Demands on a pool."""
    return tuple(Demand(pool=pool, period=period, amount=amount) for period, amount in amounts)


@pytest.fixture
def hold(now: datetime) -> Callable[..., tuple[PoolState, str]]:
    """Reserves and folds; returns the state and what was lacking."""

    def act(
        state: PoolState, measure: str, *amounts: tuple[str, float], hard: bool = True
    ) -> tuple[PoolState, str]:
        draft, lacking = reserve(
            state, measure, wants(*amounts), hard=hard, at=now, command=f"{measure}"
        )
        return (fold_pool(state, draft) if draft else state), lacking

    return act


def test_what_is_held_hard_is_not_free_for_others(pool: PoolState, hold: Any) -> None:
    """The own reservation counts as free for the one who holds it."""
    pool, lacking = hold(pool, "spring", (MARCH, 60))
    assert lacking == ""
    assert pool.free_for("autumn", MARCH) == 40
    assert pool.free_for("spring", MARCH) == 100
    assert pool.free_for("autumn", "2032-01") is None


def test_nothing_can_always_be_held(pool: PoolState, hold: Any, now: datetime) -> None:
    """Also where others hold more than there is: who needs nothing waits for nothing."""
    pool, _ = hold(pool, "spring", (MARCH, 100))
    pool = fold_pool(pool, report_capacity(pool, MARCH, 80, "kim", now, "cut"))
    after, lacking = hold(pool, "autumn", (MARCH, 0))
    assert lacking == ""
    assert after.holdings["autumn"].amounts == {MARCH: 0}


def test_noted_demand_holds_nothing(pool: PoolState, hold: Any) -> None:
    """A soft reservation may exceed what there is, and takes nothing away."""
    pool, lacking = hold(pool, "spring", (MARCH, 6000), hard=False)
    assert lacking == ""
    assert pool.free_for("autumn", MARCH) == 100


def test_all_periods_or_none(pool: PoolState, hold: Any) -> None:
    """If one period is lacking, nothing is held in any."""
    after, lacking = hold(pool, "spring", (MARCH, 10), (APRIL, 51))
    assert after == pool
    assert lacking == "pool kyc 2031-04: 51 needed, 50 free"
    _, lacking = hold(pool, "spring", (MARCH, 10), ("2031-05", 1))
    assert lacking == "pool kyc states no capacity for 2031-05"


def test_the_last_unit_goes_to_the_first_who_asks(pool: PoolState, hold: Any) -> None:
    """Exactly what is there can be held, by one."""
    pool, _ = hold(pool, "spring", (MARCH, 100))
    _, lacking = hold(pool, "autumn", (MARCH, 0.5))
    assert "0.5 needed, 0 free" in lacking


def test_asking_for_what_is_held_writes_nothing(pool: PoolState, hold: Any) -> None:
    """The same again is held already, also when the capacity has gone down meanwhile."""
    pool, _ = hold(pool, "spring", (MARCH, 60))
    draft, lacking = reserve(
        pool, "spring", wants((MARCH, 60)), hard=True, at=pool.holdings["spring"].at, command="c"
    )
    assert (draft, lacking) == (None, "")


def test_a_reservation_replaces_the_one_before(pool: PoolState, hold: Any) -> None:
    """Another amount, other periods, hard to soft: what is asked last is held."""
    pool, _ = hold(pool, "spring", (MARCH, 60), (APRIL, 10))
    pool, _ = hold(pool, "spring", (APRIL, 20))
    assert (pool.held(MARCH), pool.held(APRIL)) == (0, 20)
    pool, _ = hold(pool, "spring", (APRIL, 20), hard=False)
    assert pool.held(APRIL) == 0


def test_demands_on_other_pools_are_not_its_business(pool: PoolState, now: datetime) -> None:
    """It holds its own part of what a measure needs."""
    demands = (*wants((MARCH, 5)), *wants((MARCH, 9999), pool="other"))
    draft, _ = reserve(pool, "spring", demands, hard=True, at=now, command="c")
    assert draft is not None
    assert draft.body["amounts"] == {MARCH: 5}


def test_dropping_frees_and_dropping_nothing_writes_nothing(
    pool: PoolState, hold: Any, now: datetime
) -> None:
    """What is dropped is free again."""
    pool, _ = hold(pool, "spring", (MARCH, 60))
    draft = drop_reservation(pool, "spring", "cancelled", now, "c")
    assert draft is not None
    pool = fold_pool(pool, draft)
    assert pool.held(MARCH) == 0
    assert drop_reservation(pool, "spring", "cancelled", now, "c") is None


def test_only_the_owner_reports_and_only_what_is_not_over(pool: PoolState, now: datetime) -> None:
    """A running period may still be reported, a past one not."""

    def code(by: str, period: str) -> str:
        with pytest.raises(RefusedError) as refusal:
            report_capacity(pool, period, 5, by, now, "c")
        return refusal.value.code

    assert code("olga", MARCH) == "not-entitled"
    assert code("rex", MARCH) == "not-entitled"
    assert code("kim", "2030") == "period-is-past"
    assert code("kim", "2031-W01") == "period-is-past"
    after = fold_pool(pool, report_capacity(pool, "2031-01", 5, "kim", now, "c"))
    assert after.capacity["2031-01"].amount == 5


def test_a_report_dates_the_capacity_anew(pool: PoolState, now: datetime) -> None:
    """The same amount again is news: it is fresh."""
    later = now + timedelta(days=3)
    after = fold_pool(pool, report_capacity(pool, MARCH, 100, "kim", later, "c"))
    assert after.capacity[MARCH].at == later
    assert after.capacity[APRIL].at == now


def test_a_changed_document_changes_only_what_it_states_anew(
    pool: PoolState, now: datetime, directory: Callable[..., Directory]
) -> None:
    """What was reported since stays where the document says the same as before."""
    later = now + timedelta(days=1)
    pool = fold_pool(pool, report_capacity(pool, MARCH, 80, "kim", later, "c"))
    newer, known = _pool(**{MARCH: 100, APRIL: 70}), directory()
    draft = change_pool(pool, newer, "operator", known, later, "d")
    assert draft is not None
    pool = fold_pool(pool, draft)
    assert (pool.capacity[MARCH].amount, pool.capacity[APRIL].amount) == (80, 70)
    assert change_pool(pool, newer, "operator", known, later, "e") is None


def test_a_period_taken_out_of_the_document_is_gone(
    pool: PoolState, hold: Any, now: datetime, directory: Callable[..., Directory]
) -> None:
    """Who holds it loses it, and is told as with a reduction; stated again it is covered again."""
    pool, _ = hold(pool, "spring", (MARCH, 60))
    without = _pool(**{APRIL: 50})
    draft = change_pool(pool, without, "operator", directory(), now, "c")
    assert draft is not None
    assert draft.body["withdrawn"] == [MARCH]
    assert draft.body["uncovered"] == [
        {"measure": "spring", "period": MARCH, "held": 60, "covered": 0}
    ]
    after = fold_pool(pool, draft)
    assert (MARCH in after.capacity, after.covered("spring", MARCH)) == (False, 0)
    assert after.free_for("other", MARCH) is None
    [seen] = [one for one in view_of(after, now).periods if one.period == MARCH]
    assert [(share.measure, share.covered) for share in seen.shares] == [("spring", 0)]
    again = fold_pool(after, report_capacity(after, MARCH, 60, "kim", now, "d"))
    assert again.covered("spring", MARCH) == 60
    assert again.overcommitted() == []


def test_what_was_reported_since_stays_without_the_document(
    pool: PoolState, now: datetime, directory: Callable[..., Directory]
) -> None:
    """It is another statement than the document's."""
    pool = fold_pool(pool, report_capacity(pool, MARCH, 80, "kim", now, "c"))
    draft = change_pool(pool, _pool(**{APRIL: 50}), "operator", directory(), now, "d")
    assert draft is not None
    assert fold_pool(pool, draft).capacity[MARCH].amount == 80


def test_what_a_wider_period_still_states_is_covered(
    pool: PoolState, hold: Any, now: datetime, directory: Callable[..., Directory]
) -> None:
    """Without the month only the year bounds what is held in it."""
    wide = change_pool(pool, _pool(**{MARCH: 100, "2031": 60}), "kim", directory(), now, "c")
    assert wide is not None
    pool, _ = hold(fold_pool(pool, wide), "spring", (MARCH, 60))
    draft = change_pool(pool, _pool(**{"2031": 60}), "kim", directory(), now, "d")
    assert draft is not None
    assert "uncovered" not in draft.body
    assert fold_pool(pool, draft).covered("spring", MARCH) == 60


def test_only_its_owner_and_administrators_change_a_pool(
    pool: PoolState, now: datetime, directory: Callable[..., Directory]
) -> None:
    """The present owner, not whom the new document names."""
    newer = _pool(**{MARCH: 999}).model_copy(update={"owner": "olga"})
    for by, code in (("olga", "not-entitled"), ("ghost", "unknown-person")):
        with pytest.raises(RefusedError) as caught:
            change_pool(pool, newer, by, directory(), now, "c")
        assert caught.value.code == code
    for by in ("kim", "rex", "operator"):
        assert change_pool(pool, newer, by, directory(), now, "c")


def test_the_unit_stays_while_amounts_in_it_are_held(
    pool: PoolState, hold: Any, now: datetime, directory: Callable[..., Directory]
) -> None:
    """Who holds 60 checks never holds 60 hours because a document was changed."""
    other = pool.pool.model_copy(update={"unit": "hours"})
    assert change_pool(pool, other, "operator", directory(), now, "c")
    for hard in (True, False):
        used, _ = hold(pool, "spring", (MARCH, 60), hard=hard)
        with pytest.raises(RefusedError, match="for spring are in checks") as caught:
            change_pool(used, other, "operator", directory(), now, "c")
        assert caught.value.code == "unit-in-use"


def test_a_pool_begins_with_its_opening(pool: PoolState, now: datetime) -> None:
    """Nothing else comes first, and nothing of a measure comes at all."""
    draft = report_capacity(pool, MARCH, 5, "kim", now, "c")
    with pytest.raises(ValueError, match="begins with"):
        fold_pool(None, draft)
    with pytest.raises(ValueError, match="does not belong"):
        fold_pool(pool, draft.model_copy(update={"kind": "hold_placed"}))


def test_state_survives_json(pool: PoolState, hold: Any) -> None:
    """As the ledger keeps it."""
    pool, _ = hold(pool, "spring", (MARCH, 60.5))
    assert PoolState.model_validate_json(pool.model_dump_json(), strict=False) == pool


def test_drafts_are_numbered_without_gaps(pool: PoolState, hold: Any, now: datetime) -> None:
    """Each stands behind the last one folded."""
    pool, _ = hold(pool, "spring", (MARCH, 60))
    draft: Draft = report_capacity(pool, MARCH, 5, "kim", now, "c")
    assert (draft.stream, draft.number) == ("pool:kyc", 3)


def test_a_request_that_left_several_entries_is_remembered_once(
    pool: PoolState, now: datetime
) -> None:
    """It pushes no other out before its time; and an entry that leaves a gap is refused."""
    first = report_capacity(pool, MARCH, 90, "kim", now, "both")
    assert first is not None
    once = fold_pool(pool, first)
    second = report_capacity(once, APRIL, 40, "kim", now, "both")
    assert second is not None
    assert fold_pool(once, second).commands == ("open", "both")
    with pytest.raises(ValueError, match="entry 3 cannot follow entry 1"):
        fold_pool(pool, second)
