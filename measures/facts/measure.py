"""Facts that a measure states or that people report about it."""

from typing import ClassVar, Literal

from pydantic import Field

from measures.facts.base import FactBase
from measures.model import Id, Line, Number, Period, Text


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


class LinkFact(FactBase):
    """Work in another system that the measure waits for.

    Attributes:
        id: the link's id
        connection: the connected system
        object: the kind of object there
        ref: its name there
        title: how people know it
        status: what it shows there; left out while nobody has read it
        since: since when it is known to show that (UTC); empty until it is read
    """

    OUTSIDE: ClassVar[bool] = True
    PLANNED: ClassVar[frozenset[str]] = frozenset({"connection", "object", "ref"})

    kind: Literal["link"] = "link"
    id: Id
    connection: str
    object: str
    ref: str
    title: str
    status: str | None = None
    done: bool | None = Field(
        None, description="whether that status means done; left out while nobody has read it"
    )
    since: str


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
