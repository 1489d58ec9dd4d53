"""The documents that people write and `sluice apply` takes, of every kind."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.blackouts import Blackout
from measures.conversion import Conversion
from measures.digest import digest
from measures.feeds import Feeds
from measures.lifecycle import Lifecycle
from measures.mapping import Mapping
from measures.model import Amount, GrownModel, Id, Line, Period, Span
from measures.people import Delegation, Person
from measures.plan import Measure
from measures.teams import Cadence, PeriodKind, Team, Threshold
from measures.throttle import ThrottleSettings
from measures.tree import Node

Policy = Literal["follow", "pin", "migrate"]
"""Which version of a pack judges what was judged before; `measures.rollout` says how."""


class Pool(GrownModel):
    """A capacity per period in one unit, and who answers for it.

    Attributes:
        kind: what this document is
        id: the name by which demands refer to this pool
        title: how people know it
        unit: what is counted, e.g. checks
        owner: the person who answers for the capacity and states it
        capacity: how much there is per period: {2031-03: 11000}
        notes_last: how long a demand that is only noted is remembered, e.g. 60d; to the end of its
            period when left out
        throttle: how the launches on it are throttled when its live load is reported
        normal: the usual load per kind of period: {month: 10000}; without it no surge is audited
        surge_threshold: by which share above normal a demand is a surge
        cadence: how often the owner reports the load
        teams: the teams that do the work, each asked when a surge touches the pool
        feeds: numbers that a connected system keeps: the live load, the capacity
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"notes_last", "throttle", "normal", "surge_threshold", "cadence", "teams", "feeds"}
    )

    kind: Literal["Pool"] = "Pool"
    id: Id
    title: Line
    unit: Line
    owner: Id
    capacity: dict[Period, Amount] = {}
    notes_last: Span | None = None
    throttle: ThrottleSettings = ThrottleSettings()
    normal: dict[PeriodKind, Amount] = {}
    surge_threshold: Threshold = 0.1
    cadence: Cadence | None = None
    teams: tuple[Team, ...] = ()
    feeds: Feeds = ()

    @model_validator(mode="after")
    def _feeds_differ(self) -> "Pool":
        given = ["capacity" if one.gives == "capacity" else "load" for one in self.feeds]
        twice = sorted({one for one in given if given.count(one) > 1})
        if twice:
            raise PydanticCustomError(
                "twice",
                "feeds: {names} comes from two",
                {"field": "feeds", "names": ", ".join(twice)},
            )
        return self

    @model_validator(mode="after")
    def _teams_differ(self) -> "Pool":
        names = [team.id for team in self.teams]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise PydanticCustomError(
                "twice",
                "teams: {names} is there twice",
                {"field": "teams", "names": ", ".join(twice)},
            )
        return self


class Connection(GrownModel):
    """A connected system, where it is, and who we are there.

    Attributes:
        kind: what this document is
        id: the name by which campaigns and mappings refer to it
        title: how people know it
        connector: the kind of system; `sluice connectors list` shows those installed
        settings: what its connector asks for; secrets only by reference, env:NAME or file:PATH
        calls_a_second: how many calls all workers together may send; without it, what its
            connector says
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"calls_a_second"})

    kind: Literal["Connection"] = "Connection"
    id: Id
    title: Line | None = None
    connector: Id
    settings: dict[str, Any] = {}
    calls_a_second: Annotated[float, Field(gt=0, le=1000)] | None = None


BUILTIN_PACK = "BuiltinPack"
"""The kind under which the ledger keeps the content of packs that come with the product.

Nobody applies it: it never takes the place of a newer release's pack."""


class RulePack(GrownModel):
    """A pack of gate rules as it was written; `rules.loader` checks what is inside.

    Attributes:
        kind: what this document is
        pack: the pack's name
        title: what the pack asks, in words
        lifecycle: the lifecycle whose gates it guards
        policy: which version of the pack judges a measure that has been judged before
        rules: its rules
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"policy"})

    kind: Literal["RulePack"] = "RulePack"
    pack: Id
    title: Line
    lifecycle: Id = "doi"
    policy: Policy = "follow"
    rules: tuple[dict[str, Any], ...]

    @property
    def id(self) -> str:
        """The pack's name."""
        return self.pack


Document = (
    Person
    | Node
    | Pool
    | Conversion
    | Lifecycle
    | Connection
    | Mapping
    | Blackout
    | Measure
    | Delegation
    | RulePack
)
"""Anything that `sluice apply` takes."""

KINDS: dict[str, type[Document]] = {
    "Person": Person,
    "Node": Node,
    "Connection": Connection,
    "Pool": Pool,
    "Conversion": Conversion,
    "Lifecycle": Lifecycle,
    "Mapping": Mapping,
    "Blackout": Blackout,
    "Measure": Measure,
    "Delegation": Delegation,
    "RulePack": RulePack,
}
"""The kinds of document, in the order in which they are applied: what others name comes first."""


def document_content(document: Document) -> dict[str, Any]:
    """Returns a document as plain JSON data, with the names that people write."""
    return document.model_dump(mode="json", by_alias=True, exclude_unset=False)


def document_digest(document: Document) -> str:
    """Returns the content address of a document."""
    return digest(document_content(document))
