"""How demands and the surges that they bring move together when one of them changes."""

from collections.abc import Sequence
from typing import Any

from measures.facts import DemandFact, Fact, SurgeFact
from measures.needs import as_stated


def demand_behind(facts: Sequence[Fact], surge: SurgeFact) -> DemandFact | None:
    """Returns the demand that brings a surge: that on its pool, else the only one of the period.

    Returns:
        None when several demands may bring it and nobody can say which of them is to change.
    """
    demands = [one for one in facts if isinstance(one, DemandFact) and one.period == surge.period]
    own = [one for one in demands if one.pool == surge.pool]
    found = own or (demands if len(demands) == 1 else [])
    return found[0] if found else None


def stated_for(demand: DemandFact, surge: SurgeFact | None, value: float) -> float | int:
    """Returns what the plan must state so that a demand, or the surge it brings, gets a value."""
    if surge is not None:
        return as_stated(value, demand.stated or demand.amount, surge.needed)
    return as_stated(value, demand.stated, demand.amount if demand.stated is not None else None)


def moved_with(
    facts: Sequence[Fact], fact: Fact, field: str, value: Any
) -> dict[int, dict[str, Any]]:
    """Returns what other facts say once a demand or a surge has changed, by their places.

    What arrives anywhere grows in proportion to what is stated.
    """
    if isinstance(fact, SurgeFact) and field == "needed":
        demand, before = demand_behind(facts, fact), fact.needed
    elif isinstance(fact, DemandFact) and field == "amount":
        demand, before = fact, fact.amount or 0
    else:
        return {}
    if demand is None or not before:
        return {}

    def moved(amount: float) -> float:
        # Not through the proportion where it is the same amount: it must not miss by a hair.
        wanted = float(value)
        return wanted if amount == before else amount * wanted / before

    changes: dict[int, dict[str, Any]] = {}
    for place, one in enumerate(facts):
        if one is demand and demand.amount is not None:
            changes[place] = {"amount": moved(demand.amount)}
        elif isinstance(one, SurgeFact) and demand_behind(facts, one) is demand:
            changes[place] = {"needed": moved(one.needed)}
    return changes
