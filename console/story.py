"""A story about governance as it is written: what is given, and steps with expectations."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from console.expecting import faults_in
from console.reading import Located, read_files, read_one
from measures.errors import ConfigurationError
from measures.model import (
    LONGEST_SPAN,
    Amount,
    Bound,
    Id,
    Line,
    Model,
    Moment,
    Number,
    Period,
    Span,
    Text,
)
from measures.plan import Evidence
from measures.queueing.asking import PlayAsk
from measures.requests import (
    REPORTS,
    CommitmentReport,
    DeliveryReport,
    KpiReport,
    MilestoneReport,
    SurgeReport,
)
from measures.status import Status
from rules.source import Fault, FaultsFound, Source, did_you_mean, parse, validate

Expectation = dict[str, Any]
Place = tuple[str | int, ...]

VERBS = (
    "advance",
    "sign",
    "amend",
    "report",
    "capacity",
    "load",
    "launch",
    "hold",
    "resume",
    "cancel",
    "step_back",
    "waive",
    "revoke",
    "together",
    "wait",
    "until",
    "apply",
    "kill",
)
"""What a step can do, apart from looking (`expect: MEASURE`)."""

_NEEDS = {
    "sign": ("gate", "role"),
    "amend": ("set",),
    "capacity": ("period", "amount"),
    "waive": ("gate", "rule", "for", "reason"),
    "revoke": ("waiver", "reason"),
}
_MAY_HAVE = {
    "sign": ("decision",),
    "waive": ("subject", "up_to"),
    "report": REPORTS,
    "load": ("value", "to_date", "utilisation", "period"),
    **dict.fromkeys(("hold", "resume", "cancel", "step_back"), ("reason",)),
}
_NOBODY_ASKS = ("together", "wait", "until", "kill")


class Step(Model):
    """One step; exactly one verb, see `VERBS`, and only fields that fit it.

    Attributes:
        advance: asks for the next gate of a measure
        sign: signs or rejects a gate of a measure
        amend: changes the plan of a measure
        report: reports on a measure
        capacity: states the capacity of a pool
        load: reports the live load of a pool
        launch: asks for the launch permit of a measure
        hold: puts a measure on hold
        resume: takes a measure off hold
        cancel: cancels a measure
        step_back: takes a measure back one stage
        waive: sets one blocker of a measure aside
        revoke: ends a waiver of a measure before its time
        together: steps that happen at the same time
        wait: lets a span of time pass
        until: lets time pass until a moment
        apply: applies documents
        kill: kills processes, which come back
        as_: the person who does it
        expect: what the answer must show
        gate: the gate that is signed, or whose blocker is waived
        role: the role in which it is signed
        decision: approve or reject
        set: the fields to change, with their new values
        kpi: a value of a KPI in a period
        forecast: the money that is expected, per line
        actual: the money that has come, per line
        milestone: a milestone that is done
        commitment: a commitment that is kept
        evidence: a proof
        surge: the confirmation of a surge at a pool
        delivery: what the campaign has brought so far
        queue: how the queues before its pools are simulated; {} as usual
        value: the load of the period at the present pace
        to_date: the load since the period began
        utilisation: the load as a part of the capacity
        period: the period of the capacity or the load
        amount: how much there is
        reason: why
        rule: the rule whose blocker is waived
        subject: the facts that the blocker is about, where the rule blocks several times
        up_to: how far single numbers or days that the blocker shows may move from what they are
        for_: how long the waiver lasts
        waiver: the id of the waiver
    """

    model_config = ConfigDict(populate_by_name=False)

    advance: Id | None = None
    sign: Id | None = None
    amend: Id | None = None
    report: Id | None = None
    capacity: Id | None = None
    load: Id | None = None
    launch: Id | None = None
    hold: Id | None = None
    resume: Id | None = None
    cancel: Id | None = None
    step_back: Id | None = None
    waive: Id | None = None
    revoke: Id | None = None
    together: tuple["Step", ...] | None = None
    wait: Span | None = None
    until: Moment | None = None
    apply: tuple[dict[str, Any], ...] | None = None
    kill: Literal["worker", "server", "both"] | None = None

    as_: Id = Field(default="operator", alias="as")
    expect: Expectation = {}
    gate: Id | None = None
    role: Id | None = None
    decision: Literal["approve", "reject"] = "approve"
    set: Annotated[dict[Line, Any], Field(min_length=1)] = {}
    kpi: KpiReport | None = None
    forecast: Annotated[dict[Id, Number], Field(min_length=1)] | None = None
    actual: Annotated[dict[Id, Number], Field(min_length=1)] | None = None
    milestone: MilestoneReport | None = None
    commitment: CommitmentReport | None = None
    evidence: Evidence | None = None
    surge: SurgeReport | None = None
    delivery: DeliveryReport | None = None
    queue: PlayAsk | None = None
    value: Amount | None = None
    to_date: Amount | None = None
    utilisation: Annotated[float, Field(ge=0, le=1000)] | None = None
    period: Period | None = None
    amount: Amount | None = None
    reason: Text = ""
    rule: Id | None = None
    subject: Text | None = None
    up_to: dict[Id, Bound] = {}
    for_: Span | None = Field(default=None, alias="for")
    waiver: Id | None = None

    @property
    def verb(self) -> str:
        """What the step does."""
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @model_validator(mode="after")
    def _one_verb(self) -> "Step":
        given = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(given) != 1:
            raise PydanticCustomError("verb", "a step has exactly one verb: " + ", ".join(VERBS))
        return self._only_what_fits()

    def _only_what_fits(self) -> "Step":
        verb = self.verb
        needs = _NEEDS.get(verb, ())
        asked = () if verb in _NOBODY_ASKS else ("as",)
        takes = (*needs, *_MAY_HAVE.get(verb, ()), *asked, "expect")
        given = [name.rstrip("_") for name in type(self).model_fields if self._has(name)]
        missing = [name for name in needs if name not in given]
        wrong = [name for name in given if name not in takes and name != verb]
        told = f"; it takes {', '.join(takes)}"
        if wrong:
            raise PydanticCustomError("field", f"{verb} takes no {_quoted(wrong)}{told}")
        if missing:
            raise PydanticCustomError("field", f"{verb} needs {_quoted(missing)}{told}")
        if getattr(self, verb) == ():
            raise PydanticCustomError("field", f"the list of {verb} must not be empty")
        if verb == "load" and sum(name in _MAY_HAVE["load"][:3] for name in given) != 1:
            raise PydanticCustomError("field", "load needs one of value, to_date, utilisation")
        if verb == "report" and sum(name in REPORTS for name in given) != 1:
            raise PydanticCustomError("field", "report needs one of " + ", ".join(REPORTS))
        return self

    def _has(self, field: str) -> bool:
        return field in self.model_fields_set and getattr(self, field) not in (None, "")


@dataclass(frozen=True)
class Look:
    """A step that changes nothing: what a measure's status must show."""

    measure: str
    expect: Expectation


@dataclass(frozen=True)
class Placed:
    """A step and the line it stands in."""

    step: Step | Look
    line: int


@dataclass(frozen=True)
class Given:
    """A document that the story begins with, and how applying it must end."""

    located: Located
    refused: str


@dataclass(frozen=True)
class Story:
    """A whole story, checked."""

    title: str
    why: str
    file: Path
    now: datetime
    given: tuple[Given, ...]
    steps: tuple[Placed, ...]
    source: Source


class _GivenEnds(Model):
    """How applying a given document must end."""

    refused: Id


class StoryText(Model):
    """A story as it is written; docs/stories.md explains the steps.

    Attributes:
        scenario: its title.
        why: what it shows.
        now: the moment at which it begins; a moment in the future.
        given: documents, and names of files with documents, that it begins with.
        steps: what happens, one after the other, and what must be seen.
    """

    scenario: Line
    why: Text = ""
    now: Moment
    given: Annotated[tuple[Any, ...], Field(default=())]
    steps: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]


def read_story(file: Path) -> Story:
    """Reads and checks a story with everything that it names.

    Raises:
        FaultsFound: with every fault of the file.
        FileNotFoundError: the story, or a file it names, is not there.
    """
    source = parse(file.read_bytes(), str(file))
    head: StoryText = validate(source, (0,), StoryText)
    if len(source.data) > 1:
        raise FaultsFound([source.fault("D206", (1,), "a story is one document")])
    ahead = head.now - datetime.now(UTC)
    if not timedelta(0) < ahead < LONGEST_SPAN:
        message = "a story starts in the future, within 100 years"
        raise FaultsFound([source.fault("D203", (0, "now"), message)])
    faults: list[Fault] = []
    given: list[Given] = []
    for number, item in enumerate(head.given):
        place = (0, "given", number)
        try:
            if isinstance(item, str):
                given += _named(file.parent / item, source, place)
            else:
                given.append(_document(source, place))
        except FaultsFound as found:
            faults += found.faults
    steps: list[Placed] = []
    for number in range(len(head.steps)):
        try:
            steps.append(read_step(source, (0, "steps", number)))
        except FaultsFound as found:
            faults += found.faults
    if not faults:
        names = _Names(source, given, head.now + LONGEST_SPAN)
        for number, placed in enumerate(steps):
            names.check(placed.step, (0, "steps", number))
        faults = names.faults
    if faults:
        raise FaultsFound(faults)
    return Story(
        title=head.scenario,
        why=head.why,
        file=file,
        now=head.now,
        given=tuple(given),
        steps=tuple(steps),
        source=source,
    )


def read_step(source: Source, path: Place) -> Placed:
    """Reads one step.

    Raises:
        FaultsFound: it has faults.
    """
    node = source.node(path)
    line = source.where(path)[0]
    content = node.value if node and isinstance(node.value, dict) else {}
    if not isinstance(content.get("expect"), str) or set(content) & set(VERBS):
        step: Step = validate(source, path, Step)
        return Placed(step, line)
    expect = {name: value for name, value in content.items() if name != "expect"}
    known = (*Status.model_fields, "refused")
    faults = [
        source.fault(
            "D201", (*path, name), f"unknown field '{name}'", help=did_you_mean(name, known)
        )
        for name in expect
        if name not in known
    ]
    if faults:
        raise FaultsFound(faults)
    return Placed(Look(content["expect"], expect), line)


def documents_in(source: Source, path: Place, count: int) -> list[Located]:
    """Reads the documents of an ``apply`` step."""
    return [read_one(source, (*path, number)) for number in range(count)]


class _Names:
    """Checks what steps name: measures and pools that are there by then, bounds, times.

    Attributes:
        faults: what was found so far.
    """

    def __init__(self, source: Source, given: list[Given], latest: datetime) -> None:
        self.faults: list[Fault] = []
        self._source = source
        self._latest = latest
        self._known: dict[str, set[str]] = {"Measure": set(), "Pool": set()}
        for item in given:
            self._learn(item.located.kind, item.located.id)

    def check(self, step: Step | Look, path: Place) -> None:
        """Checks one step and those inside it."""
        if isinstance(step, Look):
            self._bounds(step.expect, path)
            self._name("Measure", step.measure, step.expect, (*path, "expect"))
            return
        self._bounds(step.expect, (*path, "expect"))
        if step.until and step.until > self._latest:
            message = "a story ends within 100 years of its start"
            self.faults.append(self._source.fault("D203", (*path, "until"), message))
        for number, one in enumerate(step.together or ()):
            self.check(one, (*path, "together", number))
        for document in step.apply or ():
            self._learn(document.get("kind"), document.get("id"))
        name = getattr(step, step.verb)
        if isinstance(name, str) and step.verb != "kill":
            kind = "Pool" if step.verb in ("capacity", "load") else "Measure"
            self._name(kind, name, step.expect, (*path, step.verb))

    def _learn(self, kind: object, name: object) -> None:
        if isinstance(kind, str) and kind in self._known and isinstance(name, str):
            self._known[kind].add(name)

    def _bounds(self, expect: Expectation, path: Place) -> None:
        for place, message in faults_in(expect):
            self.faults.append(self._source.fault("D203", (*path, *place), message))

    def _name(self, kind: str, name: str, expect: Expectation, path: Place) -> None:
        """A step may name what is not there when it expects just that."""
        known, word = self._known[kind], kind.lower()
        if name not in known and expect.get("refused") != f"unknown-{word}":
            message = f"there is no {word} '{name}'"
            fault = self._source.fault("D208", path, message, help=did_you_mean(name, known))
            self.faults.append(fault)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _named(file: Path, source: Source, path: Place) -> list[Given]:
    try:
        reading = read_files([file])
    except (ConfigurationError, OSError, ValueError):
        raise FaultsFound([source.fault("D208", path, f"cannot read the file {file}")]) from None
    if reading.faults:
        raise FaultsFound(reading.faults)
    return [Given(located, "") for located in reading.documents]


def _document(source: Source, path: Place) -> Given:
    """Reads a document; inside a story it may say how applying it must end."""
    node = source.node(path)
    refused = ""
    if node is not None and isinstance(node.value, dict) and "expect" in node.value:
        ends: _GivenEnds = validate(source, (*path, "expect"), _GivenEnds)
        refused = ends.refused
        for part in (node.value, node.children, node.keys):
            part.pop("expect", None)
    return Given(read_one(source, path), refused)
