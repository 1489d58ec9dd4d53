"""What the pools can offer a measure that they cannot carry as planned, tried by its rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from console.offers_showing import Left, Offers, TriedOffer
from ledger.store import Ledger
from measures.capacity_facts import asker_of
from measures.directory import Directory
from measures.errors import RefusedError
from measures.judging import waivers_for
from measures.offering import PlanOffer, outlook
from measures.plan_facts import remaining_days
from measures.plan_fields import amend_command
from measures.pool_state import over_on
from measures.rollout import versions_for
from measures.state import MeasureState
from measures.supposing import supposing
from measures.surroundings import Surroundings
from measures.verdict import Blocker
from measures.waivers import covers
from rules.archive import Archive, LostVersionError
from rules.faults import FaultsFound
from rules.loader import packs_in_force
from rules.trying import Trial


def offers_for(
    ledger: Ledger, state: MeasureState, directory: Directory, now: datetime
) -> Offers | None:
    """Returns what the pools can offer a measure now; None when its plan fits or it has ended."""
    if state.ended or state.cancelled is not None or not state.plan.demands:
        return None
    today = now.astimezone(UTC).date()
    if state.frozen and any(over_on(demand.period) <= today for demand in state.plan.demands):
        return None  # what is under way does not move as a block
    around = ledger.surroundings(state)
    waits = [remaining_days(lead, today) for lead in state.plan.lead_times]
    earliest = today + timedelta(days=max(waits, default=0))
    since = asker_of(state, now).since
    found = outlook(
        state.plan, around.pools, now, since, earliest, conversions=directory.conversions
    )
    if found is None:
        return None
    trying = _Trying(ledger, state, directory, around, now)
    tried = (trying.tried(offer) for offer in found.offers)
    return Offers(
        offers=tuple(offer for offer in tried if offer is not None),
        nothing_later=found.nothing_later,
        frozen=f"sluice step-back {state.id} --reason ..." if state.frozen else "",
    )


class _Trying:
    """Tries the offers to one measure by the rules of the gate before it."""

    def __init__(
        self,
        ledger: Ledger,
        state: MeasureState,
        directory: Directory,
        around: Surroundings,
        now: datetime,
    ) -> None:
        self._state = state
        self._now = now
        self._gate = state.request.gate if state.request else state.next_gate or ""
        self._by = state.request.by if state.request else state.plan.owner or ""
        self._trial: Trial | None
        suppose = supposing(state, now, around, directory)
        try:
            newest = packs_in_force(directory.packs)
            versions = versions_for(state, newest)
            archive = Archive(ledger.pack_version)
            packs = archive.packs(versions, newest, state.lifecycle.id)
        except (LostVersionError, FaultsFound):
            self._trial = None  # the verdict says so; what is free is true all the same
        else:
            self._trial = Trial(packs, state.lifecycle, self._gate, suppose, now)

    def tried(self, offer: PlanOffer) -> TriedOffer | None:
        """Returns an offer as the gate would see it; None when the plan could not be set so."""
        try:
            left = self._trial.left(offer.changes) if self._trial else None
        except RefusedError:
            return None
        state = self._state
        command = amend_command(state.id, state.plan.owner or "", offer.changes)
        return TriedOffer(
            **dict(offer),
            command="" if state.frozen else command,
            tried=left is not None,
            left=self._not_waived(left or ()),
        )

    def _not_waived(self, blockers: Sequence[Blocker]) -> tuple[Left, ...]:
        waivers = waivers_for(self._state, self._gate, self._by)
        return tuple(
            Left(rule=one.rule, answer=one.answer, message=one.message)
            for one in blockers
            if not covers(waivers, self._gate, one, self._now)
        )


__all__ = ["offers_for"]
