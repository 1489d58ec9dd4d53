"""What a condition may name: the fields of each kind of fact and their types.

One table, read from the fact models, serves the type check, the patterns and the suggestions.
"""

import typing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union

from measures.facts import FACT_KINDS, Fact
from measures.model import Id, Line, Number, Period, Text

FieldType = Literal["text", "number", "whole", "boolean"]

HIDDEN = frozenset({"seen_at", "changes_at", "rests_on"})
"""What no condition sees: times, which ``fresh`` judges, and what only commands are made from."""


PERSON_FIELDS = frozenset(
    {"owner", "sponsor", "controller", "who", "backed_by", "by", "on_behalf_of"}
)
"""Fields of facts that hold the id of a person, or an empty text."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field: its type, whether patterns may compare it, and what it may hold.

    Attributes:
        keyed: whether a pattern may test it for equality: names and codes yes; numbers with a
            fraction and words for people no.
        values: everything it can hold, when that is a short list.
    """

    type: FieldType
    keyed: bool
    values: tuple[str, ...] = ()


@cache
def fields_of(kind: str) -> dict[str, FieldInfo]:
    """Returns the fields of a kind of fact, by name."""
    hints = _hints(kind)
    return {
        name: _field_info(hints[name])
        for name in FACT_KINDS[kind].model_fields
        if name not in HIDDEN
    }


def identity(fact: Fact) -> str:
    """Names a fact so that it can be recognised over time, e.g. ``demand:kyc/2031-03``."""
    parts = "/".join(str(getattr(fact, name)) for name in fact.NAMED_BY)
    return f"{fact.kind}:{parts}" if parts else fact.kind


def values_for_conditions(fact: Fact) -> dict[str, Any]:
    """Returns a fact as a condition sees it.

    What is unknown is left out, so that asking for it is an error and not a zero. Numbers that
    may have a fraction are doubles even when they have none, so that they compare with each other.
    """
    values: dict[str, Any] = {}
    for name, info in fields_of(fact.kind).items():
        value = getattr(fact, name)
        if value is not None:
            # Adding 0.0 makes 0.0 of -0.0, which are equal but divide differently.
            values[name] = float(value) + 0.0 if info.type == "number" else value
    return values


def blank(kind: str, now: datetime) -> dict[str, Any]:
    """Returns what the fields of a fact are that nobody mentions: empty, 0, no."""
    hints = _hints(kind)
    empty: dict[str, Any] = {}
    for name, info in fields_of(kind).items():
        if not FACT_KINDS[kind].model_fields[name].is_required() or info.values:
            continue
        if hints[name] == Period:
            empty[name] = f"{now:%Y-%m}"
        elif hints[name] in (Id, Line):
            empty[name] = kind
        else:
            empty[name] = {"text": "", "boolean": False}.get(info.type, 0)
    return empty


@cache
def _hints(kind: str) -> dict[str, Any]:
    return typing.get_type_hints(FACT_KINDS[kind], include_extras=True)


def _field_info(annotation: Any) -> FieldInfo:
    for_people = annotation in (Line, Text)
    optional = [one for one in typing.get_args(annotation) if one is not type(None)]
    if annotation != Number and _is_union(annotation) and len(optional) == 1:
        return _field_info(optional[0])
    if typing.get_origin(annotation) is Annotated and annotation != Number:
        inner = _field_info(typing.get_args(annotation)[0])
        return FieldInfo(inner.type, inner.keyed and not for_people, inner.values)
    if typing.get_origin(annotation) is Literal:
        return FieldInfo("text", keyed=True, values=typing.get_args(annotation))
    if annotation is bool:
        return FieldInfo("boolean", keyed=True)
    if annotation is int:
        return FieldInfo("whole", keyed=True)
    if annotation is str:
        return FieldInfo("text", keyed=True)
    return FieldInfo("number", keyed=False)


def _is_union(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return origin is Union or getattr(origin, "__name__", "") == "UnionType"
