"""From entries to the rows that lists and states are read from; all of it can be rebuilt."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Insert, Table, delete
from sqlalchemy.dialects import sqlite

import measures.contact
import measures.delivery
import measures.documents
import measures.launch
import measures.lifecycle
import measures.links
import measures.loads
import measures.mapping
import measures.model
import measures.objects
import measures.permits
import measures.pool
import measures.pool_folding
import measures.pool_load
import measures.pool_state
import measures.remote
import measures.state
import measures.throttle
import measures.turns
import measures.verdict
import measures.waivers
from ledger import tables
from ledger.chain import Row, write_moment
from measures.contact import ContactState, fold_contact
from measures.digest import canonical, digest
from measures.entry import Entry, object_stream, subject_of
from measures.errors import LedgerError, LedgerTamperedError, RefusedError
from measures.launch import LaunchState, fold_launch
from measures.model import Moment, Stored
from measures.objects import ObjectState, fold_object
from measures.plan import Finance
from measures.pool import PoolState, fold_pool
from measures.remote import RemoteState, fold_remote
from measures.state import MeasureState, fold_measure

COST = "cost"
"""The line of a plan's money that is spent; every other line is benefit."""


REMOVED = "removed"
"""The key, holding the reason, that stands in place of a document's content once it is taken away.

No kind of document has a field of that name."""


class AppliedDocument(Stored):
    """The newest version of a document, and who applied it."""

    kind: str
    id: str
    version: int
    digest: str
    body: dict[str, Any]
    applied_at: Moment
    applied_by: str

    @property
    def removed(self) -> bool:
        """Whether this says that the document was taken away; the versions before it stay."""
        return REMOVED in self.body


State = (
    MeasureState
    | PoolState
    | LaunchState
    | RemoteState
    | ObjectState
    | ContactState
    | AppliedDocument
)


def number_of(state: State) -> int:
    """Returns how many entries a stream has."""
    return state.version if isinstance(state, AppliedDocument) else state.number


def entry_of(row: Row) -> Entry:
    """Reads a stored entry.

    Raises:
        LedgerTamperedError: when it is none that this release could have written.
    """
    try:
        return Entry.model_validate(
            {**row, "at": datetime.fromisoformat(row["at"]), "body": json.loads(row["body"])}
        )
    except (ValueError, TypeError, RecursionError) as error:
        why = _first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise LedgerTamperedError(row["position"], f"it cannot be read: {why}") from error


def fold(state: State | None, entry: Entry) -> State:
    """Returns the state of a stream after one more entry.

    Raises:
        LedgerError: when the entry cannot follow.
    """
    try:
        folded = _fold(state, entry)
        number = number_of(folded)
        identity = _identity(folded)
    except (ValueError, LookupError, TypeError, AttributeError, RefusedError) as error:
        why = _first_fault(error) if isinstance(error, ValidationError) else str(error)
        msg = f"{entry.stream} entry {entry.number} ({entry.kind}) cannot be recorded: {why}"
        raise LedgerError(msg) from error
    if number != entry.number or identity != subject_of(entry.stream):
        msg = (
            f"{entry.stream} entry {entry.number} ({entry.kind}) cannot be recorded:"
            f" it makes entry {number} of {identity}"
        )
        raise LedgerError(msg)
    return folded


def rows_of(state: State, position: int) -> tuple[Table, Row]:
    """Returns the row that shows a state, and the table it stands in."""
    if isinstance(state, MeasureState):
        return tables.measures, _measure_row(state, position)
    if isinstance(state, PoolState):
        return tables.pools, _pool_row(state, position)
    if isinstance(state, LaunchState):
        return tables.launches, _launch_row(state, position)
    if isinstance(state, RemoteState):
        return tables.remotes, _remote_row(state, position)
    if isinstance(state, ObjectState):
        return tables.objects, _object_row(state, position)
    if isinstance(state, ContactState):
        return tables.contacts, _contact_row(state, position)
    return tables.documents, _document_row(state, position)


def state_of(table: Table, row: Mapping[str, Any]) -> State:
    """Reads a state back from its row.

    Raises:
        LedgerError: when the row is damaged.
    """
    try:
        return _state_of(table, row)
    except (ValueError, TypeError) as error:
        name = f"{table.name} {row['id']}"
        msg = f"the projection of {name} cannot be read; run `sluice ledger verify`"
        raise LedgerError(msg) from error


def write_states(connection: Connection, states: Iterable[tuple[State | None, State, int]]) -> None:
    """Writes the rows of states; each comes with the one before it and its last position."""
    rows: dict[Table, list[Row]] = {}
    unwatched: list[str] = []
    watched: list[Row] = []
    unlinked: list[str] = []
    linked: list[Row] = []
    for before, after, position in states:
        table, row = rows_of(after, position)
        rows.setdefault(table, []).append(row)
        if not isinstance(after, MeasureState):
            continue
        watches_before = before.watches if isinstance(before, MeasureState) else ()
        if after.watches != watches_before:
            unwatched += [after.id] if watches_before else []
            watched += [{"stream": stream, "measure": after.id} for stream in after.watches]
        links_before = _links_of(before) if isinstance(before, MeasureState) else []
        links_after = _links_of(after)
        if links_after != links_before:
            unlinked += [after.id] if links_before else []
            linked += links_after
    for table, changed in rows.items():
        connection.execute(upsert(table, connection.dialect.name), changed)
    if unwatched:
        connection.execute(delete(tables.watches).where(tables.watches.c.measure.in_(unwatched)))
    if watched:
        connection.execute(upsert(tables.watches, connection.dialect.name), watched)
    if unlinked:
        connection.execute(delete(tables.links).where(tables.links.c.measure.in_(unlinked)))
    if linked:
        connection.execute(upsert(tables.links, connection.dialect.name), linked)


_MADE = (
    tables.measures,
    tables.pools,
    tables.launches,
    tables.remotes,
    tables.objects,
    tables.contacts,
    tables.documents,
    tables.watches,
    tables.links,
)


def clear(connection: Connection) -> None:
    """Throws the projections away."""
    for table in _MADE:
        connection.execute(delete(table))


def mark(connection: Connection) -> None:
    """Notes which code made the projections."""
    connection.execute(
        upsert(tables.marks, connection.dialect.name),
        [{"name": "folded_with", "value": folded_with()}],
    )


@cache
def folded_with() -> str:
    """Names the code that folds entries; projections made by other code are made anew at open.

    The text of the modules rather than a version number by hand: nobody has to remember to
    raise it, and a change that alters nothing costs one rebuild of seconds.
    """
    modules = (
        measures.contact,
        measures.delivery,
        measures.documents,
        measures.launch,
        measures.lifecycle,
        measures.links,
        measures.loads,
        measures.mapping,
        measures.model,
        measures.objects,
        measures.permits,
        measures.pool,
        measures.pool_folding,
        measures.pool_load,
        measures.pool_state,
        measures.remote,
        measures.state,
        measures.throttle,
        measures.turns,
        measures.verdict,
        measures.waivers,
    )
    files = [Path(str(module.__file__)) for module in modules] + [Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _fold(state: State | None, entry: Entry) -> State:
    thing = entry.stream.partition(":")[0]
    if (state is None) != (entry.number == 1):
        msg = f"the stream has {0 if state is None else number_of(state)} entries"
        raise ValueError(msg)
    if state is not None and entry.kind in {"measure_defined", "pool_opened"}:
        msg = "only the first entry of a stream begins it"
        raise ValueError(msg)
    match thing:
        case "measure" if state is None or isinstance(state, MeasureState):
            return fold_measure(state, entry)
        case "pool" if state is None or isinstance(state, PoolState):
            return fold_pool(state, entry)
        case "launch" if state is None or isinstance(state, LaunchState):
            return fold_launch(state, entry)
        case "remote" if state is None or isinstance(state, RemoteState):
            return fold_remote(state, entry)
        case "object" if state is None or isinstance(state, ObjectState):
            return fold_object(state, entry)
        case "connection" if state is None or isinstance(state, ContactState):
            return fold_contact(state, entry)
        case "document":
            return _apply(entry)
        case _:
            msg = (
                "a stream is named measure:ID, pool:ID, launch:REF, remote:ID, connection:ID,"
                " object:CONNECTION/KIND/REF or document:KIND/ID"
            )
            raise ValueError(msg)


def _apply(entry: Entry) -> AppliedDocument:
    if entry.kind != "document_applied":
        msg = f"{entry.kind} does not belong to a document"
        raise ValueError(msg)
    kind, _, name = subject_of(entry.stream).partition("/")
    content = entry.body["document"]
    return AppliedDocument(
        kind=kind,
        id=name,
        version=entry.number,
        digest=digest(content),
        body=content,
        applied_at=entry.at,
        applied_by=entry.by,
    )


def _state_of(table: Table, row: Mapping[str, Any]) -> State:
    if table is tables.measures:
        return MeasureState.model_validate_json(row["state"], strict=False)
    if table is tables.pools:
        return PoolState.model_validate_json(row["state"], strict=False)
    if table is tables.launches:
        return LaunchState.model_validate_json(row["state"], strict=False)
    if table is tables.remotes:
        return RemoteState.model_validate_json(row["state"], strict=False)
    if table is tables.objects:
        return ObjectState.model_validate_json(row["state"], strict=False)
    if table is tables.contacts:
        return ContactState.model_validate_json(row["state"], strict=False)
    return AppliedDocument(
        kind=row["kind"],
        id=row["id"],
        version=row["version"],
        digest=row["digest"],
        body=json.loads(row["body"]),
        applied_at=datetime.fromisoformat(row["applied_at"]),
        applied_by=row["applied_by"],
    )


def _identity(state: State) -> str:
    if isinstance(state, PoolState):
        return state.pool.id
    if isinstance(state, LaunchState):
        return state.ref
    return f"{state.kind}/{state.id}" if isinstance(state, AppliedDocument) else state.id


def _measure_row(state: MeasureState, position: int) -> Row:
    plan, waiting = state.plan, None if state.ended else state.request
    latest = state.last_verdict
    benefit, cost = _money(plan.finance)
    return {
        "id": state.id,
        "title": plan.title,
        "type": plan.type,
        "category": plan.category,
        "package": plan.package,
        "owner": plan.owner,
        "lifecycle": plan.lifecycle,
        "stage": state.stage,
        "stages": _list(tuple(state.lifecycle.order)),
        "weight": state.lifecycle.weight(state.stage),
        "on_hold": state.on_hold is not None,
        "ended": state.ended,
        "cancelled": state.cancelled is not None,
        "gate": waiting.gate if waiting else None,
        "verdict": latest.verdict if latest else None,
        "rules": _list(waiting.verdict.blocking_rules if waiting else ()),
        "waiting_for": _list(waiting.waiting_for if waiting else ()),
        "requested_at": write_moment(waiting.at) if waiting else None,
        "changed_at": write_moment(state.changed_at),
        "currency": plan.finance.currency if plan.finance else None,
        "benefit": benefit,
        "cost": cost,
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
        "waived": _list(tuple(one.rule for one in latest.waived) if latest else ()),
        "waivers": len(state.waivers),
        "campaign": plan.campaign.ref if plan.campaign else None,
    }


def _pool_row(state: PoolState, position: int) -> Row:
    return {
        "id": state.pool.id,
        "title": state.pool.title,
        "unit": state.pool.unit,
        "owner": state.pool.owner,
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
    }


def _launch_row(state: LaunchState, position: int) -> Row:
    return {
        "id": state.ref,
        "connector": state.campaign.connector,
        "measure": state.measure,
        "phase": state.phase,
        "ended": state.ended_at is not None,
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
    }


def _remote_row(state: RemoteState, position: int) -> Row:
    return {
        "id": state.id,
        "connection": state.connection,
        "kind": state.kind,
        "ref": state.ref,
        "measure": state.measure,
        "mapping": state.mapping.id,
        "ended": state.ended_at is not None,
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
    }


def _object_row(state: ObjectState, position: int) -> Row:
    connection, kind, ref = state.id.split("/", 2)
    return {
        "id": state.id,
        "connection": connection,
        "kind": kind,
        "ref": ref,
        "known": state.known,
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
    }


def _contact_row(state: ContactState, position: int) -> Row:
    return {
        "id": state.id,
        "lost": state.lost_since is not None,
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
    }


def _links_of(state: MeasureState) -> list[Row]:
    """Returns what a measure waits for in other systems; nothing once it has ended."""
    return [
        {
            "connection": one.connection,
            "kind": one.object,
            "ref": one.ref,
            "measure": state.id,
            "object": subject_of(object_stream(one.connection, one.object, one.ref)),
        }
        for one in state.plan.links
        if not state.ended
    ]


def _document_row(state: AppliedDocument, position: int) -> Row:
    return {
        "kind": state.kind,
        "id": state.id,
        "version": state.version,
        "digest": state.digest,
        "body": canonical(state.body).decode(),
        "applied_at": write_moment(state.applied_at),
        "applied_by": state.applied_by,
        "position": position,
    }


def _money(finance: Finance | None) -> tuple[float, float]:
    lines = finance.plan if finance else {}
    benefit = sum(amount for line, amount in lines.items() if line != COST)
    return float(benefit), float(lines.get(COST, 0))


def _list(names: tuple[str, ...]) -> str:
    return json.dumps(names, ensure_ascii=False)


@cache
def upsert(table: Table, dialect: str) -> Insert:
    """Returns what inserts rows, or sets all but their key where they are there already."""
    if dialect == "postgresql":
        # Loaded here: it is large, and a ledger in a file never needs it.
        from sqlalchemy.dialects import postgresql

        insert: postgresql.Insert | sqlite.Insert = postgresql.insert(table)
    else:
        insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    others = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
    if not others:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_=others)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
