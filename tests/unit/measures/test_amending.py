"""Setting single fields of a plan by path."""

from collections.abc import Callable
from typing import Any

import pytest

from measures.amending import changed_fields, set_fields
from measures.errors import RefusedError
from measures.plan import Measure


@pytest.mark.parametrize(
    ("path", "value", "look"),
    [
        ("title", "Autumn", lambda plan: plan.title),
        ("finance.plan.ebitda", 2000, lambda plan: plan.finance.plan["ebitda"]),
        ("finance.plan.savings", 5, lambda plan: plan.finance.plan["savings"]),
        ("kpis.churn.target", 3.5, lambda plan: plan.kpis[0].target),
        ("kpis.0.target", 3, lambda plan: plan.kpis[0].target),
        ("demands.kyc/2031-03.amount", 80, lambda plan: plan.demands[0].amount),
        ("steering_committee.0", "vera", lambda plan: plan.steering_committee[0]),
        ("demands.0.amount", 7, lambda plan: plan.demands[0].amount),
        ("lead_times.web site.days", 7, lambda plan: plan.lead_times[0].days),
        ("lead_times.1.days", 7, lambda plan: plan.lead_times[1].days),
        ("dependencies.base.stage", "decided", lambda plan: plan.dependencies[0].stage),
    ],
)
def test_a_path_leads_by_names_ids_and_places(
    plan: Callable[..., Measure], path: str, value: Any, look: Callable[[Any], Any]
) -> None:
    """List items are found by their id or their place."""
    before = plan(
        steering_committee=["tom", "uma"],
        lead_times=[{"item": "web site", "days": 3}, {"item": "print v1.2", "days": 4}],
        dependencies=[{"measure": "base"}],
    )
    after = set_fields(before, {path: value})
    assert look(after) == value
    assert changed_fields(before, after) == (path.partition(".")[0],)


def test_whole_parts_can_be_set(plan: Callable[..., Measure]) -> None:
    """Also what was empty, and back to empty."""
    after = set_fields(plan(campaign=None), {"finance": None, "risks": ["late"]})
    assert after.finance is None
    assert after.risks == ("late",)


@pytest.mark.parametrize(
    ("path", "value", "code", "words"),
    [
        ("finanze.plan", 1, "unknown-field", "did you mean 'finance'"),
        ("titel", "x", "unknown-field", "did you mean 'title'"),
        ("kpis.chrun.target", 1, "unknown-field", "did you mean 'churn'"),
        ("kpis.churn.targget", 1, "unknown-field", "did you mean 'target'"),
        ("kpis.9.target", 1, "unknown-field", "churn"),
        ("kpis.².target", 1, "unknown-field", "churn"),
        ("kpis.-1.target", 1, "unknown-field", "churn"),
        ("demands.kyc.amount", 1, "unknown-field", "demands"),
        ("title.x", 1, "unknown-field", "plain value"),
        ("title.x.y", 1, "unknown-field", "plain value"),
        ("scope.", 1, "unknown-field", "plain value"),
        ("", 1, "unknown-field", ""),
        ("...", 1, "unknown-field", ""),
        ("kpis", 5, "invalid-value", "kpis"),
        ("title", "", "invalid-value", "title"),
        ("kpis.churn.target", "much", "invalid-value", "target"),
        ("kpis.churn.target", float("nan"), "invalid-value", ""),
        ("kpis.churn.target", 10**400, "invalid-value", "target"),
        ("kpis.churn.guardrail", {}, "invalid-value", "at_most, at_least or over_baseline"),
        ("milestones", [{"id": "live"}], "invalid-value", "title"),
        ("demands.0.period", "2031-13", "invalid-value", "period"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_hint(
    plan: Callable[..., Measure], path: str, value: Any, code: str, words: str
) -> None:
    """Never another error: whatever is asked, the workflow must be able to answer."""
    with pytest.raises(RefusedError) as refusal:
        set_fields(plan(), {path: value})
    assert refusal.value.code == code
    assert words in refusal.value.message
    assert "spring" in refusal.value.message


def test_a_number_that_is_none_is_told_once(plan: Callable[..., Measure]) -> None:
    """And by its place, not by the types that it might have."""
    with pytest.raises(RefusedError) as refusal:
        set_fields(plan(), {"kpis.churn.target": "much"})
    assert refusal.value.message.endswith(".target: Input should be a valid number")
    assert "integer" not in refusal.value.message


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("lead_times.stand.days", "there is: web site, 1, 2, 3"),
        ("lead_times.print v1.2.days", "there is: web site, 1, 2, 3"),
        ("lead_times.web sit.days", "did you mean 'web site'"),
        ("lead_times.photos.days", "names several; address one by its place: 2, 3"),
        ("steering_committee.zoe", "there is: 0, 1"),
        ("promises.x.text", "there is: nothing"),
    ],
)
def test_an_unknown_item_says_what_can_be_addressed(
    plan: Callable[..., Measure], path: str, words: str
) -> None:
    """By its name where a path can lead through it, else by its place."""
    leads = ["web site", "print v1.2", "photos", "photos"]
    before = plan(
        lead_times=[{"item": item, "days": 3} for item in leads],
        steering_committee=["tom", "uma"],
        promises=[],
    )
    with pytest.raises(RefusedError) as refusal:
        set_fields(before, {path: 5})
    assert words in refusal.value.message


def test_what_is_empty_must_be_set_whole(plan: Callable[..., Measure]) -> None:
    """A path through nothing says how to go on."""
    with pytest.raises(RefusedError, match="set it whole"):
        set_fields(plan(campaign=None), {"campaign.budget": 5})


def test_the_plan_that_was_given_stays_as_it_was(plan: Callable[..., Measure]) -> None:
    """Setting makes a new plan."""
    before = plan()
    set_fields(before, {"kpis.churn.target": 1})
    assert before == plan()
