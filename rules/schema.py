"""What a pack is: as it is written, and as it is after the loader has checked and compiled it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from measures.documents import Policy, RulePack
from measures.lifecycle import Lifecycle
from measures.model import Id, Line, Model, Span
from measures.people import Role
from measures.waivers import WAIVING_ROLES, WaivingRole
from rules.conditions import Condition
from rules.patterns import Query

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,39}$")]
"""A name that a rule gives to a fact or a value, usable in CEL."""

MAX_RULES = 300
MAX_PATTERN_FIELDS = 8
MAX_CONDITIONS = 100_000
"""Characters of all conditions of a pack; type-checking them takes below a second."""
MANY = 50
"""Entries of one key of a rule; nobody reads more."""

PatternText = Annotated[dict[Id, str | bool | int | float], Field(max_length=MANY)]
"""A number with a fraction is read, so that the check can say where it is compared instead."""

Mode = Literal["off", "dry-run", "warn", "enforce"]


class RemedyText(Model):
    """A change that may clear the blocker: one field raised, lowered or set to a value.

    Attributes:
        raise_: a number to raise, as name.field
        lower: a number to lower, as name.field
        set: a field to set whatever it was, as name.field
        to: the value it takes then, in CEL
        by: who can do it, as name.field; the owner of the fact when left out
        cost: how hard it is; cheaper changes are proposed first
        text: the change in words, with {name.field} or {seen-name}
        command: the command that makes it, with the same placeholders
    """

    raise_: str | None = Field(default=None, alias="raise")
    lower: str | None = None
    set: str | None = None
    to: str
    by: str | None = None
    cost: Annotated[int | float, Field(ge=0, le=1e6)] = 1
    text: Line | None = None
    command: Line | None = None

    @model_validator(mode="after")
    def _one_direction(self) -> "RemedyText":
        if sum(one is not None for one in (self.raise_, self.lower, self.set)) != 1:
            raise PydanticCustomError(
                "remedy", "a remedy needs exactly one of 'raise', 'lower' and 'set'"
            )
        return self


class RuleText(Model):
    """A rule as its author writes it; docs/rules.md explains every key.

    Attributes:
        id: the public name, once per pack; the requirement that must hold, e.g.
            launch.dependencies-done
        title: the requirement in words; the condition is shown when left out
        gate: the gate or gates that it guards
        when: names for facts; the rule is judged for each match. Left out: the measure, once
        expect: names for facts that must exist for each match of `when`
        require: a CEL condition that must be true for each match of `when`, and for one of `expect`
        at_least: how many facts of `expect` must fulfil `require`: a whole number or CEL over the
            facts of `when`
        distinct: name.field; facts that agree in it count once
        fresh: how old a fact may be, e.g. {offer: 24h}; an older one is not known
        missing: what it means when a fact or field is not there
        seen: names for CEL values that go into the blocker and its texts; one that begins with _ is
            for texts only
        message: the reason, with {name.field} or {seen-name}; in quotes when it begins with {
        command: the command that would clear it, with the same placeholders
        clear_by: name.field that holds the person who can clear it, or a list of which the first
            that is filled counts; `committee` is the steering committee
        role: the role in which they act, so that delegates are found
        remedies: changes to try when something would unblock this
        mode: only `enforce` holds a gate; `dry-run` and `warn` give warnings, `off` nothing
        enforce_from: a day before which an enforced rule only warns
        waivable: false: nobody can set its blockers aside
        waive_by: the roles that can, sponsor and administrator when left out
    """

    id: Id
    title: Line | None = None
    gate: Id | Annotated[tuple[Id, ...], Field(min_length=1, max_length=MANY)]
    when: Annotated[dict[Name, PatternText], Field(max_length=MANY)] | None = None
    expect: Annotated[dict[Name, PatternText], Field(max_length=MANY)] = {}
    require: str | None = None
    at_least: Annotated[int, Field(ge=1, le=1000)] | str = 1
    distinct: str | None = None
    fresh: Annotated[dict[Name, Span], Field(max_length=MANY)] = {}
    missing: Literal["block", "inconclusive"] | None = None
    seen: Annotated[dict[Name, str], Field(max_length=MANY)] = {}
    message: Line
    command: Line | None = None
    clear_by: str | Annotated[tuple[str, ...], Field(max_length=MANY)] = ()
    role: Role | None = None
    remedies: Annotated[tuple[RemedyText, ...], Field(max_length=MANY)] = ()
    mode: Mode = "enforce"
    enforce_from: date | None = None
    waivable: bool = True
    waive_by: tuple[WaivingRole, ...] | None = None

    @property
    def conditions(self) -> list[str]:
        """Everything in it that is CEL."""
        written = [self.require, self.at_least, *self.seen.values(), *(r.to for r in self.remedies)]
        return [one for one in written if isinstance(one, str)]

    @model_validator(mode="after")
    def _asks_for_something(self) -> "RuleText":
        if self.require is None and not self.expect:
            raise PydanticCustomError("rule", "a rule needs 'require', 'expect' or both")
        if not self.expect and (self.at_least != 1 or self.distinct):
            raise PydanticCustomError("rule", "'at_least' and 'distinct' count facts of 'expect'")
        if not self.waivable and self.waive_by is not None:
            raise PydanticCustomError("rule", "'waive_by' names nobody when 'waivable' is false")
        if self.waive_by == ():
            raise PydanticCustomError("rule", "'waive_by' is empty; write 'waivable: false'")
        return self


class PackText(Model):
    """A pack as its author writes it; ``kind`` is there when it is a document.

    Attributes:
        kind: RulePack; needed only to apply the pack
        pack: the pack's name
        title: what the pack asks, in words
        lifecycle: the lifecycle whose gates it guards
        policy: which version of the pack judges a measure that has been judged before
        rules: its rules
    """

    kind: Literal["RulePack"] = "RulePack"
    pack: Id
    title: Line
    lifecycle: Id = "doi"
    policy: Policy = "follow"
    rules: Annotated[tuple[RuleText, ...], Field(max_length=MAX_RULES)]


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field of a bound fact, ``name.field``."""

    name: str
    field: str

    def __str__(self) -> str:
        return f"{self.name}.{self.field}"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change to try: `path` raised, lowered or set to the value of `to`.

    Attributes:
        upward: the direction; None when it is set whatever it was.
    """

    upward: bool | None
    path: FieldPath
    to: Condition
    by: FieldPath | None
    text: RemedyText

    @property
    def cost(self) -> float:
        """How hard it is, as its author weighs it."""
        return float(self.text.cost)


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked rule.

    Attributes:
        when, expect: the patterns; `expect` patterns follow those of `when` in a match.
        names: the name of each fact of a match, in order.
        kinds: the kind behind each name, `measure` included.
        text: the rule as written, for messages and settings that need no compiling.
        pack, file, line: where it stands; line 0 when it came without a file.
    """

    id: str
    gates: tuple[str, ...]
    when: Query
    expect: Query
    names: tuple[str, ...]
    kinds: Mapping[str, str]
    require: Condition | None
    at_least: Condition | int
    distinct: FieldPath | None
    fresh: Mapping[str, timedelta]
    seen: Mapping[str, Condition]
    clear_by: tuple[FieldPath, ...]
    by_committee: bool
    remedies: tuple[Remedy, ...]
    text: RuleText
    pack: str
    file: str
    line: int

    def mode_on(self, day: date) -> Mode:
        """Returns the mode on a day: before ``enforce_from`` an enforced rule only warns."""
        start = self.text.enforce_from
        if self.text.mode == "enforce" and start is not None and day < start:
            return "warn"
        return self.text.mode

    def enforced_later_than(self, now: datetime) -> datetime | None:
        """Returns the moment from which the rule is enforced, if it is not yet; or None."""
        start = self.text.enforce_from
        if self.text.mode != "enforce" or start is None:
            return None
        moment = datetime.combine(start, time(), UTC)
        return moment if moment > now else None

    @property
    def waive_by(self) -> tuple[WaivingRole, ...]:
        """The roles whose holders may set its blockers aside; empty when nobody may."""
        if not self.text.waivable:
            return ()
        return WAIVING_ROLES if self.text.waive_by is None else self.text.waive_by

    @property
    def wanted(self) -> str:
        """The requirement in the author's words."""
        condition = " ".join(self.require.text.split()) if self.require else ""
        if not condition:
            tests = [
                f"{pattern.kind} with "
                + ", ".join(f"{name} {value}" for name, value in pattern.equals)
                if pattern.equals
                else pattern.kind
                for pattern in self.expect
            ]
            condition = "there is a " + " and a ".join(tests)
        return f"{self.text.title}: {condition}" if self.text.title else condition


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack.

    Attributes:
        digest: the content address of `document`.
        document: the pack as it was written.
        checked_against: the lifecycle whose gates its rules name; None for a pack from the ledger,
            which was checked when it was applied.
    """

    id: str
    title: str
    lifecycle: str
    rules: tuple[Rule, ...]
    digest: str
    file: str
    policy: Policy
    document: RulePack
    checked_against: Lifecycle | None = None
