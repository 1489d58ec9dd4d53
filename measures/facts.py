"""The typed, finite, dated statements that rules judge.

A field that may be unknown is Optional and left out when unknown: a rule that needs it is then
inconclusive, never accidentally true.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from measures.digest import digest
from measures.model import Id, Line, Model, Moment, Number, Period, Text


class FactBase(Model):
    """What every fact says of itself.

    Attributes:
        seen_at: when its source stated it; ``fresh`` in a rule counts from here.
        source: who or what stated it, e.g. ``pool:kyc`` or ``plan``.
        changes_at: when time alone changes the fact for the better, so that a waiting request
            is judged again then; None when time cannot help.
        NAMED_BY: the fields that tell facts of one kind apart, for blockers and proposals.
        PERSONS: the fields that hold a person's id.
        OUTSIDE: whether it is known by others. Of what the measure itself records, absence is
            knowledge; that nobody outside has spoken yet is not.
        PLANNED: the fields that the plan states. Changing one amends the plan, which voids the
            sign-offs bound to it and is refused once the plan is frozen.
        REALISED: the fields that a sign-off at the last gate is bound to.
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("id",)
    PERSONS: ClassVar[tuple[str, ...]] = ()
    OUTSIDE: ClassVar[bool] = False
    PLANNED: ClassVar[frozenset[str]] = frozenset()
    REALISED: ClassVar[frozenset[str]] = frozenset()

    seen_at: Moment
    source: str = "plan"
    changes_at: Moment | None = Field(default=None, exclude=True)


class ClockFact(FactBase):
    """The day of the judgement (UTC).

    Attributes:
        today: the day, written 2031-03-02
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ()

    kind: Literal["clock"] = "clock"
    today: str


class MeasureFact(FactBase):
    """The measure that asks; empty text where the plan names nobody.

    Attributes:
        id: the measure's id
        title: its title
        description: what it does; empty when nobody has written it
        scope: what belongs to it
        type: its type, e.g. campaign
        category: what it is for
        stage: the stage it is in
        package: the package it hangs in
        owner: who answers for it
        sponsor: who pays for it
        controller: who confirms the value
        business_unit: the unit it belongs to
        function: the function it belongs to
        legal_entity: the company whose money it is
        committee_size: how many members the steering committee has
        kpis: how many KPIs it has
        milestones: how many milestones it has
        on_hold: whether it is on hold
        has_campaign: whether it launches a campaign
    """

    PERSONS: ClassVar[tuple[str, ...]] = ("owner", "sponsor", "controller")
    PLANNED: ClassVar[frozenset[str]] = frozenset(
        {
            "title",
            "description",
            "scope",
            "type",
            "category",
            "package",
            "owner",
            "sponsor",
            "controller",
            "business_unit",
            "function",
            "legal_entity",
            "committee_size",
            "quorum",
            "kpis",
            "milestones",
            "has_campaign",
        }
    )

    kind: Literal["measure"] = "measure"
    id: Id
    title: Line
    description: Text
    scope: Text
    type: str
    category: str
    stage: str
    package: str
    owner: str
    sponsor: str
    controller: str
    business_unit: str
    function: str
    legal_entity: str
    committee_size: int
    quorum: int = Field(description="how many of the committee are more than half of it")
    kpis: int
    milestones: int
    on_hold: bool
    has_campaign: bool


class KpiFact(FactBase):
    """A KPI with its operational owner, its cadence and what was reported.

    Attributes:
        id: the KPI's id
        name: its title
        unit: what is counted
        owner: who reports it; empty when nobody is named
        cadence: how often; empty when nothing is agreed
        has_baseline: whether it has a baseline
        has_target: whether it has a target
        baseline: where it stood before
        target: where it shall stand
        result: met, not-met or unknown, for KPIs that are judged rather than counted
        periods_needed: how many periods the guardrail asks for
        latest: the latest reported value
        latest_period: the period of that value
    """

    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)
    PLANNED: ClassVar[frozenset[str]] = frozenset(
        {
            "name",
            "unit",
            "owner",
            "cadence",
            "has_baseline",
            "has_target",
            "baseline",
            "target",
            "result",
            "guarded",
            "periods_needed",
        }
    )

    kind: Literal["kpi"] = "kpi"
    id: Id
    name: Line
    unit: str
    owner: str
    cadence: str
    has_baseline: bool
    has_target: bool
    baseline: Number | None = None
    target: Number | None = None
    result: Literal["met", "not-met", "unknown"] = "unknown"
    guarded: bool = Field(description="whether it has a guardrail")
    periods_needed: int = 0
    periods_held: int = Field(
        0, description="the latest reported periods, one after the other, inside bounds"
    )
    latest: Number | None = None
    latest_period: Period | None = None


class DemandFact(FactBase):
    """What the measure needs of a pool in a period.

    Attributes:
        pool: the pool that is asked
        period: when
        amount: how much, in the pool's unit; the P90 of what arrives when it was stated in another
        unit: the pool's unit; empty when the pool is not there
        stated: how much the plan states, where that is in another unit
        stated_unit: the unit in which the plan states it, where that is another
        mean: how much arrives on average, where it was converted
        chain: the versions of the conversions it came through, where it was converted
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period")
    PLANNED: ClassVar[frozenset[str]] = frozenset({"pool", "period", "amount", "unit"})

    kind: Literal["demand"] = "demand"
    pool: Id
    period: Period
    amount: Number | None = None
    unit: str
    stated: Number | None = None
    stated_unit: str | None = None
    mean: Number | None = None
    chain: str | None = None

    @model_serializer(mode="wrap")
    def _only_what_is_converted(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keeps the digest that facts had before demands could be stated in other units."""
        content: dict[str, Any] = write(self)
        if self.stated is None:
            for field in ("stated", "stated_unit", "mean", "chain"):
                content.pop(field, None)
        return content


class SurgeFact(FactBase):
    """A pool, or a team of it, that must confirm because the measure needs more than normal there.

    Attributes:
        pool: the pool that is touched
        period: when
        team: the team that is touched; empty for the pool itself
        title: what the pool or the team is called
        who: who must confirm
        unit: the pool's unit
        needed: how much arrives there
        normal: how much is normal
        limit: how much arrives at most without being a surge
        above: by which share of the normal it lies above it
        takes: how much is free there, or the team can take; left out when nobody has said
        cadence: how often they report; empty when nothing is agreed
        confirmed: whether that person has confirmed this much
        by: who has confirmed, that person or their delegate; empty until then
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period", "team")
    PERSONS: ClassVar[tuple[str, ...]] = ("who", "by")
    PLANNED: ClassVar[frozenset[str]] = frozenset({"needed"})

    kind: Literal["surge"] = "surge"
    pool: Id
    period: Period
    team: str
    title: str
    who: str
    unit: str
    needed: Number
    normal: Number
    limit: Number
    above: Number
    takes: Number | None = None
    cadence: str
    confirmed: bool
    by: str


class WaitFact(FactBase):
    """How long those whom the measure brings wait at a pool, as simulated for what holds now.

    It is there once a simulation was recorded (``sluice simulate capacity MEASURE --record``),
    and only while plan and pools are as they were then.

    Attributes:
        pool: the pool before which they wait
        title: its title
        unit: what is counted
        p50_days: half of them wait no longer, in days
        p90_days: nine of ten wait no longer, in days
        p95_days: 19 of 20 wait no longer, in days
        backlog_peak: how many wait at the worst, on average
        drains: whether nobody waits any more some day, in nine of ten replications
        drains_on: the day from which on nobody waits; empty when it does not come
        cost_rise: by which share waiting makes each one served dearer; left out if nobody is
        admissible_share: the share of the uplift that fits what is free
        seed: where chance began
        replications: how often it was played
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool",)
    OUTSIDE: ClassVar[bool] = True

    kind: Literal["wait"] = "wait"
    pool: Id
    title: str
    unit: str
    p50_days: Number
    p90_days: Number
    p95_days: Number
    backlog_peak: Number
    drains: bool
    drains_on: str
    cost_rise: Number | None = None
    admissible_share: Number
    seed: int
    replications: int


class OfferFact(FactBase):
    """What is free for this measure: capacity less what is taken.

    Attributes:
        pool: the pool's id
        title: its title
        period: when
        available: capacity less what others hold, and what is kept for who waits before it
        capacity: what there is in all
        held_by_others: what other measures hold, and what is kept for who waits before it
        unit: what is counted
        owner: who states the capacity
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period")
    OUTSIDE: ClassVar[bool] = True
    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)

    kind: Literal["offer"] = "offer"
    pool: Id
    title: str
    period: Period
    available: Number
    capacity: Number
    held_by_others: Number
    unit: str
    owner: str


class ReservationFact(FactBase):
    """What a pool holds for this measure.

    Attributes:
        pool: the pool that holds it
        period: when
        amount: how much, as far as the pool's capacity still covers it
        hard: whether it holds capacity, or only notes the demand
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("pool", "period")

    kind: Literal["reservation"] = "reservation"
    pool: Id
    period: Period
    amount: Number
    hard: bool


class MilestoneFact(FactBase):
    """A step, whether it is dated and owned, done, or late (in days).

    Attributes:
        id: the milestone's id
        title: its title
        due: the day, written 2031-03-02; empty when it is not dated
        has_due: whether it is dated
        owner: who answers for it; empty when nobody is named
        done: whether it is done
        late_days: by how many days it is late; 0 when it is not
    """

    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)
    PLANNED: ClassVar[frozenset[str]] = frozenset({"title", "due", "has_due", "owner"})

    kind: Literal["milestone"] = "milestone"
    id: Id
    title: Line
    due: str
    has_due: bool
    owner: str
    done: bool
    late_days: int


class CommitmentFact(FactBase):
    """What somebody undertook.

    Attributes:
        id: the commitment's id
        who: who undertakes it; empty when nobody is named
        what: what they undertake
        due: the day; empty when it is not dated
        has_due: whether it is dated
        kept: whether it was kept
    """

    PERSONS: ClassVar[tuple[str, ...]] = ("who",)
    PLANNED: ClassVar[frozenset[str]] = frozenset({"who", "what", "due", "has_due"})

    kind: Literal["commitment"] = "commitment"
    id: Id
    who: str
    what: Line
    due: str
    has_due: bool
    kept: bool


class LeadTimeFact(FactBase):
    """An item's earliest launch and the slack to the wanted one.

    Attributes:
        item: what must be ordered
        days: the lead time in calendar days
        remaining_days: what is left of it
        slack_days: days between the earliest and the wanted launch; negative when it is too late
        earliest: the earliest launch
        launch_on: the wanted launch
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("item",)
    PLANNED: ClassVar[frozenset[str]] = frozenset(
        {"item", "days", "remaining_days", "slack_days", "earliest", "launch_on"}
    )

    kind: Literal["lead_time"] = "lead_time"
    item: Line
    days: int
    remaining_days: int
    slack_days: int
    earliest: str
    launch_on: str


class PromiseFact(FactBase):
    """What is advertised, and whether operations stands behind it.

    Attributes:
        id: the promise's id
        text: what the audience is told
        backed: whether somebody in operations stands behind it
        backed_by: who does; empty when nobody
    """

    PERSONS: ClassVar[tuple[str, ...]] = ("backed_by",)
    PLANNED: ClassVar[frozenset[str]] = frozenset({"text", "backed", "backed_by"})

    kind: Literal["promise"] = "promise"
    id: Id
    text: Line
    backed: bool
    backed_by: str


class FinanceFact(FactBase):
    """The money: benefit is every line but ``cost``.

    Attributes:
        currency: the currency
        has_benefit: whether the plan has benefit
        has_cost: whether the plan has cost
        benefit: the planned benefit
        cost: the planned cost
        forecast_benefit: the benefit that is forecast
        has_actuals: whether actuals are recorded
        actual_benefit: the benefit that has come
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ()
    PLANNED: ClassVar[frozenset[str]] = frozenset(
        {"currency", "has_benefit", "has_cost", "benefit", "cost"}
    )
    REALISED: ClassVar[frozenset[str]] = frozenset({"has_actuals", "actual_benefit"})

    kind: Literal["finance"] = "finance"
    currency: str
    has_benefit: bool
    has_cost: bool
    benefit: Number
    cost: Number
    forecast_benefit: Number | None = None
    has_actuals: bool
    actual_benefit: Number | None = None


class SignOffFact(FactBase):
    """A standing sign-off: given, not voided, its content unchanged.

    Attributes:
        gate: the gate that was signed
        role: the role in which it was signed
        decision: approve or reject
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("gate", "role", "by")
    PERSONS: ClassVar[tuple[str, ...]] = ("by", "on_behalf_of")

    kind: Literal["signoff"] = "signoff"
    gate: Id
    role: str
    decision: Literal["approve", "reject"]
    by: Id = Field(description="who signed")
    on_behalf_of: Id = Field(description="whose right it was; the signer, or who delegated")


class DependencyFact(FactBase):
    """Another measure that this one waits for.

    Attributes:
        measure: the other measure
        wanted: the stage that it must have reached
        stage: the stage that it is in
        owner: who answers for it
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("measure",)
    OUTSIDE: ClassVar[bool] = True
    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)
    PLANNED: ClassVar[frozenset[str]] = frozenset({"wanted"})

    kind: Literal["dependency"] = "dependency"
    measure: Id
    wanted: str
    stage: str | None = None
    owner: str = ""
    done: bool | None = Field(None, description="left out while nobody knows where it stands")


class CampaignFact(FactBase):
    """The campaign, its window and whether it runs.

    Attributes:
        connector: the connected system
        ref: its name there
        launch_on: the first day on which it may run
        ends_on: the last day on which it may run
        inside_window: whether today lies between them
        launched: whether it has been launched
        budget: the most it may spend
        volume: the most people it may reach
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("connector", "ref")
    PLANNED: ClassVar[frozenset[str]] = frozenset(
        {"connector", "ref", "launch_on", "ends_on", "inside_window", "budget", "volume"}
    )

    kind: Literal["campaign"] = "campaign"
    connector: str
    ref: Line
    launch_on: str
    ends_on: str
    inside_window: bool
    launched: bool
    budget: Number | None = None
    volume: Number | None = None


class EvidenceFact(FactBase):
    """A proof that was attached.

    Attributes:
        id: the proof's id
        title: what it shows
        sha256: the digest of its content
    """

    REALISED: ClassVar[frozenset[str]] = frozenset({"id", "title", "sha256"})

    kind: Literal["evidence"] = "evidence"
    id: Id
    title: Line
    sha256: str


class LaunchFact(FactBase):
    """What the launch of the campaign does, once there is one.

    Attributes:
        ref: the campaign's name in its system
        connector: the connected system
        phase: held, paused, ramp, open or ended
        paused: whether a person, a guardrail or somebody in the system itself has stopped it
        paused_by: whose pauses they are
        why: the reason of the first of them
        hold_confirmed: whether the system confirms that it is held when it must be
        enforced: whether the system itself stops it, rather than only labels it
        put_backs: how often it was found changed by hand
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("ref",)

    kind: Literal["launch"] = "launch"
    ref: Line
    connector: str
    phase: str
    paused: bool
    paused_by: str
    why: str
    hold_confirmed: bool
    enforced: bool
    put_backs: int


class RampFact(FactBase):
    """How far the campaign has been let out, while its launch is open.

    Attributes:
        step: how many steps are reached
        steps: how many steps there are
        share: the part of the campaign that runs by the latest step, 0 to 1
        next_share: the part that the next step lets run
        hours: for how many hours the latest step has run
        breaches: how many guarded KPIs were outside their bounds when last reported
        breached: their names
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ()

    kind: Literal["ramp"] = "ramp"
    step: int
    steps: int
    share: Number
    next_share: Number
    hours: Number
    breaches: int
    breached: str


class BlackoutFact(FactBase):
    """A black-out that concerns the campaign and is not over.

    Attributes:
        id: its name
        reason: why nothing may run then
        owner: the person who can lift it
        begins: its first moment (UTC)
        ends: the first moment after it (UTC)
        in_force: whether it has begun
    """

    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)

    kind: Literal["blackout"] = "blackout"
    id: Id
    reason: Line
    owner: str
    begins: str
    ends: str
    in_force: bool


class AudienceConflictFact(FactBase):
    """Another campaign that addresses one of the same audiences in some of the same days.

    Attributes:
        audience: the audience
        measure: the other measure
        owner: who answers for that one; empty when nobody is named
        ref: the other campaign
        ends_on: its last day
        launched: whether it has its launch permit, and had it first
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("audience", "measure")
    PERSONS: ClassVar[tuple[str, ...]] = ("owner",)

    kind: Literal["audience_conflict"] = "audience_conflict"
    audience: str
    measure: Id
    owner: str
    ref: Line
    ends_on: str
    launched: bool


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
