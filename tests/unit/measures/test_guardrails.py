"""Guardrails: a running campaign that breaches one stops by itself, and goes on by a person."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from measures.decisions import refuse_launch
from measures.delivery import Delivery, acquisition_cost
from measures.errors import RefusedError
from measures.permits import Permit
from measures.plan import Guardrail, Kpi
from measures.status import status_of

COST = {
    "id": "cac", "title": "Acquisition cost", "unit": "EUR", "baseline": 50, "target": 50,
    "owner": "kim", "cadence": "weekly", "formula": "acquisition-cost",
    "guardrail": {"over_baseline": 0.4, "on_breach": "pause", "from_spent": 1000},
}  # fmt: skip
CHURN = {
    "id": "churn", "title": "Churn", "unit": "%", "baseline": 5, "target": 4, "owner": "kim",
    "cadence": "monthly", "guardrail": {"at_most": 5, "at_least": 1, "on_breach": "pause"},
}  # fmt: skip


@pytest.fixture
def running(live: Callable[..., Any]) -> Any:
    """A life whose campaign has a permit."""
    life = live(kpis=[COST, CHURN])
    permit = Permit(by="olga", at=life.now, pack_digest="a" * 64, facts_digest="b" * 64,
                    id="spring#9", number=9, expires_at=life.now + timedelta(days=1))  # fmt: skip
    life.state = life.state.model_copy(update={"permit": permit, "launched_at": life.now})
    return life


def delivered(life: Any, spent: float, completed: float) -> list[str]:
    """Reports what the campaign has brought; returns what was written."""
    drafts = life.report("kim", delivery={"spent": spent, "completed": completed})
    return [draft.kind for draft in drafts]


PAUSED = ["reported", "guardrail_breached", "hold_placed", "permit_revoked"]


def test_a_cost_40_per_cent_over_the_baseline_pauses(running: Any) -> None:
    """70 is just fine, one cent more is not; the numbers are in the entry."""
    assert delivered(running, 7_000, 100) == ["reported"]
    assert delivered(running, 14_002, 200) == PAUSED
    breached = running.entries[-3]
    assert breached.by == "engine"
    assert breached.body["value"] == 70.01
    assert (breached.body["limit"], breached.body["baseline"]) == (70, 50)
    assert (breached.body["spent"], breached.body["completed"]) == (14_002, 200)
    assert running.entries[-1].body["why"] == "guardrail"
    state = running.state
    assert (state.permit, state.campaign_wanted) == (None, "held")
    assert state.on_hold.reason == (
        "guardrail cac: Acquisition cost is 70.01, above 70 (+40% on its baseline 50):"
        " 14,002 spent for 200 completed onboardings"
    )
    assert status_of(state, running.now).breach == state.breach


def test_it_goes_on_by_a_person_with_a_reason_and_counts_anew(running: Any) -> None:
    """What was spent before would stop it again at once."""
    delivered(running, 14_002, 200)
    with pytest.raises(RefusedError) as refused:
        running.side("resume", "olga", "  ")
    assert refused.value.code == "no-reason"
    permit = Permit(by="olga", at=running.now, pack_digest="a" * 64, facts_digest="b" * 64)
    running.side("resume", "olga", "creative replaced")
    assert (running.state.breach, running.state.on_hold) == (None, None)
    running.state = running.state.model_copy(update={"permit": permit})
    assert delivered(running, 15_000, 200) == ["reported"], "998 since is too little to tell"
    assert delivered(running, 16_002, 230) == ["reported"]
    assert delivered(running, 17_002, 240) == PAUSED


def test_before_the_first_onboarding_it_costs_at_least_what_was_spent(running: Any) -> None:
    """Money without any result does not go on for ever, nor does one click stop it."""
    assert delivered(running, 999, 0) == ["reported"]
    assert delivered(running, 1_000, 0) == PAUSED


@pytest.mark.parametrize(("value", "bound"), [(5.1, "at_most"), (0.9, "at_least")])
def test_any_kpi_may_pause(running: Any, value: float, bound: str) -> None:
    """As soon as it is reported."""
    running.report("kim", kpi={"id": "churn", "period": "2030-12", "value": value})
    assert running.state.breach.bound == bound
    assert [entry.kind for entry in running.entries[-4:]] == PAUSED


def test_what_does_not_run_is_not_paused(running: Any) -> None:
    """There is nothing to stop; the rules of the gates look at it."""
    running.state = running.state.model_copy(update={"permit": None})
    assert delivered(running, 90_000, 1) == ["reported"]
    running.report("kim", kpi={"id": "churn", "period": "2030-12", "value": 9})
    assert running.state.on_hold is None


def test_a_guardrail_that_only_reports_pauses_nothing(live: Callable[..., Any]) -> None:
    """As before there was anything else."""
    life = live()
    permit = Permit(by="olga", at=life.now, pack_digest="a" * 64, facts_digest="b" * 64)
    life.state = life.state.model_copy(update={"permit": permit})
    life.report("kim", kpi={"id": "churn", "period": "2030-12", "value": 9})
    assert life.state.permit == permit


@pytest.mark.parametrize(
    ("delivery", "why"),
    [
        ({"spent": 250_000, "completed": 9_000}, "budget-spent"),
        ({"spent": 1_000, "completed": 900, "reached": 13_000}, "volume-spent"),
    ],
)
def test_what_is_used_up_ends_the_permit_for_good(
    live: Callable[..., Any], delivery: dict[str, Any], why: str
) -> None:
    """Without a hold: it came to its end as planned, and needs a new plan for more."""
    plan = {"connector": "memory", "ref": "CMP-1", "launch_on": "2031-03-02",
            "ends_on": "2031-03-31", "budget": 250_000, "volume": 13_000}  # fmt: skip
    life = live(kpis=[COST], campaign=plan)
    life.reach("decided")
    permit = Permit(by="olga", at=life.now, pack_digest="a" * 64, facts_digest="b" * 64)
    life.state = life.state.model_copy(update={"permit": permit, "launched_at": life.now})
    assert delivered(life, 249_999, 9_000) == ["reported"]
    life.report("kim", delivery=delivery)
    assert (life.entries[-1].kind, life.entries[-1].body["why"]) == ("permit_revoked", why)
    assert (life.state.permit, life.state.on_hold) == (None, None)
    with pytest.raises(RefusedError) as refused:
        refuse_launch(life.state, life.directory, "olga", life.now)
    assert refused.value.code == why


def test_nothing_is_delivered_before_a_launch(live: Callable[..., Any]) -> None:
    """Nor without a campaign."""
    for life, code in ((live(), "too-early"), (live(campaign=None), "no-campaign")):
        with pytest.raises(RefusedError) as refused:
            delivered(life, 1, 1)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "fields",
    [{"guardrail": {"over_baseline": 0.4}, "baseline": None},
     {"guardrail": {"over_baseline": 0.4}, "baseline": 0},
     {"guardrail": {"over_baseline": -0.1}}, {"guardrail": {"on_breach": "pause"}},
     {"guardrail": {"over_baseline": float("nan")}}, {"formula": "cost"}],
)  # fmt: skip
def test_a_guardrail_that_says_nothing_is_refused(fields: dict[str, Any]) -> None:
    """It would never hold, or always."""
    with pytest.raises(ValidationError):
        Kpi.model_validate({"id": "cac", "title": "Cost", "baseline": 50, **fields})


def test_documents_from_before_keep_their_digest() -> None:
    """The new fields are left out where nobody wrote them."""
    kpi = Kpi(id="cac", title="Cost", baseline=50, guardrail=Guardrail(at_most=55))
    assert set(kpi.model_dump()["guardrail"]) == {"at_most", "at_least", "periods"}
    assert "formula" not in kpi.model_dump()


@given(
    amounts=st.lists(st.tuples(st.floats(0, 1e15), st.integers(0, 10**15)), min_size=1, max_size=5),
    since=st.booleans(),
)
def test_a_cost_is_never_negative_and_always_finite(
    amounts: list[tuple[float, int]], since: bool, now: Any
) -> None:
    """Whatever is corrected in which direction."""
    made = [Delivery(spent=s, completed=c, at=now, by="kim") for s, c in amounts]
    cost = acquisition_cost(made[-1], made[0] if since else None)
    assert 0 <= cost <= made[-1].spent + 1
