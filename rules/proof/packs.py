"""The proof of packs: every gate of a lifecycle, on every day on which its rules change."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from measures.lifecycle import Lifecycle
from rules.proof.claims import Claim, claim
from rules.proof.gates import GateProof, days_of_change, enforced_at, frozen_before
from rules.proof.reach import reach_claims
from rules.schema import Pack


def prove_packs(packs: Sequence[Pack], lifecycle: Lifecycle, today: date) -> Iterator[Claim]:
    """Yields every claim about a lifecycle under packs that judge together.

    Args:
        packs: the packs; those of other lifecycles are left aside.
        today: the first day that matters.
    """
    opens: dict[str, bool | None] = {}
    for day in days_of_change(packs, today):
        for gate in lifecycle.gates:
            later = day != today
            if later and not _changes(packs, lifecycle, gate, day):
                continue
            proof = GateProof(lifecycle, gate, packs, day, opens=opens)
            if later:
                yield from _change(proof, opens.get(gate), day)
            else:
                yield from proof.claims()
                yield from _opens_later(packs, lifecycle, proof, today)
                opens[gate] = proof.opens
    yield from reach_claims(lifecycle, opens, today)


def _changes(packs: Sequence[Pack], lifecycle: Lifecycle, gate: str, day: date) -> bool:
    """Tells whether other rules than the day before decide whether a gate can open."""
    before = day - timedelta(days=1)
    return any(
        enforced_at(packs, lifecycle, one, day) != enforced_at(packs, lifecycle, one, before)
        for one in (gate, *frozen_before(lifecycle, gate))
    )


def _change(proof: GateProof, opened: bool | None, day: date) -> Iterator[Claim]:
    """Yields what becomes worse on a later day; what is the same has been said for today."""
    for one in proof.can_open():
        if one.outcome in ("defect", "not-proved") and opened:
            text = f"from {day} on: {one.text}"
            yield one.model_copy(update={"name": "gate-stays-open", "text": text})


def _opens_later(
    packs: Sequence[Pack], lifecycle: Lifecycle, proof: GateProof, today: date
) -> Iterator[Claim]:
    """Notes from when on a gate without rules has some."""
    if proof.rules:
        return
    for day in days_of_change(packs, today)[1:]:
        rules = enforced_at(packs, lifecycle, proof.gate, day)
        if rules:
            text = f"its first rule is enforced from {day} on; until then the gate stays shut"
            yield claim("gate-can-open", proof.gate, "note", text, rules)
            return
