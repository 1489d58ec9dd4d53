"""Checks the patterns of a rule: only what both matchers were measured to do right gets through."""

import re
from typing import Any, Protocol

from measures.facts import FACT_KINDS
from rules.faults import did_you_mean
from rules.fields import fields_of
from rules.patterns import LARGEST_WHOLE, Join, Pattern, Query
from rules.schema import MAX_PATTERN_FIELDS, PatternText, RuleText
from rules.source import Path
from rules.values import right_value

_JOIN = re.compile(r"\$([A-Za-z_]\w*)\.([A-Za-z_]\w*)")


class Report(Protocol):
    """Notes a fault at a place inside the rule."""

    def __call__(  # noqa: D102  said above
        self, code: str, at: Path, message: str, help_: str = "", *, key: bool = False
    ) -> None: ...


class PatternCheck:
    """The check of `when` and `expect`.

    Attributes:
        kinds: the kind of fact behind each name.
        broken: names whose kind is not known; what is said about them elsewhere is not told twice.
    """

    def __init__(self, text: RuleText, kinds: dict[str, str], fault: Report) -> None:
        self._when = text.when or {}
        self._expect = text.expect
        self._fault = fault
        self.kinds = kinds
        self.broken: set[str] = set()

    def compiled(
        self, part: str, patterns: dict[str, PatternText], earlier: tuple[str, ...]
    ) -> Query:
        """Returns the patterns of one part, joined to those of the names before them."""
        query: list[Pattern] = []
        order = list(earlier)
        for name, fields in patterns.items():
            kind = fields.get("kind")
            if "kind" not in fields:
                self._fault("R301", (part, name), f"'{name}' needs a kind of fact", key=True)
                self.broken.add(name)
            elif kind not in FACT_KINDS:
                self._fault(
                    "R301",
                    (part, name, "kind"),
                    f"there is no kind of fact '{kind}'",
                    did_you_mean(str(kind), FACT_KINDS),
                )
                self.broken.add(name)
            else:
                self.kinds[name] = str(kind)
                query.append(self._pattern(part, name, str(kind), fields, order))
            order.append(name)
        return tuple(query)

    def _pattern(
        self, part: str, name: str, kind: str, fields: PatternText, order: list[str]
    ) -> Pattern:
        equals: list[tuple[str, Any]] = []
        joins: list[Join] = []
        if len(fields) > MAX_PATTERN_FIELDS:
            message = f"a pattern has at most {MAX_PATTERN_FIELDS} fields"
            self._fault("R306", (part, name), message, key=True)
        for field, value in fields.items():
            if field == "kind":
                continue
            at: Path = (part, name, field)
            if not self._keyed(at, kind, field):
                continue
            if isinstance(value, str) and value.startswith("$"):
                join = self._join(at, kind, field, value, order)
                if join is not None:
                    joins.append(join)
            elif self._fits(at, kind, field, value):
                equals.append((field, value))
        return Pattern(kind, tuple(equals), tuple(joins))

    def _keyed(self, at: Path, kind: str, field: str) -> bool:
        known = fields_of(kind)
        if field not in known:
            message = f"the fact '{kind}' has no field '{field}'"
            self._fault("R302", at, message, did_you_mean(field, known), key=True)
            return False
        if not known[field].keyed:
            self._fault(
                "R306",
                at,
                f"a pattern cannot test '{field}': it is {_WHAT[known[field].type]}",
                "compare it in 'require'",
                key=True,
            )
            return False
        return True

    def _join(self, at: Path, kind: str, field: str, value: str, order: list[str]) -> Join | None:
        found = _JOIN.fullmatch(value)
        if not found:
            message = f"'{value}' is no join"
            self._fault("R306", at, message, "write $name.field, nothing else")
            return None
        name, other = found[1], found[2]
        if name in self.broken:
            return None
        if name not in order:
            later = name in (*(self._when), *self._expect)
            message = f"'{name}' is bound later" if later else f"nothing is bound to '{name}'"
            self._fault("R303", at, message, "" if later else did_you_mean(name, order))
            return None
        known = fields_of(self.kinds[name])
        if other not in known:
            message = f"the fact '{self.kinds[name]}' has no field '{other}'"
            self._fault("R302", at, message, did_you_mean(other, known))
            return None
        mine = fields_of(kind)[field]
        if not known[other].keyed or known[other].type != mine.type:
            message = f"{field} ({mine.type}) cannot join {name}.{other} ({known[other].type})"
            self._fault("R306", at, message)
            return None
        return Join(field, order.index(name), other)

    def _fits(self, at: Path, kind: str, field: str, value: Any) -> bool:
        info = fields_of(kind)[field]
        wanted = {"text": str, "boolean": bool, "whole": int}[info.type]
        if type(value) is not wanted:
            message = f"'{field}' is {_WHAT[info.type]}, not {_shown(value)}"
            meant = (
                "put it in quotes"
                if info.type == "text"
                else right_value(_PYDANTIC[info.type], value)
            )
            self._fault("R306", at, message, meant)
            return False
        if isinstance(value, str) and self._looks_like_join(value):
            message = f"'{value}' is compared as a text"
            self._fault("R306", at, message, f"write ${value} to join that field")
            return False
        if info.values and value not in info.values:
            message = f"'{field}' is never '{value}'"
            self._fault("R306", at, message, did_you_mean(str(value), info.values))
            return False
        if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
            self._fault("R306", at, f"{value} is too large")
            return False
        return True

    def _looks_like_join(self, value: str) -> bool:
        name, _, field = value.partition(".")
        return name in self.kinds and field in fields_of(self.kinds[name])


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


_PYDANTIC = {"whole": "int_type", "boolean": "bool_type"}
_WHAT = {
    "text": "a text",
    "number": "a number with a fraction",
    "whole": "a whole number",
    "boolean": "true or false",
}
