"""A measure's state: its entries folded in order, and what can be read off it."""

from datetime import date
from typing import Any, Literal

from measures.chains import CONVERSIONS
from measures.delivery import Breach, Delivery
from measures.digest import digest
from measures.entry import Draft, measure_stream, pool_stream
from measures.lifecycle import DOI, LAUNCH, Lifecycle
from measures.links import streams_of
from measures.loads import Confirmation, Need, Touched
from measures.model import Moment, Stored, restore
from measures.people import ENGINE
from measures.permits import Permit, PermitEnd
from measures.plan import Demand, Evidence, Measure
from measures.queueing.record import RecordedQueue
from measures.verdict import Verdict
from measures.waivers import KEPT_WAIVERS, Waiver, ended, used

Decision = Literal["approve", "reject"]

REMEMBERED_COMMANDS = 64
"""How many requests a measure remembers so that a repeated one changes nothing.

Temporal itself forgets update ids at continue-as-new and with a lost server."""


KEPT_CONFIRMATIONS = 200
"""So many a measure remembers; one that drops out must be given again."""


class SignOff(Stored):
    """A role's decision, bound to the exact content it saw.

    Attributes:
        on_behalf_of: whose right it was: the signer's own, or of the one who delegated.
        content: the digest of what was signed, see `MeasureState.signed_content`.
    """

    gate: str
    role: str
    by: str
    on_behalf_of: str
    decision: Decision
    at: Moment
    content: str

    @property
    def name(self) -> str:
        """How stories and messages call it, e.g. ``closed/controller/carla``.

        Who signs for themselves and for others has given several, each of its own name.
        """
        acts_for = "" if self.by == self.on_behalf_of else f" for {self.on_behalf_of}"
        return f"{self.gate}/{self.role}/{self.by}{acts_for}"


class Request(Stored):
    """A gate asked for and not yet open.

    Attributes:
        waiting_for: whom the blockers wait for, delegates in place of who delegated.
        reminded: how many of the plan's reminders were sent.
    """

    gate: str
    by: str
    at: Moment
    verdict: Verdict
    waiting_for: tuple[str, ...] = ()
    reminded: int = 0
    escalated: bool = False


class Reading(Stored):
    """A KPI's value for a period."""

    value: float | int
    at: Moment
    by: str


class Pause(Stored):
    """Why and by whom a measure was held or cancelled."""

    reason: str
    by: str
    at: Moment


class Reserved(Stored):
    """What the pools hold for the measure: pool to period to amount."""

    amounts: dict[str, dict[str, float | int]] = {}
    hard: bool = False


class LaunchWait(Stored):
    """A launch that was asked for and waits for what clears by itself.

    Attributes:
        by: who asked.
        content: the SHA-256 of what is shown to people, where they gave it.
        look_at: when time alone may let it go; None when only news can.
    """

    by: str
    content: str | None = None
    look_at: Moment | None = None


class MeasureState(Stored):
    """A measure's life so far.

    Attributes:
        plan: the measure as planned; frozen from the lifecycle's `frozen_from` on.
        lifecycle: what it was defined under, whatever the document says by now.
        number: how many entries its life has.
        parked: what a hold released, to be taken back when it is resumed.
        permit: that the campaign may run now; it ends with a denial, a hold, a step back, the end.
        bound_to: the SHA-256 of the content for which a permit was given last; one that is asked
            for without content is for this one, until a person has revoked it.
        permit_ended: how the latest permit that ended did, whether or not another stands by now.
        launched_at: when a permit was granted last, whether or not it still stands.
        launch_waits: who asked for the launch, while it waits for what clears by itself.
        delivery: what its campaign has brought so far, as reported last.
        counted_from: what of it came before somebody let it go on after a breach; costs are counted
            from there.
        breach: the guardrail that stopped the campaign, until somebody lets it go on.
        campaign_told: what the connected system was last told: ``held`` or ``released``.
        packs: per pack, the digest of the version that judged it last or that it was moved to
            since; `measures.rollout.versions_for` says which one judges it next.
        waivers: the latest that were given, oldest first, those that have ended among them.
        needs: what its demands came to at the pools when it was judged last.
        surge: whom it touched with more than is normal when it was judged last.
        confirmations: that they can take it, by those whom a surge touches.
        queue: the simulation of its queues that was recorded last.
        commands: the latest requests that left an entry, oldest first.
    """

    plan: Measure
    lifecycle: Lifecycle = DOI
    stage: str
    number: int
    defined_at: Moment
    changed_at: Moment
    on_hold: Pause | None = None
    cancelled: Pause | None = None
    request: Request | None = None
    last_verdict: Verdict | None = None
    sign_offs: tuple[SignOff, ...] = ()
    readings: dict[str, dict[str, Reading]] = {}
    done: dict[str, date] = {}
    kept: dict[str, date] = {}
    forecast: dict[str, float | int] = {}
    forecast_at: Moment | None = None
    actual: dict[str, float | int] = {}
    actual_at: Moment | None = None
    evidence: tuple[Evidence, ...] = ()
    reserved: Reserved = Reserved()
    parked: Reserved = Reserved()
    permit: Permit | None = None
    bound_to: str | None = None
    permit_ended: PermitEnd | None = None
    launched_at: Moment | None = None
    launch_waits: LaunchWait | None = None
    delivery: Delivery | None = None
    counted_from: Delivery | None = None
    breach: Breach | None = None
    campaign_told: Literal["held", "released"] | None = None
    packs: dict[str, str] = {}
    waivers: tuple[Waiver, ...] = ()
    needs: tuple[Need, ...] = ()
    surge: tuple[Touched, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    queue: RecordedQueue | None = None
    commands: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The measure's id."""
        return self.plan.id

    @property
    def frozen(self) -> bool:
        """Tells whether the plan can no longer be edited."""
        return self.lifecycle.reached(self.stage, self.lifecycle.frozen_from)

    @property
    def ended(self) -> bool:
        """Tells whether nothing more can happen: closed or cancelled."""
        return self.cancelled is not None or self.stage == self.lifecycle.last

    @property
    def next_gate(self) -> str | None:
        """The gate it would ask for next; None when it has ended."""
        return None if self.ended else self.lifecycle.next_stage(self.stage)

    @property
    def gates_ahead(self) -> tuple[str, ...]:
        """The gates it can ask for: the next stage's, and the launch's until it may launch."""
        if self.ended:
            return ()
        gates = [self.next_gate, self.request.gate if self.request else None]
        begins = self.lifecycle.launch_from
        at_launch = begins is not None and self.lifecycle.reached(self.stage, begins)
        if self.plan.campaign is not None and at_launch and self.permit is None:
            gates.append(LAUNCH)
        return tuple(dict.fromkeys(gate for gate in gates if gate is not None))

    @property
    def campaign_wanted(self) -> Literal["held", "released"] | None:
        """What the connected system should show; None without a campaign."""
        if self.plan.campaign is None:
            return None
        runs = self.permit is not None and self.on_hold is None and self.cancelled is None
        return "released" if runs else "held"

    @property
    def watches(self) -> tuple[str, ...]:
        """The streams whose next entry may change the answer: to a waiting request, or the launch.

        A permit that stands watches too, because a gate that shuts ends it; and a launch that
        waits, what other systems show.
        """
        stands = self.permit is not None and self.permit.expires_at is not None
        if self.ended:
            return ()
        linked = streams_of(self.plan.links)
        if self.request is None and not stands:
            return tuple(sorted(linked)) if self.launch_waits is not None else ()
        pools = {pool_stream(demand.pool) for demand in self.plan.demands}
        pools |= {pool_stream(touched.pool) for touched in self.surge}
        others = {measure_stream(d.measure) for d in self.plan.dependencies}
        converts = any(demand.unit for demand in self.plan.demands) or bool(self.surge)
        conversions = {CONVERSIONS} if converts else set()
        return tuple(sorted(pools | others | conversions | linked))

    def signed_content(self, gate: str) -> str:
        """Returns the digest of what a sign-off at a gate is bound to.

        Where the controller confirms, it is the realised value and its evidence, before the plan.
        """
        if self.lifecycle.confirms_value(gate):
            return digest(
                {
                    "measure": self.id,
                    "actual": self.actual,
                    "evidence": [proof.model_dump(mode="json") for proof in self.evidence],
                }
            )
        return digest(self.plan.model_dump(mode="json", by_alias=True))

    def done_on(self, milestone: str) -> date | None:
        """Returns the day a milestone was done, as reported or as the plan says."""
        planned = next((m.done_on for m in self.plan.milestones if m.id == milestone), None)
        return self.done.get(milestone, planned)


def demands_of(reserved: Reserved) -> tuple[Demand, ...]:
    """Returns what pools hold for a measure as demands in the pools' units."""
    return tuple(
        Demand(pool=pool, period=period, amount=amount)
        for pool, periods in reserved.amounts.items()
        for period, amount in periods.items()
    )


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
    if entry.number != state.number + 1:
        msg = f"{entry.stream}: entry {entry.number} cannot follow entry {state.number}"
        raise ValueError(msg)
    remembered = state.commands
    if entry.command not in remembered:
        remembered = (*remembered, entry.command)[-REMEMBERED_COMMANDS:]
    return state.model_copy(
        update={
            **_changes(state, entry),
            "packs": _packs_after(state, entry),
            "waivers": _waivers_after(state, entry),
            **_assessed(state, entry),
            "launch_waits": _launch_waits_after(state, entry),
            "number": entry.number,
            "changed_at": entry.at,
            "commands": remembered,
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
