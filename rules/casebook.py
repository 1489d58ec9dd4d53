"""The cases beside a pack: given these facts, this gate must answer so.

A case is short because the file states defaults per kind of fact, and because it may look at one
rule only. A case that never reaches the rule it is about proves nothing, so it fails.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import Field

from measures.facts import FACT_KINDS, Fact
from measures.model import Id, Line, Model, Moment, parse_span
from measures.verdict import Answer
from rules.faults import Fault, FaultsFound, did_you_mean
from rules.fields import blank
from rules.plan import MEASURE
from rules.schema import Pack, Rule
from rules.source import Path, Source, parse, validate
from rules.validation import MOST_FAULTS, validate_node
from rules.values import right_value


class CaseText(Model):
    """One case as it is written.

    Attributes:
        case: what it shows
        rule: the rule it is about; without one it is about the whole gate.
        gate: the gate that is asked for; by default the rule's first.
        now: the moment of the judgement; the file's when left out
        given: facts; `age: 25h` states one that long ago.
        without: kinds that are left out although the defaults give one.
        verdict: the answer that is expected
        blockers: the rules that hold the gate; by default the rule of the case.
        seen: some of what the first blocker saw.
        message: a part of the first blocker's message.
        clear_by: the persons who can clear the first blocker
        unblock: how many proposals the gate makes
    """

    case: Line
    rule: Id | None = None
    gate: Id | None = None
    now: Moment | None = None
    without: tuple[str, ...] = ()
    given: tuple[dict[str, Any], ...] = ()
    verdict: Answer
    blockers: tuple[Id, ...] | None = None
    seen: dict[str, Any] = {}
    message: str = ""
    clear_by: tuple[str, ...] | None = None
    unblock: Annotated[int, Field(ge=0)] | None = None


class CasebookText(Model):
    """A file of cases.

    Attributes:
        pack: the pack's name
        now: the time of every case that names none.
        defaults: fields per kind of fact, for the facts of a case that leave them out; what nobody
            mentions is empty, 0 or no. A measure is always given.
        cases: the cases
    """

    pack: Id
    now: Moment
    defaults: dict[str, dict[str, Any]] = {}
    cases: tuple[CaseText, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A case that can be run."""

    text: CaseText
    gate: str
    rule: Rule | None
    facts: tuple[Fact, ...]
    now: datetime
    file: str
    line: int
    column: int

    @property
    def situation(self) -> tuple[Any, ...]:
        """What is alike in cases that say the same of the same facts at any moment."""
        facts = sorted(
            (
                # What is as old as the case is known at its moment, whichever that is.
                "" if fact.seen_at == self.now else fact.seen_at.isoformat(),
                fact.model_dump_json(exclude={"seen_at", "changes_at"}),
            )
            for fact in self.facts
        )
        rule = self.rule.id if self.rule else ""
        return facts, self.gate, rule, self.text.verdict, self.text.blockers


def cases_file(pack_file: FilePath) -> FilePath:
    """Returns the file of the cases that belong to a pack's file."""
    return pack_file.with_name(f"{pack_file.stem}_cases{pack_file.suffix}")


@dataclass(frozen=True, slots=True)
class Casebook:
    """A file of cases that was read.

    Attributes:
        text: as written.
        source: the places of everything in it.
    """

    text: CasebookText
    cases: tuple[Case, ...]
    source: Source


def load_cases(text: str | bytes, name: str, pack: Pack) -> tuple[Case, ...]:
    """Reads the cases of a pack.

    Raises:
        FaultsFound: with every fault of the file.
    """
    return load_casebook(text, name, pack).cases


def load_casebook(text: str | bytes, name: str, pack: Pack) -> Casebook:
    """Reads a file of cases whole, for whoever adds to it.

    Raises:
        FaultsFound: with every fault of the file.
    """
    source = parse(text, name)
    if len(source.items) != 1:
        raise FaultsFound([source.fault("D206", (1,), "a file of cases holds one map")])
    book: CasebookText = validate(source, (0,), CasebookText)
    faults: list[Fault] = []
    if book.pack != pack.id:
        message = f"these cases are for the pack '{book.pack}', not '{pack.id}'"
        faults.append(source.fault("R311", (0, "pack"), message, help=f"write pack: {pack.id}"))
    cases: list[Case] = []
    for number, one in enumerate(book.cases):
        try:
            cases.append(_case(source, (0, "cases", number), one, book, pack))
        except FaultsFound as found:
            faults.extend(found.faults)
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise FaultsFound(faults)
    return Casebook(book, tuple(cases), source)


def _case(source: Source, path: Path, text: CaseText, book: CasebookText, pack: Pack) -> Case:
    faults: list[Fault] = []
    rules = {rule.id: rule for rule in pack.rules}
    rule = rules.get(text.rule) if text.rule else None
    if text.rule and rule is None:
        message = f"the pack has no rule '{text.rule}'"
        faults.append(
            source.fault("R311", (*path, "rule"), message, help=did_you_mean(text.rule, rules))
        )
    gate = text.gate or (rule.gates[0] if rule else "")
    if not gate and not faults:
        faults.append(source.fault("R311", path, "a case needs a rule or a gate"))
    if rule and gate not in rule.gates:
        # Judged elsewhere, the rule would never speak, and silence looks like a pass.
        message = f"the rule {rule.id} does not guard the gate '{gate}'"
        help_ = did_you_mean(gate, rule.gates)
        faults.append(source.fault("R311", (*path, "gate"), message, help=help_))
    now = text.now or book.now
    facts: list[Fact] = []
    given = [fields.get("kind") for fields in text.given]
    if MEASURE not in given and MEASURE not in text.without:
        facts.extend(_facts(source, path, {"kind": MEASURE}, book, now, faults))
    for number, fields in enumerate(text.given):
        facts.extend(_facts(source, (*path, "given", number), fields, book, now, faults))
    if faults:
        raise FaultsFound(faults)
    return Case(text, gate, rule, tuple(facts), now, source.name, *source.where(path))


def _facts(
    source: Source,
    path: Path,
    fields: dict[str, Any],
    book: CasebookText,
    now: datetime,
    faults: list[Fault],
) -> list[Fact]:
    kind = fields.get("kind")
    if kind not in FACT_KINDS:
        message = f"there is no kind of fact '{kind}'"
        place = (*path, "kind")
        faults.append(
            source.fault("R301", place, message, help=did_you_mean(str(kind), FACT_KINDS))
        )
        return []
    said = {**book.defaults.get(kind, {}), **fields}
    whole = {"seen_at": now.isoformat(), **blank(kind, now), **said}
    try:
        age = whole.pop("age", None)
        if age is not None:
            whole["seen_at"] = (now - parse_span(str(age))).isoformat()
        node = source.node(path)
        assert node is not None
        # `~` takes a default away, so that a case can leave a field out.
        text = json.dumps({name: value for name, value in whole.items() if value is not None})
        fact: Any = validate_node(source.name, node, text, FACT_KINDS[kind])
    except ValueError as error:
        help_ = right_value("span", age)
        faults.append(source.fault("R311", (*path, "age"), str(error), help=help_))
        return []
    except FaultsFound as found:
        faults.extend(found.faults)
        return []
    return [fact]
