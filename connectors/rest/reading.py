"""Reading answers: from a row, as the manifest says where things lie, to an object."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jmespath

from connectors.contract import Remote, RemoteField, RemoteSchema, Scalar
from connectors.rest.manifest import Kind, ShownField
from connectors.rest.template import filled_path
from connectors.understanding import version_of
from measures.mapping import same

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"epoch": 1, "epoch_ms": 1000}


def at(query: str | None, content: Any) -> Any:
    """Returns what lies at a place; None where nothing does, or no place is named."""
    return None if query is None else jmespath.search(query, content)


def text_at(query: str | None, content: Any) -> str:
    """Returns the text at a place; empty where there is none.

    Raises:
        TypeError: something else lies there.
    """
    found = at(query, content)
    if isinstance(found, (dict, list)):
        msg = f"{query} is no text, but {type(found).__name__}"
        raise TypeError(msg)
    return "" if found is None else str(found)


def name_at(query: str, content: Any) -> str:
    """Returns the name at a place.

    Raises:
        KeyError: there is none.
    """
    found = text_at(query, content)
    if not found:
        raise KeyError(query)
    return found


def rows_at(query: str, content: Any) -> list[Any]:
    """Returns the rows at a place.

    Raises:
        TypeError: there is no list.
    """
    found = at(query, content)
    if not isinstance(found, list):
        msg = f"{query} is no list"
        raise TypeError(msg)
    return found


def remote_of(name: str, kind: Kind, row: Any) -> Remote:
    """Returns the object that a row shows.

    Raises:
        ValueError, TypeError, KeyError: it is not as the manifest says.
    """
    shape = kind.object
    ref = name_at(shape.ref, row)
    shown = {field: at(place, row) for field, place in shape.places.items()}
    status = _status(kind, text_at(shape.status, row))
    external_id = text_at(shape.external_id, row)
    updated = text_at(shape.updated, row)
    version = text_at(shape.version, row)
    return Remote(
        kind=name,
        ref=ref,
        external_id=external_id,
        title=text_at(shape.title, row),
        status=status,
        version=version or version_of(updated, status, external_id, *shown.values()),
        updated_at=moment(kind.time, updated) if updated else None,
        actor=text_at(shape.actor, row),
        url=filled_path(shape.web, {"ref": ref}) if shape.web else "",
        fields=shown,
    )


def schema_of(name: str, kind: Kind) -> RemoteSchema:
    """Returns what the manifest says of a kind of object."""
    sent = (kind.create.names if kind.create else frozenset()) | (
        kind.update.names if kind.update else frozenset()
    )
    fields = {"title": RemoteField(name="title", writable="title" in sent, required=True)}
    for field, place in kind.object.fields.items():
        more = place if isinstance(place, ShownField) else ShownField(at=place)
        fields[field] = RemoteField(
            name=field,
            writable=field in sent,
            **more.model_dump(include={"title", "type", "required", "choices"}),
        )
    return RemoteSchema(
        kind=name,
        fields=fields,
        statuses=tuple(kind.statuses),
        closed=kind.closed,
        moves=kind.moves,
    )


def moment(form: str, written: str) -> datetime:
    """Returns the moment that a system wrote.

    Raises:
        ValueError: it is not written as the manifest says.
        OverflowError: no calendar has it.
    """
    if form in _UNITS:
        return _EPOCH + timedelta(seconds=float(written) / _UNITS[form])
    # A pattern may name a zone or not.
    read = datetime.fromisoformat(written) if form == "iso" else datetime.strptime(written, form)  # noqa: DTZ007
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def moment_written(form: str, when: datetime) -> Scalar:
    """Returns a moment as the system wants it: rounded down, so that nothing is passed over."""
    when = when.astimezone(UTC)
    if form in _UNITS:
        return int(when.timestamp() * _UNITS[form])
    if form == "iso":
        return when.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    return when.strftime(form)


def differing(found: Remote, patch: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Returns what of a patch an object shows otherwise.

    Nothing shows as null in one system and as an empty text in another. What is not shown at
    all, as a text that becomes the first comment, cannot be compared: it is written when the
    object is made and never again.
    """
    shown = found.fields
    return {
        name: one for name, one in patch.items() if name in shown and not same(shown[name], one)
    }


def _status(kind: Kind, shown: str) -> str:
    """Returns a status as people know it, also where the system shows what is sent for it."""
    if shown in kind.statuses:
        return shown
    sent = {str(value): status for status, value in kind.statuses.items()}
    return sent.get(shown, shown)
