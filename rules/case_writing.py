"""Cases as text: short, as a person would write them, and added to a file that keeps its comments.

Of a fact only what the file's defaults do not say already is written.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from measures.errors import RefusedError
from measures.facts import FACT_KINDS, Fact
from measures.model import LONGEST_SPAN, write_span
from rules.casebook import load_casebook
from rules.faults import FaultsFound
from rules.fields import HIDDEN, blank
from rules.schema import Pack

WIDTH = 100
Defaults = Mapping[str, Mapping[str, Any]]

_PLAIN = re.compile(r"[A-Za-z][\w./@$-]*( [\w./@$-]+)*", re.ASCII)
_DATED = re.compile(r"\d{4}-(\d\d(-\d\d)?|W\d\d)|\d+[smhdw]", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_TO_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case that is to be written.

    Attributes:
        given: the facts as they are written, see `written_fact`.
        now: the moment of the judgement; None for the file's own.
        comment: a line above it.
    """

    case: str
    verdict: str
    rule: str = ""
    gate: str = ""
    now: datetime | None = None
    given: tuple[Mapping[str, Any], ...] = ()
    without: tuple[str, ...] = ()
    blockers: tuple[str, ...] | None = None
    comment: str = ""


def written_fact(
    fact: Fact, now: datetime, defaults: Defaults, always: Collection[str] = ()
) -> dict[str, Any]:
    """Returns what must be written of a fact so that the same fact is read again.

    Args:
        fact: the fact.
        now: the moment of the case; ages count back from it, rounded up to whole seconds, which no
            comparison with a span of whole seconds can tell from the exact age.
        defaults: those of the file.
        always: fields that are written although nobody needs to.
    """
    now = now.astimezone(UTC)
    stated = defaults.get(fact.kind, {})
    empty = {**blank(fact.kind, now), **stated}
    written: dict[str, Any] = {"kind": fact.kind}
    for name, info in FACT_KINDS[fact.kind].model_fields.items():
        if name == "kind" or name in HIDDEN:
            continue
        value = getattr(fact, name)
        usual = empty.get(name, None if info.is_required() else info.default)
        if value != usual or (name in always and value is not None):
            written[name] = value
    return written | _written_age(fact, now, stated)


def _written_age(fact: Fact, now: datetime, stated: Mapping[str, Any]) -> dict[str, Any]:
    age = timedelta(seconds=math.ceil((now - fact.seen_at).total_seconds()))
    if not age and not {"age", "seen_at"} & stated.keys():
        return {}
    if timedelta() <= age <= LONGEST_SPAN:
        return {"age": write_span(age)}
    without_age = {"age": None} if "age" in stated else {}
    return {"seen_at": write_moment(fact.seen_at), **without_age}


def write_case(case: NewCase) -> str:
    """Writes a case as an item of the list of cases, without indentation."""
    lines = [f"# {case.comment}"] if case.comment else []
    lines.append(f"- case: {write_value(case.case)}")
    for name, value in (("rule", case.rule), ("gate", case.gate)):
        if value:
            lines.append(f"  {name}: {write_value(value)}")
    if case.now is not None:
        lines.append(f"  now: {write_moment(case.now)}")
    if case.without:
        lines.append(f"  without: [{', '.join(map(write_value, case.without))}]")
    if case.given:
        lines.append("  given:")
        for fact in case.given:
            lines.extend(_flow_map(fact, "    - "))
    lines.append(f"  verdict: {case.verdict}")
    if case.blockers is not None:
        lines.append(f"  blockers: [{', '.join(map(write_value, case.blockers))}]")
    return "\n".join(lines) + "\n"


def write_moment(moment: datetime) -> str:
    """Writes a moment in UTC, with a fraction of a second only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_value(value: Any) -> str:
    """Writes a value so that it means the same inside braces and out, quoted where it must be."""
    if value is None:
        return "~"
    if not isinstance(value, str):
        return json.dumps(value)
    plain = _PLAIN.fullmatch(value) and value.casefold() not in _WORDS
    if plain or _DATED.fullmatch(value):
        return value
    # JSON leaves letters as they are that YAML wants escaped.
    quoted = json.dumps(value, ensure_ascii=False)
    return _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def new_casebook(pack: Pack, now: datetime, cases: Sequence[NewCase]) -> str:
    """Writes a file of cases."""
    head = f"pack: {pack.id}\nnow: {write_moment(now)}\ncases:\n\n"
    return head + "\n".join(_indented(write_case(case), 2) for case in cases)


def with_cases(text: str, name: str, pack: Pack, cases: Sequence[NewCase]) -> str:
    """Returns a file of cases with more of them at the end of its list; nothing else changes.

    Raises:
        FaultsFound: the file has faults.
        RefusedError: ``cases-not-a-list`` when its list has no place for another line.
    """
    book = load_casebook(text, name, pack)
    refusal = RefusedError(
        "cases-not-a-list",
        f"{name}: write its cases as a list, each beginning a line with '- case:',"
        " then more can be added",
    )
    if not book.cases:
        raise refusal
    lines = text.splitlines()
    line, _ = book.source.where((0, "cases", 0))
    dash = lines[line - 1].find("-")
    if dash < 0 or lines[line - 1][:dash].strip():
        raise refusal
    place = _end_of_cases(book.source.items[0].keys, lines)
    added = ["", *"\n".join(_indented(write_case(case), dash) for case in cases).splitlines()]
    rest = ["", *lines[place:]] if any(map(str.strip, lines[place:])) else []
    longer = "\n".join([*lines[:place], *added, *rest]) + "\n"
    if "\r\n" in text:
        longer = longer.replace("\n", "\r\n")
    before = [one.text for one in book.cases]
    try:
        after = [one.text for one in load_casebook(longer, name, pack).cases]
    except FaultsFound:
        raise refusal from None
    if after[: len(before)] != before or len(after) != len(before) + len(cases):
        raise refusal
    return longer


def _end_of_cases(keys: Mapping[str, tuple[int, int]], lines: Sequence[str]) -> int:
    """Returns how many lines come before a further case: those up to the next key, or all."""
    begins = keys["cases"][0]
    later = [line for line, _ in keys.values() if line > begins]
    place = min(later, default=len(lines) + 1) - 1
    # What stands right above a key is about that key.
    while place and (not lines[place - 1].strip() or (later and lines[place - 1].startswith("#"))):
        place -= 1
    return place


def _flow_map(fields: Mapping[str, Any], lead: str) -> list[str]:
    """Writes a map between braces, in lines that are not too long."""
    lines, line = [], lead + "{"
    for number, (name, value) in enumerate(fields.items()):
        piece = f"{name}: {write_value(value)}"
        piece += "}" if number == len(fields) - 1 else ","
        if number and len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line = " " * (len(lead) + 1) + piece
        else:
            line += (" " if number else "") + piece
    return [*lines, line]


def _indented(text: str, width: int) -> str:
    return "".join(" " * width + line + "\n" for line in text.splitlines())
