"""The typed, finite, dated statements that rules judge.

A field that may be unknown is Optional and left out when unknown: a rule that needs it is then
inconclusive, never accidentally true.
"""

from collections.abc import Iterable

from measures.digest import digest
from measures.facts.base import FactBase
from measures.facts.campaign import (
    AudienceConflictFact,
    BlackoutFact,
    CampaignFact,
    LaunchFact,
    RampFact,
)
from measures.facts.capacity import DemandFact, OfferFact, ReservationFact, SurgeFact, WaitFact
from measures.facts.measure import (
    ClockFact,
    CommitmentFact,
    DependencyFact,
    EvidenceFact,
    FinanceFact,
    KpiFact,
    LeadTimeFact,
    LinkFact,
    MeasureFact,
    MilestoneFact,
    PromiseFact,
    SignOffFact,
)

Fact = (
    ClockFact
    | MeasureFact
    | KpiFact
    | DemandFact
    | SurgeFact
    | WaitFact
    | OfferFact
    | ReservationFact
    | MilestoneFact
    | CommitmentFact
    | LeadTimeFact
    | PromiseFact
    | FinanceFact
    | SignOffFact
    | DependencyFact
    | LinkFact
    | CampaignFact
    | EvidenceFact
    | LaunchFact
    | RampFact
    | BlackoutFact
    | AudienceConflictFact
)
"""Anything that a rule can look at."""

FACT_KINDS: dict[str, type[Fact]] = {
    model.model_fields["kind"].default: model
    for model in (
        ClockFact,
        MeasureFact,
        KpiFact,
        DemandFact,
        SurgeFact,
        WaitFact,
        OfferFact,
        ReservationFact,
        MilestoneFact,
        CommitmentFact,
        LeadTimeFact,
        PromiseFact,
        FinanceFact,
        SignOffFact,
        DependencyFact,
        LinkFact,
        CampaignFact,
        EvidenceFact,
        LaunchFact,
        RampFact,
        BlackoutFact,
        AudienceConflictFact,
    )
}
"""The schema that conditions are type-checked against: kind to model."""


def facts_digest(facts: Iterable[Fact]) -> str:
    """Returns the content address of facts in the order in which they were given."""
    return digest([fact.model_dump(mode="json") for fact in facts])


__all__ = [
    "FACT_KINDS",
    "AudienceConflictFact",
    "BlackoutFact",
    "CampaignFact",
    "ClockFact",
    "CommitmentFact",
    "DemandFact",
    "DependencyFact",
    "EvidenceFact",
    "Fact",
    "FactBase",
    "FinanceFact",
    "KpiFact",
    "LaunchFact",
    "LeadTimeFact",
    "LinkFact",
    "MeasureFact",
    "MilestoneFact",
    "OfferFact",
    "PromiseFact",
    "RampFact",
    "ReservationFact",
    "SignOffFact",
    "SurgeFact",
    "WaitFact",
    "facts_digest",
]
