"""Checks one rule against what facts have and gates exist, and compiles what passes."""

import re

from measures.facts import FACT_KINDS
from rules.conditions import Condition, ConditionError, compile_condition
from rules.faults import Fault, did_you_mean
from rules.fields import PERSON_FIELDS, fields_of
from rules.pattern_check import PatternCheck
from rules.patterns import WIDEST
from rules.schema import (
    FieldPath,
    PatternText,
    Remedy,
    Rule,
    RuleText,
)
from rules.source import Path, Source
from rules.values import right_value

MEASURE = "measure"
COMMITTEE = "committee"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        "true false null in as break const continue else for function if import let loop package"
        " namespace return var void while sluice int uint double string bool bytes list map type"
        " duration timestamp dyn size has",
    )
)
_NUMERIC = ("INT", "DOUBLE")
_ANY = ("BOOL", "INT", "DOUBLE", "STRING")
_TYPES = {"text": ("STRING",), "boolean": ("BOOL",), "number": _NUMERIC, "whole": _NUMERIC}


class RuleCheck:
    """The check of one rule; gathers faults, each where it stands.

    Attributes:
        faults: what is wrong so far.
        line: where the rule begins.
    """

    def __init__(self, source: Source, path: Path, text: RuleText, pack: str) -> None:
        self._source = source
        self._path = path
        self._text = text
        self._pack = pack
        self._kinds: dict[str, str] = {MEASURE: MEASURE}
        self.faults: list[Fault] = []
        self._patterns = PatternCheck(text, self._kinds, self.fault)
        self.line = source.where(path)[0]

    def fault(
        self, code: str, at: Path, message: str, help_: str = "", *, key: bool = False
    ) -> None:
        """Notes a fault at a place inside the rule."""
        path = (*self._path, *at)
        line, column = self._source.where_key(path) if key else self._source.where(path)
        self._add(code, line, column, message, help_)

    def compiled(self) -> Rule | None:
        """Returns the rule, or None when it has faults."""
        text = self._text
        when_text: dict[str, PatternText] = text.when or {MEASURE: {"kind": MEASURE}}
        names = (*when_text, *text.expect)
        self._check_values()
        self._check_names(when_text)
        when = self._patterns.compiled("when", when_text, ())
        expect = self._patterns.compiled("expect", text.expect, tuple(when_text))
        self._check_fresh(names)
        require = (
            None if text.require is None else self._condition(("require",), text.require, ("BOOL",))
        )
        at_least: Condition | int | None = (
            text.at_least
            if isinstance(text.at_least, int)
            else self._condition(("at_least",), text.at_least, ("INT",), without=set(text.expect))
        )
        distinct = None if text.distinct is None else self._field(("distinct",), text.distinct)
        seen = {
            name: self._condition(("seen", name), value, _ANY) for name, value in text.seen.items()
        }
        self._check_placeholders(("message",), text.message)
        self._check_placeholders(("command",), text.command or "")
        clear_by, by_committee = self._clear_by()
        remedies = [self._remedy(number) for number in range(len(text.remedies))]
        if self.faults:
            return None
        return Rule(
            id=text.id,
            gates=self._gates(),
            when=when,
            expect=expect,
            names=names,
            kinds=dict(self._kinds),
            require=require,
            at_least=1 if at_least is None else at_least,
            distinct=distinct,
            fresh=dict(text.fresh),
            seen={name: one for name, one in seen.items() if one is not None},
            clear_by=clear_by,
            by_committee=by_committee,
            remedies=tuple(remedy for remedy in remedies if remedy is not None),
            text=text,
            pack=self._pack,
            file=self._source.name,
            line=self.line if self._source.text else 0,
        )

    def _gates(self) -> tuple[str, ...]:
        return (self._text.gate,) if isinstance(self._text.gate, str) else self._text.gate

    def _check_values(self) -> None:
        """A key that was written but left empty would ask for less than its author thinks."""
        node = self._source.node(self._path)
        for key, child in (node.children if node else {}).items():
            if child.value is None:
                self.fault("D203", (str(key),), f"'{key}' is empty", right_value("", None))

    def _check_names(self, when_text: dict[str, PatternText]) -> None:
        text = self._text
        width = len(when_text) + len(text.expect)
        if width > WIDEST:
            at: Path = ("expect",) if text.expect else ("when",)
            self.fault(
                "R306", at, f"a rule binds at most {WIDEST} facts, this one {width}", key=True
            )
        if text.when is not None and not text.when:
            self.fault("R306", ("when",), "'when' binds nothing", "leave it out", key=True)
        for part, patterns in (("when", when_text), ("expect", text.expect)):
            for name, pattern in patterns.items():
                if part == "expect" and name in when_text:
                    message = f"'{name}' is bound in 'when' already"
                    self.fault("R306", (part, name), message, "choose another name", key=True)
                    self._patterns.broken.add(name)
                if name in _RESERVED:
                    self.fault("R306", (part, name), f"'{name}' is a word of CEL", key=True)
                if name == MEASURE and pattern.get("kind") != MEASURE:
                    self.fault(
                        "R306",
                        (part, name),
                        "'measure' always means the measure that asks",
                        key=True,
                    )
        for name in text.seen:
            if name in (*when_text, *text.expect, MEASURE):
                self.fault("R306", ("seen", name), f"'{name}' is the name of a fact", key=True)

    def _check_fresh(self, names: tuple[str, ...]) -> None:
        for name in self._text.fresh:
            if name not in names:
                message = f"nothing is bound to '{name}'"
                self.fault("R303", ("fresh", name), message, did_you_mean(name, names), key=True)

    def _condition(
        self, at: Path, text: str, wanted: tuple[str, ...], *, without: set[str] | None = None
    ) -> Condition | None:
        kinds = {name: kind for name, kind in self._kinds.items() if name not in (without or ())}
        try:
            return compile_condition(text, kinds, wanted)
        except ConditionError as error:
            for one in (error, *error.others):
                # A name whose kind is unknown has its own fault already.
                if one.code != "R303" or not self._about_broken(text, one.offset):
                    line, column = self._source.where_in((*self._path, *at), one.offset)
                    self._add(one.code, line, column, one.message, one.help)
            return None

    def _about_broken(self, text: str, offset: int) -> bool:
        return any(text.startswith(name, offset) for name in self._patterns.broken)

    def _field(self, at: Path, text: str) -> FieldPath | None:
        name, _, field = text.partition(".")
        if name in self._patterns.broken:
            return None
        if not field or "." in field or not name.isidentifier():
            self.fault("R309", at, f"'{text}' is no field", self._help_for_path(text))
            return None
        if name not in self._kinds:
            message = f"nothing is bound to '{name}'"
            self.fault("R303", at, message, did_you_mean(name, self._kinds))
            return None
        known = fields_of(self._kinds[name])
        if field not in known:
            message = f"the fact '{self._kinds[name]}' has no field '{field}'"
            self.fault("R302", at, message, did_you_mean(field, known))
            return None
        return FieldPath(name, field)

    def _help_for_path(self, text: str) -> str:
        bare = text.strip("${} ")
        if bare != text and "." in bare:
            return f"write {bare}, without signs around it"
        holding = [
            f"{name}.{text}" for name, kind in self._kinds.items() if text in fields_of(kind)
        ]
        if holding:
            return f"did you mean '{holding[0]}'?"
        return "write name.field, such as measure.owner"

    def _person(self, at: Path, text: str) -> FieldPath | None:
        """Returns a field that holds a person."""
        path = self._field(at, text)
        if path is None or path.field in PERSON_FIELDS:
            return path
        persons = [
            f"{name}.{field}"
            for name, kind in self._kinds.items()
            for field in fields_of(kind)
            if field in PERSON_FIELDS
        ]
        best = next((one for one in persons if one.startswith(f"{path.name}.")), persons[0])
        self.fault("R309", at, f"'{path}' holds no person", f"write a field that does: {best}")
        return None

    def _check_placeholders(self, at: Path, template: str) -> None:
        wrong = [
            (found.start(), *fault)
            for found in _PLACEHOLDER.finditer(template)
            if (fault := self._fault_of_placeholder(found[1])) is not None
        ]
        without = _PLACEHOLDER.sub(lambda one: "_" * len(one[0]), template)
        help_ = "write one { before and one } after a name"
        wrong += [
            (brace.start(), "R309", "a brace without its partner", help_)
            for brace in re.finditer(r"[{}]", without)
        ]
        for offset, code, message, help_ in wrong:
            line, column = self._source.where_in((*self._path, *at), offset)
            self._add(code, line, column, message, help_)

    def _fault_of_placeholder(self, written: str) -> tuple[str, str, str] | None:
        """Returns what is wrong between two braces, as code, message and help."""
        name, dot, field = written.partition(".")
        if not dot:
            if name in self._text.seen:
                return None
            known = [*self._text.seen, *(f"{bound}.id" for bound in self._kinds)]
            message = f"'{{{written}}}' names no value of 'seen' and no field"
            plain = name.strip()
            meant = f"write {{{plain}}}" if plain in known else did_you_mean(plain, known)
            return "R309", message, meant
        if not written.replace(".", "").isidentifier():
            message = f"'{written}' is more than a field"
            return "R309", message, "give it a name in 'seen', and write that"
        kind = self._kinds.get(name)
        if kind is None:
            if name in self._patterns.broken:
                return None
            return "R303", f"nothing is bound to '{name}'", did_you_mean(name, self._kinds)
        if field not in fields_of(kind):
            message = f"the fact '{kind}' has no field '{field}'"
            return "R302", message, did_you_mean(field, fields_of(kind))
        return None

    def _clear_by(self) -> tuple[tuple[FieldPath, ...], bool]:
        given = self._text.clear_by
        single = isinstance(given, str)
        paths: list[FieldPath] = []
        by_committee = False
        for number, one in enumerate((given,) if isinstance(given, str) else given):
            if one == COMMITTEE:
                by_committee = True
                continue
            at: Path = ("clear_by",) if single else ("clear_by", number)
            path = self._person(at, one)
            if path is not None:
                paths.append(path)
        return tuple(paths), by_committee

    def _remedy(self, number: int) -> Remedy | None:
        text = self._text.remedies[number]
        at: Path = ("remedies", number)
        verb, changed, upward = next(
            one
            for one in (
                ("raise", text.raise_, True),
                ("lower", text.lower, False),
                ("set", text.set, None),
            )
            if one[1] is not None
        )
        path = self._field((*at, verb), changed or "")
        by = None if text.by is None else self._person((*at, "by"), text.by)
        self._check_placeholders((*at, "text"), text.text or "")
        self._check_placeholders((*at, "command"), text.command or "")
        wanted: tuple[str, ...] = _NUMERIC if upward is not None else _ANY
        if path is not None:
            kind = fields_of(self._kinds[path.name])[path.field].type
            if upward is not None and kind not in ("number", "whole"):
                message = f"'{path}' is no number, it cannot be raised or lowered"
                numbers = [
                    f"{path.name}.{field}"
                    for field, info in fields_of(self._kinds[path.name]).items()
                    if info.type in ("number", "whole")
                ]
                self.fault("R309", (*at, verb), message, did_you_mean(str(path), numbers))
                return None
            wanted = _TYPES[kind]
        to = self._condition((*at, "to"), text.to, wanted)
        if path is None or to is None:
            return None
        patterns = {**(self._text.when or {}), **self._text.expect}
        if path.field in patterns.get(path.name, {}):
            message = f"'{path}' decides which facts match, so it cannot change"
            self.fault("R309", (*at, verb), message)
            return None
        if path.field in FACT_KINDS[self._kinds[path.name]].NAMED_BY:
            message = f"'{path}' names the fact, so it cannot change"
            self.fault("R309", (*at, verb), message)
            return None
        return Remedy(upward, path, to, by, text)

    def _add(self, code: str, line: int, column: int, message: str, help_: str) -> None:
        self.faults.append(
            Fault(
                code=code,
                file=self._source.name,
                line=line,
                column=column,
                message=message,
                help=help_,
            )
        )
