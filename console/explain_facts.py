"""`sluice explain facts`: what a rule can look at, and what the rules in force do look at."""

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from console.output import Form, people, print_data
from measures.errors import ConfigurationError, RefusedError
from measures.facts import FACT_KINDS
from rules.describing import field_meanings, meaning
from rules.faults import did_you_mean
from rules.fields import FieldInfo, fields_of

if TYPE_CHECKING:
    from rules.looking import Looks
    from rules.schema import Pack

_TYPES = {"text": "text", "number": "number", "whole": "whole number", "boolean": "true or false"}


def print_facts(gate: str | None, output: Form) -> None:
    """Prints every kind of fact, or only those that decide at a gate.

    Raises:
        RefusedError: ``unknown-gate`` when no lifecycle of a pack in force has the gate.
    """
    looks = None if gate is None else _looks_at(gate)
    kinds = [_as_data(kind, looks) for kind in FACT_KINDS if looks is None or kind in looks]
    if output is not Form.TABLE:
        print_data({"gate": gate, "kinds": kinds}, output)
        return
    out = people()
    if gate is not None:
        out.print(f"What the rules in force look at, at the gate [bold]{escape(gate)}[/]:\n")
    for kind in kinds:
        outside = " [dim](stated by others: absent means not known)[/]" if kind["outside"] else ""
        out.print(f"[bold]{kind['kind']}[/]{outside}  {escape(kind['meaning'])}")
        for field in kind["fields"]:
            if field["field"] == "source" and gate is None:
                continue  # the same for every kind, so it is said once, at the end
            out.print(f"  {field['field']:<16} {field['type']:<14} {_said(field)}", markup=False)
        out.print()
    out.print(_advice(gate), markup=False)


def _said(field: dict[str, Any]) -> str:
    values = f" ({', '.join(field['values'])})" if field["values"] else ""
    rules = f"; looked at by {', '.join(field['rules'])}" if field.get("rules") else ""
    return f"{field['meaning']}{values}{rules}"


def _advice(gate: str | None) -> str:
    if gate is None:
        return (
            "Every fact also has a source, e.g. pool:kyc or plan.\n"
            "Only what the rules of one gate look at: sluice explain facts --gate GATE"
        )
    return "All that a rule can look at: sluice explain facts"


def _as_data(kind: str, looks: "Looks | None") -> dict[str, Any]:
    model = FACT_KINDS[kind]
    meanings = field_meanings(model)
    looked_at = None if looks is None else looks[kind]
    return {
        "kind": kind,
        "meaning": meaning(model),
        "outside": model.OUTSIDE,
        "fields": [
            _field(name, info, meanings.get(name, ""), optional=_optional(kind, name))
            | ({} if looked_at is None else {"rules": looked_at[name]})
            for name, info in fields_of(kind).items()
            if name != "kind" and (looked_at is None or name in looked_at)
        ],
    }


def _field(name: str, info: FieldInfo, words: str, *, optional: bool) -> dict[str, Any]:
    return {
        "field": name,
        "type": _TYPES[info.type],
        "meaning": words,
        "values": list(info.values),
        "in_patterns": info.keyed,
        "may_be_missing": optional,
    }


def _optional(kind: str, name: str) -> bool:
    info = FACT_KINDS[kind].model_fields[name]
    return not info.is_required() and info.default is None


def _looks_at(gate: str) -> "Looks":
    from rules.looking import looks_of

    packs = _packs_in_force()
    gates = {one for pack in packs for rule in pack.rules for one in rule.gates}
    if gate not in gates:
        help_ = did_you_mean(gate, gates)
        raise RefusedError("unknown-gate", f"there is no gate {gate!r}; {help_}")
    rules = [rule for pack in packs for rule in pack.rules]
    return looks_of(rule for rule in rules if gate in rule.gates and rule.text.mode != "off")


def _packs_in_force() -> "tuple[Pack, ...]":
    """Returns the packs of the ledger; where none is there yet, those that come built in."""
    from console.session import find_place, open_ledger
    from rules.loader import packs_in_force

    try:
        with open_ledger(find_place()) as ledger:
            return packs_in_force(ledger.directory().packs)
    except ConfigurationError:
        return packs_in_force({})
