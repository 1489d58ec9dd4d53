"""A measure's state, which its entries lead to, and what can be read off it."""

from datetime import date
from typing import Literal

from measures.chains import CONVERSIONS
from measures.delivery import Breach, Delivery
from measures.digest import digest
from measures.entry import measure_stream, pool_stream
from measures.lifecycle import DOI, LAUNCH, Lifecycle
from measures.links import streams_of
from measures.loads import Confirmation, Need, Touched
from measures.model import Moment, Stored
from measures.permits import Permit, PermitEnd
from measures.plan import Evidence, Measure
from measures.queueing.record import RecordedQueue
from measures.verdict import Verdict
from measures.waivers import Waiver

Decision = Literal["approve", "reject"]


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
