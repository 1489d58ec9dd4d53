"""The kinds of life that streams record: how each is folded, and the row that shows it."""

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Table

from ledger import tables
from ledger.chain import Row, write_moment
from measures.contact import ContactState, fold_contact
from measures.folding import fold_measure
from measures.launch import LaunchState, fold_launch
from measures.money import benefit_of, cost_of
from measures.objects import ObjectState, fold_object
from measures.pool import PoolState, fold_pool
from measures.remote import RemoteState, fold_remote
from measures.state import MeasureState

LivingState = MeasureState | PoolState | LaunchState | RemoteState | ObjectState | ContactState
"""What the entries of a life lead to."""


class Life(NamedTuple):
    """A kind of life.

    Attributes:
        state: what its entries lead to.
        fold: the state after one more entry.
        table: where it is shown.
        subject: its name: what its stream has behind the colon.
        columns: what is shown beside the name, the number and position of its latest entry, and
            the state itself.
    """

    state: type[LivingState]
    fold: Callable[[Any, Any], LivingState]
    table: Table
    subject: Callable[[Any], str]
    columns: Callable[[Any], Row]


def _measure(state: MeasureState) -> Row:
    plan, waiting = state.plan, None if state.ended else state.request
    latest, money = state.last_verdict, plan.finance.plan if plan.finance else {}
    return {
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
        "benefit": float(benefit_of(money)),
        "cost": float(cost_of(money)),
        "waived": _list(tuple(one.rule for one in latest.waived) if latest else ()),
        "waivers": len(state.waivers),
        "campaign": plan.campaign.ref if plan.campaign else None,
    }


def _pool(state: PoolState) -> Row:
    pool = state.pool
    return {"title": pool.title, "unit": pool.unit, "owner": pool.owner}


def _launch(state: LaunchState) -> Row:
    return {
        "connector": state.campaign.connector,
        "measure": state.measure,
        "phase": state.phase,
        "ended": state.ended_at is not None,
    }


def _remote(state: RemoteState) -> Row:
    return {
        "connection": state.connection,
        "kind": state.kind,
        "ref": state.ref,
        "measure": state.measure,
        "mapping": state.mapping.id,
        "ended": state.ended_at is not None,
    }


def _object(state: ObjectState) -> Row:
    connection, kind, ref = state.id.split("/", 2)
    return {"connection": connection, "kind": kind, "ref": ref, "known": state.known}


def _contact(state: ContactState) -> Row:
    return {"lost": state.lost_since is not None}


def _list(names: tuple[str, ...]) -> str:
    return json.dumps(names, ensure_ascii=False)


LIVES = {
    "measure": Life(MeasureState, fold_measure, tables.measures, attrgetter("id"), _measure),
    "pool": Life(PoolState, fold_pool, tables.pools, attrgetter("pool.id"), _pool),
    "launch": Life(LaunchState, fold_launch, tables.launches, attrgetter("ref"), _launch),
    "remote": Life(RemoteState, fold_remote, tables.remotes, attrgetter("id"), _remote),
    "object": Life(ObjectState, fold_object, tables.objects, attrgetter("id"), _object),
    "connection": Life(ContactState, fold_contact, tables.contacts, attrgetter("id"), _contact),
}
"""By what the names of their streams begin with. Documents are no lives: each version says all."""


def life_of(state: LivingState) -> Life:
    """Returns the kind of life that led to a state."""
    return _BY_STATE[type(state)]


def life_in(table: Table) -> Life:
    """Returns the kind of life that a table shows."""
    return _BY_TABLE[table]


_BY_STATE = {life.state: life for life in LIVES.values()}
_BY_TABLE = {life.table: life for life in LIVES.values()}
