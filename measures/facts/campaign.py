"""Facts about a campaign, its launch, and what stands in its way."""

from typing import ClassVar, Literal

from measures.facts.base import FactBase
from measures.model import Id, Line, Number


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
