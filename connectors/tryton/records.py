"""Records of Tryton, in our words and as it takes them."""

from collections.abc import Mapping
from typing import Any

from connectors.contract import Remote, Scalar
from connectors.tryton.settings import Kind
from connectors.tryton.wire import moment, plain
from connectors.understanding import version_of

_MECHANISMS = frozenset({"email", "phone", "website"})
"""Ways to reach a party: shown as its fields, kept as records of their own."""


def asked(shape: Kind) -> list[tuple[str, str]]:
    """Returns the parameters that ask for a record's fields."""
    named = [*basis(shape), "last_modified_at", "write_uid.login", "create_uid.login"]
    if shape.model == "party.party":
        named += [f"identifiers.{part}" for part in ("type", "code")]
        named += [f"contact_mechanisms.{part}" for part in ("type", "value")]
    return [("f", name) for name in named]


def called(shape: Kind, external_id: str) -> list[Any]:
    """Returns the condition that a record has our name."""
    if shape.model != "party.party":
        return ["reference", "=", external_id]
    # Identifiers of a type are numbers of tax offices and registers.
    return ["identifiers", "where", [["code", "=", external_id], ["type", "=", None]]]


def basis(shape: Kind) -> list[str]:
    """Returns the fields that are shown, and make a record's version."""
    state = ("state",) if shape.statuses else ()
    text = (shape.text,) if shape.text else ()
    return list(dict.fromkeys((shape.title, *text, *state, *shape.reads)))


def remote(kind: str, shape: Kind, row: Mapping[str, Any], root: str) -> Remote:
    """Returns a record as its fields show it."""
    shown = {name: plain(row.get(name)) for name in basis(shape)}
    actor = row.get("write_uid") or row.get("create_uid") or {}
    changed = moment(row["last_modified_at"])
    external_id = row.get("reference") or ""
    if shape.model == "party.party":
        codes = [one["code"] for one in row.get("identifiers") or () if not one.get("type")]
        external_id = codes[0] if codes else ""
    return Remote(
        kind=kind,
        ref=str(row["id"]),
        external_id=external_id,
        title=row.get(shape.title) or "",
        status=row["state"] if shape.statuses else "",
        version=version_of(changed, external_id, *shown.values()),
        updated_at=changed,
        actor=str(actor.get("login", "")),
        url=f"{root}/#model/{shape.model}/{row['id']}",
        fields={**shown, **_mechanisms(row)},
    )


def new_record(
    shape: Kind, external_id: str, content: Mapping[str, Scalar], place: Mapping[str, int]
) -> dict[str, Any]:
    """Returns what makes a record.

    Args:
        shape: its kind.
        external_id: our name for it.
        content: what is written, by its fields.
        place: where new leads belong.
    """
    if shape.model != "party.party":
        return {**place, **content, "reference": external_id}
    return {
        **change(content, {}),
        "identifiers": [["create", [{"type": None, "code": external_id}]]],
    }


def change(content: Mapping[str, Scalar], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what changes a record.

    Args:
        content: what is written, by its fields.
        shown: what the record shows.
    """
    own = {name: value for name, value in content.items() if name not in _MECHANISMS}
    steps = []
    for name, value in content.items():
        if name not in _MECHANISMS:
            continue
        number = shown.get("contact_mechanisms", {}).get(name)
        if number is not None:
            steps.append(["write", [number], {"value": value}] if value else ["delete", [number]])
        elif value:
            steps.append(["create", [{"type": name, "value": value}]])
    return {**own, **({"contact_mechanisms": steps} if steps else {})}


def _mechanisms(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the number of the first way of each type to reach a party."""
    numbers: dict[str, int] = {}
    for one in row.get("contact_mechanisms") or ():
        numbers.setdefault(one["type"], one["id"])
    return {"contact_mechanisms": numbers} if numbers else {}
