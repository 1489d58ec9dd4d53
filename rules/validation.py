"""Plain data becomes a model, or every reason why not, in words rather than pydantic's terms."""

import re
import types
import typing
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ValidationError

from rules.faults import Fault, FaultsFound, did_you_mean, nearest
from rules.values import right_value

if TYPE_CHECKING:
    from rules.composing import Node

MOST_FAULTS = 100
"""So many are told of one document: nobody mends more at once, and telling them takes time."""

_QUOTED = re.compile(r"'([^']*)'")

_SAID: dict[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a map of names to values",
    "model_type": "a map of fields",
    "model_attributes_type": "a map of fields",
    "date_type": "a day like 2031-03-02",
    "date_parsing": "a day like 2031-03-02",
    "date_from_datetime_parsing": "a day like 2031-03-02",
    "date_from_datetime_inexact": "a day like 2031-03-02",
    "datetime_type": "a moment like 2031-01-12T09:00:00Z",
    "datetime_parsing": "a moment like 2031-01-12T09:00:00Z",
    "datetime_from_date_parsing": "a moment like 2031-01-12T09:00:00Z",
    "time_delta_type": "a span of time like 24h",
    "time_delta_parsing": "a span of time like 24h",
}


def validate_node(file: str, node: "Node", text: str, model: type[BaseModel]) -> BaseModel:
    """Validates the JSON text of a node strictly.

    Raises:
        FaultsFound: with one fault per wrong place, each where it stands in the file.
    """
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise FaultsFound(_faults(file, node, model, error)) from None


def _faults(
    file: str, node: "Node", model: type[BaseModel], error: ValidationError
) -> Iterable[Fault]:
    told = error.errors(include_url=False, include_input=False)
    more = len(told) - MOST_FAULTS
    # A union complains once per member: what fits best is told first, types are told together.
    errors: list[dict[str, Any]] = sorted(
        map(dict, told[:MOST_FAULTS]), key=lambda one: one["type"] in _SAID
    )
    wanted: dict[int, list[str]] = {}
    for one in errors:
        if one["type"] in _SAID:
            place, _, _ = _descend(node, tuple(one["loc"]))
            wanted.setdefault(id(place), []).append(_SAID[one["type"]])
    misspelt = {
        (one["loc"][:-1], nearest(str(one["loc"][-1]), _names_at(model, one["loc"][:-1])))
        for one in errors
        if one["type"] == "extra_forbidden"
    }
    faults: dict[tuple[int, int, str, str], Fault] = {}
    for one in errors:
        loc = tuple(one["loc"])
        if one["type"] == "missing" and (loc[:-1], loc[-1]) in misspelt:
            continue
        place, _, _ = _descend(node, loc)
        fault = _explain(file, node, model, one, _either(wanted.get(id(place), [])))
        said = "" if fault.code == "D203" else fault.message
        faults.setdefault((fault.line, fault.column, fault.code, said), fault)
    if more > 0:
        last = max(faults.values(), key=lambda fault: (fault.line, fault.column))
        rest = {"code": "D209", "message": f"and {more:,} more faults", "expected": "", "help": ""}
        return [*faults.values(), last.model_copy(update=rest)]
    return faults.values()


def _either(types_wanted: list[str]) -> str:
    words = list(dict.fromkeys(types_wanted))
    if "a number" in words and "a whole number" in words:
        words.remove("a whole number")
    return " or ".join(words)


def _explain(
    file: str, root: "Node", model: type[BaseModel], error: dict[str, Any], said: str
) -> Fault:
    kind, loc = error["type"], tuple(error["loc"])
    node, around, name = _descend(root, loc)
    place = (node.line, node.column)

    def fault(code: str, message: str, expected: str = "", help: str = "") -> Fault:  # noqa: A002
        line, column = place
        return Fault(
            code=code,
            file=file,
            line=line,
            column=column,
            message=message,
            expected=expected,
            help=help,
        )

    if kind == "extra_forbidden":
        place = around.keys.get(str(name), place)
        known = _names_at(model, loc[:-1])
        return fault("D201", f"unknown field '{name}'", help=did_you_mean(str(name), known))
    if kind == "missing":
        return fault("D202", f"the field '{loc[-1]}' is missing", help=f"add '{loc[-1]}'")
    if loc and loc[-1] == "[key]":
        place = around.keys.get(str(name), place)
    subject = f"'{name}'" if isinstance(name, str) else ""
    if kind == "twice":
        list_of_them = node.children.get(str(error.get("ctx", {}).get("field")), node)
        place = (list_of_them.line, list_of_them.column)
    if kind == "literal_error":
        allowed = _QUOTED.findall(str(error["ctx"].get("expected", "")))
        found = str(node.value)
        best = nearest(found, allowed)
        return fault(
            "D203",
            f"{subject or 'this'} cannot be {_show(node.value)}",
            expected="one of " + ", ".join(allowed),
            help=f"did you mean '{best}'?" if best else right_value(kind, node.value),
        )
    if kind == "unknown_name":
        place = around.keys.get(str(name), place) if name == error["ctx"]["name"] else place
        return fault(
            "D203", error["msg"], help=did_you_mean(error["ctx"]["name"], error["ctx"]["known"])
        )
    if kind in _SAID:
        return fault(
            "D203",
            f"{subject or 'this'} must be {said}, not {_show(node.value)}",
            expected=said,
            help=right_value(kind, node.value),
        )
    told = _rephrase(kind, error)
    help_ = right_value(kind, node.value if loc[-1:] != ("[key]",) else name)
    return fault("D203", f"{subject}: {told}" if subject else told, help=help_)


def _rephrase(kind: str, error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    if kind == "string_pattern_mismatch":
        if context.get("pattern", "").startswith("^[a-z0-9][a-z0-9._-]"):
            return "a name has small letters, digits, dot, dash or underscore, at most 100"
        if context.get("pattern", "").startswith("^[a-z_]"):
            return "a name in a rule has small letters, digits and underscores, at most 40"
        if context.get("pattern", "") == "^[0-9a-f]{64}$":
            return "a SHA-256 has 64 digits of 0-9 and a-f: sha256sum FILE"
        return f"the text does not look like {context.get('pattern')}"
    if kind == "greater_than_equal":
        return f"must be at least {context.get('ge')}"
    if kind == "less_than_equal":
        return f"must be at most {context.get('le')}"
    if kind in ("string_too_short", "too_short"):
        return "must not be empty"
    if kind in ("string_too_long", "too_long"):
        return f"is longer than {context.get('max_length')}"
    if kind == "finite_number":
        return "must be a finite number"
    message: str = error["msg"]
    return message


def _descend(root: "Node", loc: tuple[Any, ...]) -> tuple["Node", "Node", Any]:
    """Follows an error's place as far as the text goes: the node, what is around it, its name."""
    node, around, name = root, root, None
    for part in loc:
        # Names of union members and "[key]" stand in the place too, but not in the text.
        child = node.children.get(part)
        if child is not None:
            node, around, name = child, node, part
    return node, around, name


def _model_at(model: type[BaseModel], loc: tuple[Any, ...]) -> Any:
    here: Any = model
    for part in loc:
        here = type_at(here, part)
    return here


def type_at(here: Any, part: Any) -> Any:
    """Returns the type of a field, item or value inside a type; None where nothing is known."""
    here = _bare(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        for name, info in here.model_fields.items():
            if part in (name, info.alias):
                return info.annotation
        return None
    arguments = typing.get_args(here)
    if typing.get_origin(here) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _bare(annotation: Any) -> Any:
    """Strips what is around the type that matters: Annotated, and None of an Optional."""
    while True:
        if typing.get_origin(annotation) is Annotated:
            annotation = typing.get_args(annotation)[0]
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            members = [one for one in typing.get_args(annotation) if one is not type(None)]
            annotation = members[0]
            if len(members) > 1:
                return annotation
        else:
            return annotation


def _names_at(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    return field_order(_model_at(model, loc))


def field_order(annotation: Any) -> list[str]:
    """Returns the fields of a model as people write them, in its order; of anything else none."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return [info.alias or name for name, info in bare.model_fields.items()]
    return []


def _show(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"'{value[:60]}'"
    return f"the number {value}"
