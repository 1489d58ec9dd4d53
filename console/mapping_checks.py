"""Does a mapping fit the system it is for? Pure checks against what the system describes."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from connectors.contract import Manifest, RemoteSchema
from measures.mapping import Mapping
from measures.remotes import CLEARED, OPEN
from rules.source import did_you_mean

ALWAYS = ("title", "text")
"""Every connector takes these, whatever its system calls them."""


class Unfit(NamedTuple):
    """Something of a mapping that its system cannot do.

    Attributes:
        level: an ``error`` stops every object, a ``warning`` some of them at some time.
        place: where in the document.
        help: what to write instead; empty where that is not known.
    """

    level: Literal["error", "warning"]
    place: str
    message: str
    help: str = ""


def kind_faults(mapping: Mapping, manifest: Manifest) -> list[Unfit]:
    """Returns what a connector cannot do at all that a mapping needs."""
    faults = []
    if mapping.object not in manifest.kinds:
        known = ", ".join(manifest.kinds) or "none"
        message = f"{manifest.title} has no {mapping.object!r} through {manifest.name}: {known}"
        help_ = did_you_mean(mapping.object, manifest.kinds)
        faults.append(Unfit("error", "object", message, help_))
    needed = {"upsert", "find", "describe"} | ({"transition"} if mapping.statuses else set())
    missing = sorted(needed - manifest.can)
    if missing:
        message = f"{manifest.title} cannot {', '.join(missing)} through {manifest.name}"
        faults.append(Unfit("error", "connection", message))
    if "comment" not in manifest.can:
        message = f"{manifest.title} takes no comments through {manifest.name}: nothing is said"
        faults.append(Unfit("error", "connection", message))
    return faults


def schema_faults(mapping: Mapping, schema: RemoteSchema) -> list[Unfit]:
    """Returns what of a mapping does not fit what the system describes."""
    return [*_fields(mapping, schema), *_statuses(mapping, schema), *_moves(mapping, schema)]


def _fields(mapping: Mapping, schema: RemoteSchema) -> Iterator[Unfit]:
    for number, field in enumerate(mapping.fields):
        place = f"fields[{number}]"
        known = schema.fields.get(field.theirs)
        if known is None:
            if field.theirs not in ALWAYS:
                hint = did_you_mean(field.theirs, [*schema.fields, *ALWAYS])
                message = f"{schema.kind} has no field {field.theirs!r}"
                yield Unfit("error", f"{place}.theirs", message, hint)
            continue
        if not known.writable:
            message = f"{field.theirs} of {schema.kind} cannot be written"
            yield Unfit("error", f"{place}.theirs", message)
        for ours, theirs in field.values.items():
            if known.choices and str(theirs) not in known.choices:
                message = f"{field.theirs} of {schema.kind} cannot be {theirs!r}"
                hint = did_you_mean(str(theirs), known.choices)
                yield Unfit("error", f"{place}.values.{ours}", message, hint)
    mapped = {field.theirs for field in mapping.fields}
    for name, one in schema.fields.items():
        if one.required and one.writable and name not in mapped:
            message = f"a new {schema.kind} needs {name!r}, and nothing of ours is shown there"
            yield Unfit("error", "fields", message, f"add {{ours: ..., theirs: {name}}}")


def _statuses(mapping: Mapping, schema: RemoteSchema) -> Iterator[Unfit]:
    for ours, theirs in mapping.statuses.items():
        if schema.statuses and theirs not in schema.statuses:
            message = f"{schema.kind} has no status {theirs!r}"
            hint = did_you_mean(theirs, schema.statuses)
            yield Unfit("error", f"statuses.{ours}", message, hint)
    cleared, opened = _known(mapping, schema, CLEARED), _known(mapping, schema, OPEN)
    if cleared is not None and schema.closed and cleared not in schema.closed:
        message = f"{cleared!r} does not mean done there; {', '.join(schema.closed)} does"
        yield Unfit("warning", f"statuses.{CLEARED}", message)
    if opened is not None and opened in schema.closed:
        message = f"{opened!r} means done there, but what blocks still stands"
        yield Unfit("error", f"statuses.{OPEN}", message)


def _known(mapping: Mapping, schema: RemoteSchema, phase: str) -> str | None:
    """Returns a blocker's status, where it is mapped to one that there is."""
    status = mapping.statuses.get(phase) if mapping.purpose == "blockers" else None
    return status if not schema.statuses or status in schema.statuses else None


def _moves(mapping: Mapping, schema: RemoteSchema) -> Iterator[Unfit]:
    """Objects go from one mapped status to the next in one move, and back when it comes back."""
    if not schema.moves:
        return
    cleared, opened = _known(mapping, schema, CLEARED), _known(mapping, schema, OPEN)
    if cleared is None or opened is None:
        return
    if cleared not in schema.moves.get(opened, ()):
        message = f"{schema.kind} cannot be moved from {opened!r} to {cleared!r}"
        can = ", ".join(schema.moves.get(opened, ())) or "nothing"
        yield Unfit("error", f"statuses.{CLEARED}", message, f"from {opened!r} there is: {can}")
    if opened not in schema.moves.get(cleared, ()):
        message = (
            f"{schema.kind} cannot be moved back from {cleared!r} to {opened!r}: a blocker that"
            " comes back stays closed there"
        )
        yield Unfit("warning", f"statuses.{OPEN}", message)
