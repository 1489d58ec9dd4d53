"""What Temporal's own pages show of a measure and a pool."""

from datetime import UTC, datetime

from measures.decisions import define
from measures.documents import Pool
from measures.folding import fold_measure
from measures.lifecycle import DOI
from measures.plan import Demand, Measure
from measures.pool import fold_pool, open_pool, reserve
from measures.state import MeasureState, Pause, Request
from measures.verdict import Blocker, Verdict
from workflows.describing import details_of, pool_details_of, summary_of

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


def state(blockers: int = 0) -> MeasureState:
    """A measure, waiting for as many things."""
    plan = Measure(id="spring", title="Spring", type="campaign", package="media")
    begun = fold_measure(None, define(plan, DOI, by="x", at=NOW, command="c"))
    if not blockers:
        return begun
    verdict = Verdict(
        gate="decided",
        verdict="block",
        blockers=tuple(
            Blocker(rule=f"decided.r{n}", answer="block", message=f"reason {n}")
            for n in range(blockers)
        ),
        pack_digest="",
        facts_digest="",
        at=NOW,
    )
    request = Request(gate="decided", by="olga", at=NOW, verdict=verdict, waiting_for=("kim",))
    return begun.model_copy(update={"request": request})


def test_a_summary_is_one_short_line() -> None:
    """Title and id, cut where a list would be."""
    assert summary_of("Spring", "spring") == "Spring (spring)"
    assert len(summary_of("x" * 500, "spring")) == 200


def test_details_name_stage_and_blockers() -> None:
    """Whoever looks sees why it waits, and for whom."""
    shown = details_of(state(blockers=2))
    assert "**Spring** is **defined**" in shown
    assert "waits at gate **decided** since 2031-01-12, block, for kim:" in shown
    assert "- `decided.r0` reason 0" in shown
    assert "- `decided.r1` reason 1" in shown


def test_details_stay_short() -> None:
    """Twenty reasons are enough for a page; what is on hold or cancelled says so."""
    assert details_of(state(blockers=50)).count("\n- ") == 20
    pause = Pause(reason="budget", by="olga", at=NOW)
    assert "on hold since 2031-01-12: budget" in details_of(
        state().model_copy(update={"on_hold": pause})
    )
    assert "cancelled by olga: budget" in details_of(
        state().model_copy(update={"cancelled": pause})
    )


def test_a_pool_shows_what_is_held() -> None:
    """Per period, of how much."""
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={"2031-03": 13000})
    opened = fold_pool(None, open_pool(pool, "x", NOW, "c"))
    demand = Demand(pool="kyc", period="2031-03", amount=11000)
    draft, _ = reserve(opened, "spring", (demand,), hard=True, at=NOW, command="r")
    assert draft is not None
    assert "- 2031-03: 11,000 held of 13,000" in pool_details_of(fold_pool(opened, draft))
