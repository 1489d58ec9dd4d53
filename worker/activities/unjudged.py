"""Requests to a measure that need no judgement: what each leads to."""

from measures import decisions, permitting, waiving
from measures.directory import Directory
from measures.entry import Draft
from measures.judging import notices_due
from measures.model import restore
from measures.requests import (
    AmendInput,
    ReasonInput,
    ReportInput,
    RevokeInput,
    RevokePermitInput,
    WaiveInput,
)
from measures.state import MeasureState, Reserved
from workflows.contract import MeasureAct

_REASONED = {
    "hold": decisions.hold,
    "resume": decisions.resume,
    "cancel": decisions.cancel,
    "step_back": decisions.step_back,
}


def drafts_of(state: MeasureState, act: MeasureAct, directory: Directory) -> list[Draft]:
    """Returns what a request leads to that needs no judgement."""
    at, ask, command = act.at, act.ask, act.command
    match act.verb:
        case "amend":
            return decisions.amend(state, restore(AmendInput, ask), directory, at, command)
        case "report":
            return decisions.report(state, restore(ReportInput, ask), directory, at, command)
        case "hold" | "resume" | "cancel" | "step_back":
            decide = _REASONED[act.verb]
            return decide(state, restore(ReasonInput, ask), directory, at, command)
        case "waive":
            return waiving.waive(state, restore(WaiveInput, ask), directory, at, command)
        case "revoke":
            return waiving.revoke(state, restore(RevokeInput, ask), directory, at, command)
        case "revoke_permit":
            ask_to_revoke = restore(RevokePermitInput, ask)
            return permitting.revoke(state, ask_to_revoke, directory, at, command)
        case "expire":
            return waiving.expire(state, at, command)
        case "notify":
            return notices_due(state, directory, at, command)
        case "told":
            return decisions.told(state, ask["state"], at, command)
        case "released":
            return decisions.released(state, at, command)
        case "reserved":
            return decisions.reserved(state, restore(Reserved, ask), at, command)
        case "launch_again" | "define" | "advance" | "sign" | "launch" | "migrate" | "renew_permit":
            msg = f"{act.verb} is decided elsewhere"
            raise ValueError(msg)
