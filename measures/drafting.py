"""Writing the next entries of a measure's life, each on top of the one before."""

from datetime import datetime
from typing import Any

from measures.entry import Draft, EntryKind, measure_stream
from measures.permits import Permit, Why
from measures.state import MeasureState, fold_measure


class Drafting:
    """Collects drafts of one command; `state` is always what they lead to.

    Nothing is changed outside: the drafts are the result.
    """

    def __init__(self, state: MeasureState, *, by: str, at: datetime, command: str) -> None:
        self.state = state
        self.drafts: list[Draft] = []
        self._by = by
        self._at = at
        self._command = command

    def write(
        self,
        kind: EntryKind,
        body: dict[str, Any],
        *,
        facts_digest: str = "",
        pack_digest: str = "",
    ) -> None:
        """Adds one entry."""
        draft = Draft(
            stream=measure_stream(self.state.id),
            number=self.state.number + 1,
            kind=kind,
            at=self._at,
            by=self._by,
            command=self._command,
            body=body,
            facts_digest=facts_digest,
            pack_digest=pack_digest,
        )
        self.state = fold_measure(self.state, draft)
        self.drafts.append(draft)

    def void_what_changed(self) -> None:
        """Voids the sign-offs whose content is no longer what was signed."""
        voided = [s.name for s in self.state.sign_offs if self._is_stale(s.gate, s.content)]
        if voided:
            self.write("sign_offs_voided", {"voided": voided, "why": "what was signed has changed"})

    def end_permit(self, permit: Permit | None, why: Why, reason: str = "") -> None:
        """Writes that a permit has ended, with what the list of revoked ones needs.

        Args:
            permit: what stood before this command; nothing is written for None.
            why: why, for programs.
            reason: why, for people.
        """
        if permit is None:
            return
        last = permit.last_expiry or permit.expires_at
        self.write(
            "permit_expired" if why == "expired" else "permit_revoked",
            {
                "permit": permit.id,
                "through": permit.number,
                "why": why,
                "reason": reason,
                "until": last.isoformat() if last else None,
            },
        )

    def _is_stale(self, gate: str, content: str) -> bool:
        return self.state.signed_content(gate) != content
