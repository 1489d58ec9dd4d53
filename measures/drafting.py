"""Writing the next entries of a measure's life."""

from datetime import datetime

from measures.entry import measure_stream
from measures.folding import fold_measure
from measures.permits import Permit, Why
from measures.state import MeasureState
from measures.stream_drafting import StreamDrafting


class Drafting(StreamDrafting[MeasureState]):
    """Collects drafts of one command about a measure."""

    def __init__(self, state: MeasureState, *, by: str, at: datetime, command: str) -> None:
        stream = measure_stream(state.id)
        super().__init__(stream, state, fold_measure, by=by, at=at, command=command)

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
