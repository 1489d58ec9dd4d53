"""A measure's state after one more entry."""

from datetime import date
from typing import Any

from measures.delivery import Breach, Delivery
from measures.entry import Draft, refuse_gap, remembered
from measures.lifecycle import DOI, Lifecycle
from measures.loads import Confirmation, Need, Touched
from measures.model import restore
from measures.people import ENGINE
from measures.permits import Permit, PermitEnd
from measures.plan import Evidence, Measure
from measures.queueing.record import RecordedQueue
from measures.state import (
    LaunchWait,
    MeasureState,
    Pause,
    Reading,
    Request,
    Reserved,
    SignOff,
)
from measures.verdict import Verdict
from measures.waivers import KEPT_WAIVERS, Waiver, ended, used

KEPT_CONFIRMATIONS = 200
"""So many a measure remembers; one that drops out must be given again."""


def fold_measure(state: MeasureState | None, entry: Draft) -> MeasureState:
    """Returns a measure's state after one more entry.

    Raises:
        ValueError: when the entry cannot follow the state.
    """
    if entry.kind == "measure_defined":
        recorded = entry.body.get("lifecycle")
        lifecycle = DOI if recorded is None else restore(Lifecycle, recorded)
        return MeasureState(
            plan=restore(Measure, entry.body["plan"]),
            lifecycle=lifecycle,
            stage=lifecycle.first,
            number=entry.number,
            defined_at=entry.at,
            changed_at=entry.at,
            commands=(entry.command,),
        )
    if state is None:
        msg = f"{entry.stream} begins with {entry.kind}, not with measure_defined"
        raise ValueError(msg)
    refuse_gap(entry, state.number)
    return state.model_copy(
        update={
            **_changes(state, entry),
            "packs": _packs_after(state, entry),
            "waivers": _waivers_after(state, entry),
            **_assessed(state, entry),
            "launch_waits": _launch_waits_after(state, entry),
            "number": entry.number,
            "changed_at": entry.at,
            "commands": remembered(state.commands, entry),
        }
    )


def _changes(state: MeasureState, entry: Draft) -> dict[str, Any]:
    """Returns the fields that an entry sets."""
    body = entry.body
    match entry.kind:
        case "measure_amended":
            return {"plan": restore(Measure, body["plan"])}
        case "gate_judged":
            return _judged(state, entry)
        case "stage_advanced":
            return {"stage": body["to"], "request": None}
        case "stage_stepped_back":
            return {"stage": body["to"], "request": None, "permit": None}
        case "signed_off":
            return {"sign_offs": (*state.sign_offs, restore(SignOff, body))}
        case "sign_offs_voided":
            gone = set(body["voided"])
            return {"sign_offs": tuple(s for s in state.sign_offs if s.name not in gone)}
        case "reported":
            return _reported(state, entry)
        case "capacity_reserved":
            reserved = Reserved(amounts=body["amounts"], hard=body["hard"])
            return {"reserved": reserved, "parked": Reserved()}
        case "capacity_released":
            return {
                "reserved": Reserved(),
                "parked": state.reserved if state.on_hold else Reserved(),
            }
        case "permit_granted" | "permit_denied" | "permit_revoked" | "permit_expired":
            return _permitted(entry)
        case "campaign_told":
            return {"campaign_told": body["state"]}
        case "hold_placed":
            # After a hold the launch is asked for anew: months may lie between.
            pause = Pause(reason=body["reason"], by=entry.by, at=entry.at)
            return {"on_hold": pause, "permit": None}
        case "guardrail_breached":
            return {"breach": restore(Breach, body)}
        case "hold_released":
            since = state.delivery if state.breach is not None else state.counted_from
            return {"on_hold": None, "breach": None, "counted_from": since}
        case "measure_cancelled":
            pause = Pause(reason=body["reason"], by=entry.by, at=entry.at)
            return {"cancelled": pause, "request": None, "permit": None}
        case "reminder_sent" | "escalation_sent":
            return _notified(state, entry)
        case (
            "pack_migrated"
            | "blocker_waived"
            | "waiver_revoked"
            | "waiver_expired"
            | "surge_confirmed"
            | "surge_declined"
            | "queue_simulated"
        ):
            return {}  # see `_packs_after`, `_waivers_after` and `_assessed`
        case _:
            msg = f"{entry.kind} does not belong to a measure"
            raise ValueError(msg)


def _assessed(state: MeasureState, entry: Draft) -> dict[str, Any]:
    """Returns what an entry says of needs, surges and queues; nothing for most entries."""
    match entry.kind:
        case "gate_judged":
            return {
                "needs": tuple(restore(Need, one) for one in entry.body.get("needs", ())),
                "surge": tuple(restore(Touched, one) for one in entry.body.get("surge", ())),
            }
        case "surge_confirmed" | "surge_declined":
            known = (*state.confirmations, restore(Confirmation, entry.body))
            return {"confirmations": known[-KEPT_CONFIRMATIONS:]}
        case "queue_simulated":
            content = {**entry.body, "at": entry.at, "by": entry.by}
            return {"queue": restore(RecordedQueue, content)}
        case _:
            return {}


def _packs_after(state: MeasureState, entry: Draft) -> dict[str, str]:
    """Returns the versions that have judged, or are to judge, after an entry."""
    match entry.kind:
        case "gate_judged" | "permit_granted" | "permit_denied":
            # What an older release recorded does not say; the newest versions judge next then.
            return dict(entry.body["verdict"].get("packs", {}))
        case "pack_migrated":
            return {**state.packs, entry.body["pack"]: entry.body["to"]}
        case _:
            return state.packs


def _launch_waits_after(state: MeasureState, entry: Draft) -> LaunchWait | None:
    """Returns who waits for the launch after an entry; what a person ended does not wait."""
    match entry.kind:
        case "permit_denied" if entry.body.get("waits"):
            return restore(LaunchWait, entry.body["waits"])
        case "permit_revoked" if entry.body.get("why") == "gate-shut":
            return state.launch_waits
        case (
            "permit_denied"
            | "permit_granted"
            | "permit_revoked"
            | "hold_placed"
            | "stage_stepped_back"
            | "measure_cancelled"
        ):
            return None
        case _:
            return None if state.ended else state.launch_waits


def _waivers_after(state: MeasureState, entry: Draft) -> tuple[Waiver, ...]:
    """Returns the waivers after an entry; those that a gate opened on are used."""
    body = entry.body
    match entry.kind:
        case "gate_judged" | "permit_granted" if body["verdict"]["verdict"] == "pass":
            ids = {one["waiver"] for one in body["verdict"].get("waived", ())}
            return used(state.waivers, ids, entry.at) if ids else state.waivers
        case "blocker_waived":
            return (*state.waivers, restore(Waiver, body))[-KEPT_WAIVERS:]
        case "waiver_revoked":
            return ended(state.waivers, body["id"], "revoked", entry.at, body["reason"])
        case "waiver_expired":
            return ended(state.waivers, body["id"], "expired", entry.at)
        case _:
            return state.waivers


def _judged(state: MeasureState, entry: Draft) -> dict[str, Any]:
    verdict = restore(Verdict, entry.body["verdict"])
    if verdict.passed:
        return {"last_verdict": verdict}
    waiting_for = tuple(entry.body["waiting_for"])
    waiting = state.request
    if waiting is not None and waiting.gate == verdict.gate:
        request = waiting.model_copy(update={"verdict": verdict, "waiting_for": waiting_for})
    else:
        request = Request(
            gate=verdict.gate, by=entry.by, at=entry.at, verdict=verdict, waiting_for=waiting_for
        )
    return {"last_verdict": verdict, "request": request}


def _permitted(entry: Draft) -> dict[str, Any]:
    """Returns what an answer to a launch, or the end of a permit, changes."""
    body = entry.body
    if entry.kind in ("permit_revoked", "permit_expired"):
        told = {name: body[name] for name in ("permit", "why", "reason")}
        end = PermitEnd(**told, by=entry.by, at=entry.at)
        by_person = end.why == "revoked" and entry.by != ENGINE
        freed = {"bound_to": None} if by_person else {}
        return {"permit": None, "permit_ended": end, **freed}
    verdict = restore(Verdict, body["verdict"])
    if entry.kind == "permit_denied":
        # Whatever allowed the launch before, it is no longer so: the permit ends with it.
        return {"last_verdict": verdict, "permit": None}
    claims = body.get("permit", {})
    permit = restore(
        Permit,
        {
            **{name: body[name] for name in _PERMIT_FIELDS if name in body},
            "by": entry.by,
            "at": entry.at,
            "pack_digest": verdict.pack_digest,
            "facts_digest": verdict.facts_digest,
            "id": claims.get("jti", ""),
            "number": entry.number,
            "content": claims.get("content"),
        },
    )
    changes = {"permit": permit, "last_verdict": verdict, "launched_at": entry.at}
    return {**changes, "bound_to": permit.content}


_PERMIT_FIELDS = ("expires_at", "renew_at", "last_expiry", "token")


def _reported(state: MeasureState, entry: Draft) -> dict[str, Any]:
    body = entry.body
    match body["what"]:
        case "kpi":
            reading = Reading(value=body["value"], at=entry.at, by=entry.by)
            known = state.readings.get(body["id"], {})
            return {"readings": {**state.readings, body["id"]: {**known, body["period"]: reading}}}
        case "milestone":
            return {"done": {**state.done, body["id"]: date.fromisoformat(body["done_on"])}}
        case "commitment":
            return {"kept": {**state.kept, body["id"]: date.fromisoformat(body["kept_on"])}}
        case "forecast":
            return {"forecast": {**state.forecast, **body["lines"]}, "forecast_at": entry.at}
        case "actual":
            return {"actual": {**state.actual, **body["lines"]}, "actual_at": entry.at}
        case "evidence":
            proof = restore(Evidence, body["evidence"])
            others = tuple(known for known in state.evidence if known.id != proof.id)
            return {"evidence": (*others, proof)}
        case "delivery":
            delivery = Delivery.model_validate({**body, "at": entry.at, "by": entry.by})
            return {"delivery": delivery}
        case unknown:
            msg = f"nobody reports {unknown!r}"
            raise ValueError(msg)


def _notified(state: MeasureState, entry: Draft) -> dict[str, Any]:
    if state.request is None:
        return {}
    if entry.kind == "escalation_sent":
        return {"request": state.request.model_copy(update={"escalated": True})}
    return {"request": state.request.model_copy(update={"reminded": entry.body["count"]})}
