"""How objects of a connected system stand for measures, or for what blocks them."""

from collections.abc import Iterable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.model import GrownModel, Id, Line, Model, Span

Scalar = str | int | float | bool | None
"""What a field of a remote object can hold."""

FieldPolicy = Literal["engine", "remote", "newest", "ask"]
StatusPolicy = Literal["engine", "remote"]
Purpose = Literal["blockers", "measure"]
Move = Literal["revert", "flag"]

OURS: dict[Purpose, tuple[str, ...]] = {
    "blockers": (
        "title",
        "text",
        "rule",
        "measure",
        "gate",
        "owner",
        "wanted",
        "seen",
        "command",
        "link",
    ),
    "measure": ("id", "title", "stage", "verdict", "owner", "blockers", "text", "link"),
}
"""What a mapping can show of a blocker, or of a measure."""

TAKEN = ("title", "owner")
"""What of a measure can be taken over from a remote object; all else follows from its life."""

PHASES = ("open", "cleared")
"""What a blocker can be."""

ENDS = ("on_hold", "cancelled")
"""What a measure can be beside its stages."""


class MappedField(Model):
    """One field of ours and the field of theirs that shows it.

    Attributes:
        ours: what is shown, e.g. title or owner
        theirs: the field's name in the connected system
        policy: whose value counts when somebody changes it there: engine, remote, newest, or ask
        values: ours to theirs, where the two systems name the same thing differently; a value that
            is not among them is then shown as nothing
    """

    ours: Id
    theirs: Line
    policy: FieldPolicy = "engine"
    values: dict[str, Scalar] = {}

    def shown(self, value: Scalar) -> Scalar:
        """Returns what the other system is to show for a value of ours."""
        return self.values.get(str(value)) if self.values else value


class MappingScope(Model):
    """Which measures a mapping concerns: those that each list given here names.

    Attributes:
        types: types of measure
        packages: packages of the tree
    """

    types: tuple[Id, ...] = ()
    packages: tuple[Id, ...] = ()


class Flips(Model):
    """How often a field may go to and fro before nothing is written any more.

    Attributes:
        most: so many answers to changes made there, per field
        within: in so long a time
    """

    most: Annotated[int, Field(ge=1, le=100)] = 4
    within: Span = timedelta(hours=1)


def same(one: Scalar, other: Scalar) -> bool:
    """Tells whether two values mean the same.

    Systems show nothing as null or as an empty text, and end lines in two ways: Redmine in another
    than it was sent.
    """
    return one == other or _as_text(one) == _as_text(other)


def _as_text(value: Scalar) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


class _Planned(Protocol):
    @property
    def type(self) -> str: ...

    @property
    def package(self) -> str: ...


class Mapping(GrownModel):
    """How objects of one connection stand for measures, or for what blocks them.

    Attributes:
        kind: what this document is
        id: the name by which commands refer to it
        version: goes up with every change; a measure keeps the one that it began with
        connection: the connection whose objects they are
        object: the kind of object there, e.g. issue
        purpose: blockers makes one object per blocker and measure, measure one per measure
        for_: which measures; all of them without
        rules: for blockers, which rules, with * for anything; all of them without
        as_: the person on whose behalf changes made there are taken over
        fields: what is shown in which field
        statuses: the status there for open and cleared, or for each stage, on_hold and cancelled
        status_policy: whether a move made there to the status of the next stage asks for its gate,
            remote, or is forbidden like every other, engine
        move: what becomes of a move made there that the gate forbids, revert or flag
        flips: how often a field may go to and fro
        link: the address of a measure's page for people; {measure} stands for its id
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"status_policy"})

    kind: Literal["Mapping"] = "Mapping"
    id: Id
    version: Annotated[int, Field(ge=1)]
    connection: Id
    object: Line
    purpose: Purpose
    for_: MappingScope = Field(default=MappingScope(), alias="for")
    rules: tuple[Line, ...] = ()
    as_: Id | None = Field(default=None, alias="as")
    fields: Annotated[tuple[MappedField, ...], Field(min_length=1, max_length=100)]
    statuses: dict[Id, Line] = {}
    status_policy: StatusPolicy = "engine"
    move: Move = "revert"
    flips: Flips = Flips()
    link: Line | None = None

    def concerns(self, plan: _Planned) -> bool:
        """Tells whether a measure has objects by this mapping."""
        scope = self.for_
        return all(
            not wanted or has in wanted
            for wanted, has in ((scope.types, plan.type), (scope.packages, plan.package))
        )

    def covers(self, rule: str) -> bool:
        """Tells whether blockers of a rule become objects."""
        return not self.rules or any(fnmatchcase(rule, one) for one in self.rules)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Mapping":
        known = OURS[self.purpose]
        for field in self.fields:
            if field.ours not in known:
                raise PydanticCustomError(
                    "mapped_field",
                    "{ours} is nothing of ours; with purpose {purpose} there are {known}",
                    {"ours": field.ours, "purpose": self.purpose, "known": ", ".join(known)},
                )
            self._refuse_untakeable(field)
        _refuse_twice(field.theirs for field in self.fields)
        if self.purpose == "blockers" and (wrong := set(self.statuses) - set(PHASES)):
            raise PydanticCustomError(
                "mapped_status",
                "a blocker is open or cleared, not {wrong}",
                {"wrong": ", ".join(sorted(wrong))},
            )
        if self.purpose == "measure" and self.rules:
            raise PydanticCustomError("mapped_rules", "rules go with purpose blockers")
        if self.status_policy == "remote":
            self._refuse_unaskable()
        return self

    def _refuse_unaskable(self) -> None:
        lacking = [
            what
            for what, there in (
                ("purpose: measure", self.purpose == "measure"),
                ("as: PERSON, on whose behalf gates are asked for", self.as_ is not None),
                ("statuses, which say what each stage is called there", bool(self.statuses)),
            )
            if not there
        ]
        if lacking:
            raise PydanticCustomError(
                "mapped_status_policy",
                "status_policy remote asks for gates; it needs {lacking}",
                {"lacking": ", and ".join(lacking)},
            )

    def _refuse_untakeable(self, field: MappedField) -> None:
        if self.purpose != "measure" or field.policy not in ("remote", "newest"):
            return
        if field.ours not in TAKEN:
            raise PydanticCustomError(
                "mapped_policy",
                "{ours} follows from the measure's life: policy engine or ask; policy {policy} is"
                " for {taken}",
                {"ours": field.ours, "policy": field.policy, "taken": " and ".join(TAKEN)},
            )
        if self.as_ is None:
            raise PydanticCustomError(
                "mapped_as",
                "policy {policy} of {ours} changes the measure: say on whose behalf, as: PERSON",
                {"ours": field.ours, "policy": field.policy},
            )


def _refuse_twice(names: Iterable[Any]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise PydanticCustomError(
                "mapped_twice", "{name} is mapped twice; one field shows one thing", {"name": name}
            )
        seen.add(name)


def concern(mappings: Iterable[Mapping], plan: _Planned) -> list[Mapping]:
    """Returns the mappings by which a measure has objects."""
    return [one for one in mappings if one.concerns(plan)]
