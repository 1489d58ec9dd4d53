"""The answer to a request: accepted or refused, and where the measure stands now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from measures.entry import Draft
from measures.errors import RefusedError
from measures.model import Moment, Stored
from measures.state import MeasureState
from measures.status import Reason, reasons_of, seen_by_rule
from measures.verdict import Proposal, Verdict, Waived


class Refusal(Stored):
    """Why a request can never work as it was asked."""

    code: str
    message: str

    @classmethod
    def of(cls, error: RefusedError) -> Self:
        """Returns what an error says, as it is told to workflows."""
        return cls(code=error.code, message=error.message)


class Answer(Stored):
    """What the asker gets back; the field names are the scenario format's.

    Attributes:
        refused: the error code, empty when accepted.
        verdict: the answer of the gate, for requests that are judged.
        blockers: ids of the rules that hold the gate, each once.
        waived: the blockers that waivers set aside in that answer.
        waiver: the id of the waiver that this request gave; empty when it gave none.
        waiver_until: when that waiver ends.
        voided: sign-offs that this request made void.
        permit: ``granted`` or ``denied``, for launch requests.
        permit_id, permit_token, permit_until: of a granted permit its name, the signed text and
            from when it no longer stands.
        reservations: what the pools hold hard for the measure now.
        freed_for: other measures that moved because of this request.
    """

    measure: str
    accepted: bool
    refused: str = ""
    message: str = ""
    verdict: str = ""
    gate: str = ""
    stage: str = ""
    on_hold: bool = False
    blockers: tuple[str, ...] = ()
    seen: dict[str, dict[str, Any]] = {}
    unblock: tuple[Proposal, ...] = ()
    no_remedy: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    waiting_for: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    waived: tuple[Waived, ...] = ()
    waiver: str = ""
    waiver_until: Moment | None = None
    voided: tuple[str, ...] = ()
    permit: str = ""
    permit_id: str = ""
    permit_token: str = ""
    permit_until: Moment | None = None
    reservations: dict[str, dict[str, float | int]] = {}
    freed_for: tuple[str, ...] = ()
    number: int = 0


def refused(state: MeasureState, refusal: Refusal, *, launch: bool = False) -> Answer:
    """Returns the answer to a request that was refused."""
    waiting = state.request
    return Answer(
        measure=state.id,
        accepted=False,
        refused=refusal.code,
        message=refusal.message,
        stage=state.stage,
        on_hold=state.on_hold is not None and not state.ended,
        blockers=waiting.verdict.blocking_rules if waiting else (),
        permit="denied" if launch else "",
        reservations=state.reserved.amounts if state.reserved.hard else {},
        number=state.number,
    )


def accepted(state: MeasureState, entries: Sequence[Draft], verdict: Verdict | None) -> Answer:
    """Returns the answer to a request that was taken.

    Args:
        state: the measure after everything that the request led to.
        entries: what the request wrote.
        verdict: what the gate answered, where one was asked.
    """
    voided = [name for e in entries if e.kind == "sign_offs_voided" for name in e.body["voided"]]
    permit = ""
    standing = None
    if any(e.kind == "permit_granted" for e in entries):
        standing = state.permit
        permit = "granted"
    elif any(e.kind == "permit_denied" for e in entries):
        permit = "denied"
    waiting = state.request
    given = next((e.body for e in entries if e.kind == "blocker_waived"), {})
    return Answer(
        measure=state.id,
        accepted=True,
        verdict=verdict.verdict if verdict else "",
        gate=verdict.gate if verdict else "",
        stage=state.stage,
        on_hold=state.on_hold is not None and not state.ended,
        blockers=verdict.blocking_rules if verdict else (),
        seen=seen_by_rule(verdict) if verdict else {},
        unblock=verdict.unblock if verdict else (),
        no_remedy=verdict.no_remedy if verdict else (),
        reasons=reasons_of(state, verdict) if verdict else (),
        waiting_for=waiting.waiting_for if waiting else (),
        warnings=tuple(b.rule for b in verdict.warnings) if verdict else (),
        waived=verdict.waived if verdict else (),
        waiver=given.get("id", ""),
        waiver_until=datetime.fromisoformat(given["until"]) if given else None,
        voided=tuple(voided),
        permit=permit,
        permit_id=standing.id if standing else "",
        permit_token=standing.token if standing else "",
        permit_until=standing.expires_at if standing else None,
        reservations=state.reserved.amounts if state.reserved.hard else {},
        number=state.number,
    )
