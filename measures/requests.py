"""What people ask of a measure or a pool: one model per request, `by` is who asks."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from measures.documents import Pool
from measures.model import (
    Amount,
    Bound,
    Id,
    Line,
    Model,
    Moment,
    Number,
    Period,
    Sha256,
    Span,
    Text,
)
from measures.plan import Evidence, Measure
from measures.queueing.asking import PlayAsk

Reason = Annotated[Line, StringConstraints(pattern=r"\S")]
"""Why somebody does what they do: not only blanks."""


class AdvanceInput(Model):
    """Asks for the next gate; a blocked request keeps waiting."""

    by: Id


class LaunchInput(Model):
    """Asks for the launch permit; the answer is given at once.

    Attributes:
        content: the SHA-256 of what the campaign shows to people; the permit is bound to it.
    """

    by: Id
    content: Sha256 | None = None


class RevokePermitInput(Model):
    """Ends a launch permit before its time.

    Attributes:
        permit: its name; None for the one that stands.
    """

    by: Id
    reason: Line
    permit: Line | None = None


class SignInput(Model):
    """Gives a role's decision at a gate.

    Attributes:
        advance: also asks for this gate, as who signs last mostly does; one request instead of
            two, refused as a whole when either part is.
    """

    by: Id
    gate: Id
    role: Id
    decision: Literal["approve", "reject"] = "approve"
    advance: bool = False


class AmendInput(Model):
    """Changes the plan: single fields by path, or the whole document as `sluice apply` does."""

    by: Id
    set: dict[Line, Any] = {}
    plan: Measure | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "AmendInput":
        if bool(self.set) == (self.plan is not None):
            raise PydanticCustomError("amend", "give either fields to set or a whole plan")
        return self


class KpiReport(Model):
    """A KPI's value for a period that is over.

    Attributes:
        id: the KPI's id in the plan.
        period: the period that is over.
        value: what it was, in the KPI's unit.
    """

    id: Id
    period: Period
    value: Number


class MilestoneReport(Model):
    """A milestone is done.

    Attributes:
        id: the milestone's id in the plan.
        done_on: the day on which it was done.
    """

    id: Id
    done_on: date


class CommitmentReport(Model):
    """A commitment is kept.

    Attributes:
        id: the commitment's id in the plan.
        kept_on: the day on which it was kept.
    """

    id: Id
    kept_on: date


class ActualsInput(Model):
    """What really went into a conversion and came out of it in a period that is over.

    Attributes:
        period: the period that is over.
        went_in: how many units went in.
        came_out: how many units came out of them.
    """

    by: Id
    period: Period
    went_in: Annotated[Amount, Field(gt=0)]
    came_out: Amount


class SurgeReport(Model):
    """A pool's owner, or a team's lead, can take what the measure brings, or cannot.

    Attributes:
        pool: the pool that the surge touches.
        period: when; every period that waits for this person, if left out.
        team: the team; the pool and every team that waits for this person, if left out.
        declined: why they cannot take it; left out when they can.
    """

    pool: Id
    period: Period | None = None
    team: Id | None = None
    declined: Reason | None = None


class DeliveryReport(Model):
    """What a campaign has brought since it was launched first, not since the last report.

    Attributes:
        spent: the money it has spent, in the currency of the measure.
        reached: how many people it has reached.
        completed: how many onboardings it has completed.
    """

    spent: Amount
    reached: Amount | None = None
    completed: Amount


class ReportInput(Model):
    """News about a measure, exactly one kind at a time; ``queue`` has the engine find them out."""

    by: Id
    kpi: KpiReport | None = None
    milestone: MilestoneReport | None = None
    commitment: CommitmentReport | None = None
    forecast: Annotated[dict[Id, Number], Field(min_length=1)] | None = None
    actual: Annotated[dict[Id, Number], Field(min_length=1)] | None = None
    evidence: Evidence | None = None
    surge: SurgeReport | None = None
    delivery: DeliveryReport | None = None
    queue: PlayAsk | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ReportInput":
        given = [name for name in REPORTS if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError("report", "report exactly one of " + ", ".join(REPORTS))
        return self


REPORTS = (
    *("kpi", "milestone", "commitment", "forecast", "actual", "evidence"),
    *("surge", "delivery", "queue"),
)
"""What can be reported about a measure."""


class ReasonInput(Model):
    """Holds, resumes, cancels or steps back, and says why."""

    by: Id
    reason: Text = ""


class MigrateInput(Model):
    """Moves a measure to another version of a pack and says why.

    Attributes:
        to: the digest of the version that is to judge.
    """

    by: Id
    pack: Id
    to: Sha256
    reason: Text = ""


class WaiveInput(Model):
    """Sets one blocker of a gate aside.

    Attributes:
        subject: the facts the blocker is about; None when the rule blocks once only.
        up_to: how far single numbers or days that the blocker shows may move from what they are
            now; all others must stay as they are.
        until, for_: when it ends, or how long it lasts from now; exactly one of the two.
    """

    by: Id
    gate: Id
    rule: Id
    subject: Text | None = None
    up_to: dict[Line, Bound] = {}
    reason: Line
    until: Moment | None = None
    for_: Span | None = Field(default=None, alias="for")

    @model_validator(mode="after")
    def _ends_once(self) -> "WaiveInput":
        if (self.until is None) == (self.for_ is None):
            raise PydanticCustomError("expiry", "say when it ends: either 'until' or 'for'")
        return self


class RevokeInput(Model):
    """Ends a waiver before its time."""

    by: Id
    waiver: Id
    reason: Line


class CapacityInput(Model):
    """A pool's owner reports what the pool can take in a period.

    Attributes:
        connector: the connected system that fed the number in the owner's name; None when a
            person states it.
    """

    by: Id
    period: Period
    amount: Amount
    connector: Id | None = None


class LoadInput(Model):
    """A pool's live load, from its owner or from a system that counts for them; one of three forms.

    Attributes:
        value: how much arrives in the period at the present pace, in the pool's unit.
        to_date: how much has arrived since the period began; divided by the part that is over.
        utilisation: the load as a part of the capacity: 0.9 is 90 %.
        capacity: what the pool can take in the period as things are; else what it stated.
        period: the period of all these; else the shortest one with a capacity around the moment.
        measured_at: when it was so; else now.
        connector: the connection that fed the number in the owner's name; None when a person
            reports it.
    """

    by: Id
    value: Amount | None = None
    to_date: Amount | None = None
    utilisation: Annotated[float, Field(ge=0, le=1000)] | None = None
    capacity: Amount | None = None
    period: Period | None = None
    measured_at: Moment | None = None
    connector: Id | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "LoadInput":
        forms = (self.value, self.to_date, self.utilisation)
        if sum(form is not None for form in forms) != 1:
            raise PydanticCustomError(
                "load", "give the load once: as value, as to_date or as utilisation"
            )
        return self


class PoolInput(Model):
    """The pool's document, as `sluice apply` brings it."""

    by: Id
    pool: Pool
