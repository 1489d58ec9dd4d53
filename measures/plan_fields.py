"""Which field of a plan a fact states, so that changing the fact can be asked for by `amend`."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from measures.facts import CampaignFact, DemandFact, Fact, LeadTimeFact, SurgeFact
from measures.model import Model
from measures.plan import (
    Campaign,
    Commitment,
    Demand,
    Dependency,
    Kpi,
    LeadTime,
    Measure,
    Milestone,
    Promise,
)
from measures.plan_loads import demand_behind, stated_for

LAUNCH = "campaign.launch_on"
"""From which the slack of every lead time is counted."""
ENDS = "campaign.ends_on"
"""Until which a campaign may run."""
DAYS = frozenset({LAUNCH, ENDS})
"""What other facts than the one that is amended depend on."""

_DOCUMENTS: dict[str, tuple[str, type[Model]]] = {
    "measure": ("", Measure),
    "campaign": ("campaign", Campaign),
    "kpi": ("kpis", Kpi),
    "demand": ("demands", Demand),
    "milestone": ("milestones", Milestone),
    "commitment": ("commitments", Commitment),
    "lead_time": ("lead_times", LeadTime),
    "promise": ("promises", Promise),
    "dependency": ("dependencies", Dependency),
}
"""Where the plan keeps what a kind of fact states."""

_NAMED_OTHERWISE = {
    ("kpi", "name"): "title",
    ("kpi", "has_baseline"): "baseline",
    ("kpi", "has_target"): "target",
    ("milestone", "has_due"): "due",
    ("commitment", "has_due"): "due",
    ("promise", "backed"): "backed_by",
    ("dependency", "wanted"): "stage",
}
_COUNTED = frozenset({("measure", "kpis"), ("measure", "milestones")})
"""Fields of facts that bear the name of what they count."""
_SAID_ONLY = frozenset({"has_baseline", "has_target", "has_due", "backed"})
"""Fields that say whether the plan has a value, not which."""


def path_of(fact: Fact, field: str) -> str | None:
    """Returns the path of the plan field that a field of a fact comes from; None without one."""
    if (fact.kind, field) in _COUNTED or field not in fact.PLANNED:
        return None
    if isinstance(fact, LeadTimeFact) and field in ("slack_days", "launch_on"):
        return LAUNCH
    if fact.kind == "finance":
        return "finance.plan.cost" if field in ("cost", "has_cost") else None
    if (fact.kind, field) == ("measure", "committee_size"):
        return "steering_committee"
    section, document = _DOCUMENTS.get(fact.kind, ("", None))
    name = _NAMED_OTHERWISE.get((fact.kind, field), field)
    if document is None or name not in document.model_fields:
        return None
    if fact.kind in ("measure", "campaign"):
        return f"{section}.{name}".lstrip(".")
    item = "/".join(str(getattr(fact, part)) for part in fact.NAMED_BY)
    # A dot would end the item's name in the middle of it.
    return None if "." in item else f"{section}.{item}.{name}"


def amendment(facts: Sequence[Fact], fact: Fact, field: str, value: Any) -> dict[str, Any]:
    """Returns what to set in the plan, by path, so that a field of a fact gets a value.

    A launch that is moved behind the end of its window takes the window with it.

    Returns:
        Nothing where the plan does not state the value itself.
    """
    if isinstance(fact, SurgeFact):
        demand = demand_behind(facts, fact)
        path = path_of(demand, "amount") if demand and field == "needed" else None
        return {path: stated_for(demand, fact, value)} if path and demand else {}
    path = path_of(fact, field)
    if path is None or field in _SAID_ONLY or field in ("committee_size", "has_cost"):
        return {}
    if isinstance(fact, DemandFact) and field == "amount":
        return {path: stated_for(fact, None, value)}
    if path != LAUNCH:
        return {path: value}
    try:
        return _launch(facts, fact, value if field == "launch_on" else int(value))
    except (ValueError, OverflowError):
        return {}  # no day that a calendar knows


def _launch(facts: Iterable[Fact], fact: Fact, wanted: str | int) -> dict[str, Any]:
    """Returns what to set for a launch on a day, or with so many days of slack."""
    if isinstance(wanted, str):
        day = date.fromisoformat(wanted)
    else:
        assert isinstance(fact, LeadTimeFact)
        day = date.fromisoformat(fact.earliest) + timedelta(days=wanted)
    campaign = next((one for one in facts if isinstance(one, CampaignFact)), None)
    if campaign is None or day <= (ends := date.fromisoformat(campaign.ends_on)):
        return {LAUNCH: day.isoformat()}
    length = ends - date.fromisoformat(campaign.launch_on)
    return {LAUNCH: day.isoformat(), ENDS: (day + length).isoformat()}


def moved_by(fact: Fact, amended: Mapping[str, Any], today: str) -> dict[str, Any]:
    """Returns what a fact says otherwise once the launch or the end of the campaign has moved.

    Args:
        amended: what is set in the plan, by path.
        today: the day of the judgement; empty when it is not known.
    """
    launch = amended.get(LAUNCH)
    if isinstance(fact, LeadTimeFact) and launch is not None:
        try:
            slack = date.fromisoformat(launch) - date.fromisoformat(fact.earliest)
        except ValueError:
            return {"launch_on": launch}
        return {"launch_on": launch, "slack_days": slack.days}
    if isinstance(fact, CampaignFact) and (launch is not None or ENDS in amended):
        first, last = launch or fact.launch_on, amended.get(ENDS, fact.ends_on)
        inside = first <= today <= last if today else fact.inside_window
        return {"launch_on": first, "ends_on": last, "inside_window": inside}
    return {}


def demand_path(plan: Measure, demand: Demand, field: str) -> str:
    """Returns the path of a field of one of a plan's demands."""
    # A dot in the pool's name would end it in the middle of a path; its place never does.
    name = f"{demand.pool}/{demand.period}" if "." not in demand.pool else None
    return f"demands.{name or plan.demands.index(demand)}.{field}"


def amend_command(measure: str, by: str, changes: Mapping[str, Any]) -> str:
    """Writes the command that amends a plan, ready for a shell."""
    sets = " ".join(
        f"--set {shlex.quote(f'{path}={_typed(value)}')}" for path, value in changes.items()
    )
    return f"sluice amend {measure} {sets} --as {by or 'OWNER'}"


def _typed(value: Any) -> str:
    """Writes a value as it is to be typed: JSON, and text without quotes where that is enough."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        read = json.loads(value)
    except ValueError:
        return value
    # A year would be read as a number; a list written out is meant to be read as one.
    return value if isinstance(read, str | list | dict) else json.dumps(value)
