"""The plan of a measure: everything about it that people write before it is carried out."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.links import Link
from measures.model import (
    Amount,
    GrownModel,
    Id,
    Line,
    Model,
    Number,
    Period,
    Sha256,
    Span,
    Text,
)
from measures.teams import Cadence
from measures.turns import USUAL, Priority


class Guardrail(GrownModel):
    """Bounds that a KPI must keep for the last `periods` reported periods.

    Attributes:
        at_most: the highest value that is fine
        at_least: the lowest value that is fine
        over_baseline: how far above the KPI's baseline is fine: 0.4 is 40 % more
        periods: how many of the latest reported periods, one after the other, must be fine
        on_breach: pause holds the running campaign and revokes its permit as soon as it is
            reported; report leaves it to the rules
        from_spent: for an acquisition cost, the money that is spent before it counts
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"over_baseline", "on_breach", "from_spent"})

    at_most: Number | None = None
    at_least: Number | None = None
    over_baseline: Annotated[float, Field(ge=0, le=100)] | None = None
    periods: Annotated[int, Field(ge=1, le=24)] = 1
    on_breach: Literal["report", "pause"] = "report"
    from_spent: Amount = 0

    @model_validator(mode="after")
    def _has_a_bound(self) -> "Guardrail":
        if self.at_most is None and self.at_least is None and self.over_baseline is None:
            raise PydanticCustomError(
                "guardrail", "a guardrail needs at_most, at_least or over_baseline"
            )
        return self


class Kpi(GrownModel):
    """What the measure is to change, from where to where, and who reports it how often.

    Attributes:
        id: the name by which reports refer to this KPI
        title: how people know it
        unit: what is counted
        baseline: where it stands before the measure
        target: where it shall stand after it
        guardrail: bounds that it must keep, whatever the target
        owner: the person in operations who reports it
        cadence: how often it is reported
        result: met or not met, for KPIs that are judged rather than counted.
        formula: acquisition-cost has the engine work it out of what the campaign delivers
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"formula"})

    id: Id
    title: Line
    unit: Text = ""
    baseline: Number | None = None
    target: Number | None = None
    guardrail: Guardrail | None = None
    owner: Id | None = None
    cadence: Cadence | None = None
    result: Literal["met", "not-met"] | None = None
    formula: Literal["acquisition-cost"] | None = None

    @model_validator(mode="after")
    def _has_what_its_guardrail_needs(self) -> "Kpi":
        relative = self.guardrail is not None and self.guardrail.over_baseline is not None
        if relative and not (self.baseline is not None and self.baseline > 0):
            raise PydanticCustomError(
                "guardrail", "over_baseline needs a baseline above 0 to be counted from"
            )
        return self

    @property
    def bounds(self) -> tuple[float | int | None, float | int | None]:
        """The lowest and the highest value that its guardrail allows; None without a bound."""
        rail = self.guardrail
        if rail is None:
            return None, None
        highest = [] if rail.at_most is None else [rail.at_most]
        if rail.over_baseline is not None and self.baseline is not None:
            highest.append(round(self.baseline * (1 + rail.over_baseline), 6))
        return rail.at_least, min(highest, default=None)

    def keeps_guardrail(self, value: float) -> bool:
        """Tells whether a reported value lies inside the bounds of its guardrail."""
        lowest, highest = self.bounds
        return (lowest is None or value >= lowest) and (highest is None or value <= highest)


class Demand(GrownModel):
    """How much of a pool's capacity the measure needs in a period.

    Attributes:
        pool: the pool that is asked
        period: a year 2031, month 2031-03, ISO week 2031-W09 or day 2031-03-02
        amount: how much, in the pool's unit or in the one that is named
        unit: the unit of the amount when it is another than the pool's: conversions lead from it
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"unit"})

    pool: Id
    period: Period
    amount: Amount
    unit: Line | None = None


class Milestone(Model):
    """A step of the implementation.

    Attributes:
        id: the name by which reports refer to this milestone
        title: how people know it
        due: the day by which it shall be done
        owner: the person who answers for it
        done_on: the day on which it was done; left out until then
    """

    id: Id
    title: Line
    due: date | None = None
    owner: Id | None = None
    done_on: date | None = None


class Commitment(Model):
    """What somebody undertakes to do by a day so that the measure can work.

    Attributes:
        id: the name by which reports refer to this commitment
        who: the person who undertakes it
        what: what they undertake
        due: the day by which they keep it
        kept_on: the day on which they kept it; left out until then
    """

    id: Id
    who: Id | None = None
    what: Line
    due: date | None = None
    kept_on: date | None = None


class LeadTime(Model):
    """An item that must be ordered `days` calendar days before the launch.

    Attributes:
        item: what must be ordered
        days: how many calendar days before the launch
        ordered_on: the day on which it was ordered; left out until then
    """

    item: Line
    days: Annotated[int, Field(ge=0, le=3650)]
    ordered_on: date | None = None


class Promise(Model):
    """What the campaign tells its audience, and who in operations stands behind it.

    Attributes:
        id: the name by which reports refer to this promise
        text: what the audience is told
        backed_by: the person in operations who stands behind it
    """

    id: Id
    text: Line
    backed_by: Id | None = None


class Dependency(Model):
    """Another measure that must have reached a stage before this one launches.

    Attributes:
        measure: the other measure
        stage: the stage that it must have reached
    """

    measure: Id
    stage: Id = "implemented"


class Finance(Model):
    """Money per line; ``cost`` lines are spent, every other line is benefit.

    Attributes:
        currency: three capital letters, e.g. EUR
        plan: money per line: {cost: 250000, revenue: 1200000}
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    plan: dict[Id, Number] = {}


class RampStep(Model):
    """A step on the way from a few people to everybody.

    Attributes:
        share: the part of the campaign that runs from this step on, above 0 to 1
        after: how long the step before must have run, or for the first, the permit must stand
    """

    share: Annotated[float, Field(gt=0, le=1)]
    after: Span = timedelta(0)


class Campaign(GrownModel):
    """The campaign in a connected system that may only run with a permit.

    Attributes:
        connector: the connected system that runs it
        ref: the name of the campaign in that system
        launch_on: the first day on which it may run
        ends_on: the last day on which it may run
        budget: the most it may spend
        volume: the most people it may reach
        ramp: its steps to the full campaign, each larger than the one before; everything at once
            without
        audience: whom it addresses: the ids of audiences that no other campaign may address
            in the same days
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"ramp", "audience"})

    connector: Id
    ref: Line
    launch_on: date
    ends_on: date
    budget: Amount | None = None
    volume: Amount | None = None
    ramp: Annotated[tuple[RampStep, ...], Field(max_length=20)] = ()
    audience: Annotated[tuple[Id, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _rises(self) -> "Campaign":
        shares = [step.share for step in self.ramp]
        if any(after <= before for before, after in pairwise(shares)):
            raise PydanticCustomError("ramp", "each step of the ramp is larger than the one before")
        if len(set(self.audience)) != len(self.audience):
            raise PydanticCustomError("twice", "an audience is there twice", {"field": "audience"})
        return self

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Campaign":
        if self.ends_on < self.launch_on:
            raise PydanticCustomError("window", "ends_on lies before launch_on")
        return self


class Approvals(Model):
    """When those who owe a decision are reminded, and when somebody above them is told.

    Attributes:
        remind_after: spans of time after which those who owe a decision are reminded: [24h, 72h]
        escalate_after: the span of time after which somebody above is told
        escalate_to: the person who is told then
    """

    remind_after: tuple[Span, ...] = ()
    escalate_after: Span | None = None
    escalate_to: Id | None = None


class Evidence(Model):
    """A proof by title and SHA-256 of its content; the content itself stays where it is.

    Attributes:
        id: the name by which others refer to this proof
        title: what it shows
        sha256: the SHA-256 of the content, 64 hexadecimal letters
        link: where the content is kept
    """

    id: Id
    title: Line
    sha256: Sha256
    link: Line | None = None


class Measure(GrownModel):
    """The smallest governed initiative, as it is planned.

    Attributes:
        kind: what this document is
        id: the name by which everything refers to this measure
        title: how people know it
        description: what it does and what effect is expected
        scope: what belongs to it and what does not
        type: its type, e.g. campaign
        category: what it is for, e.g. acquire
        lifecycle: the stages and gates that it runs through
        package: the package of the tree that it hangs in
        owner: the person who answers for it and asks for its gates
        sponsor: the person who pays for it and approves the decision
        controller: the person who confirms the realised value; neither owner nor sponsor
        business_unit: the unit that it belongs to
        function: the function that it belongs to, e.g. Marketing
        legal_entity: the company whose money it is
        steering_committee: the persons of whom more than half approve the decision
        kpis: what it is to change
        demands: what it needs of pools, per period
        dependencies: other measures that it waits for
        milestones: the steps of its implementation
        commitments: what others undertake so that it can work
        lead_times: what must be ordered some time before the launch
        promises: what its campaign tells the audience
        assumptions: what it relies on
        risks: what may go wrong
        finance: its money
        campaign: the campaign that it launches
        approvals: when those who owe a decision are reminded
        priority: how urgent it is where capacity is short, from 1 to 9; 9 is the most urgent
        links: work in other systems that it waits for
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"priority", "links"})

    kind: Literal["Measure"] = "Measure"
    id: Id
    title: Line
    description: Text = ""
    scope: Text = ""
    type: Id
    category: Id | None = None
    lifecycle: Id = "doi"
    package: Id
    owner: Id | None = None
    sponsor: Id | None = None
    controller: Id | None = None
    business_unit: Line | None = None
    function: Line | None = None
    legal_entity: Line | None = None
    steering_committee: tuple[Id, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    demands: tuple[Demand, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    lead_times: tuple[LeadTime, ...] = ()
    promises: tuple[Promise, ...] = ()
    assumptions: tuple[Line, ...] = ()
    risks: tuple[Line, ...] = ()
    finance: Finance | None = None
    campaign: Campaign | None = None
    approvals: Approvals = Approvals()
    priority: Priority = USUAL
    links: Annotated[tuple[Link, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Measure":
        for field, names in (
            ("kpis", [kpi.id for kpi in self.kpis]),
            ("milestones", [milestone.id for milestone in self.milestones]),
            ("commitments", [commitment.id for commitment in self.commitments]),
            ("promises", [promise.id for promise in self.promises]),
            ("dependencies", [dependency.measure for dependency in self.dependencies]),
            ("demands", [f"{demand.pool} {demand.period}" for demand in self.demands]),
            ("links", [link.id for link in self.links]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise PydanticCustomError(
                    "twice",
                    "{field}: {names} is there twice",
                    {"field": field, "names": ", ".join(twice)},
                )
        return self
