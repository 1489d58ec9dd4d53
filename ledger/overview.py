"""Lists and counts over all measures, read from the projections."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, cast, func, select

from ledger.tables import measures, watches
from measures.model import Moment, Stored
from measures.surroundings import Standing


class MeasureRow(Stored):
    """A measure in a list.

    Attributes:
        gate: the gate of its waiting request; None when it waits for none.
        verdict: the latest answer of any gate; None when none was asked yet.
        rules: the ids of the rules that hold the waiting request.
        waived: the rules of the blockers that waivers set aside in the latest answer, one each.
    """

    id: str
    title: str
    type: str
    category: str | None
    package: str
    owner: str | None
    lifecycle: str
    stage: str
    on_hold: bool
    ended: bool
    cancelled: bool
    gate: str | None
    verdict: str | None
    rules: tuple[str, ...]
    waived: tuple[str, ...]
    waiting_for: tuple[str, ...]
    requested_at: Moment | None
    changed_at: Moment
    number: int


class FoundByRule(Stored):
    """How many live measures each rule holds, and how many it would hold were it enforced."""

    blocks: dict[str, int]
    would_block: dict[str, int]


class Money(Stored):
    """The pipeline in one currency, cancelled measures left out.

    Attributes:
        weighted: the benefit times the weight of its stage; cost is never weighted.
    """

    benefit: float
    weighted: float
    cost: float


class Counts(Stored):
    """How many measures there are of each sort.

    Attributes:
        by_rule: how many waiting measures each rule holds.
        waived_by_rule: how many blockers of each rule waivers set aside in the latest answers.
        pipeline: currency to money.
    """

    measures: int
    waiting: int
    by_stage: dict[str, int]
    by_verdict: dict[str, int]
    by_rule: dict[str, int]
    waived_by_rule: dict[str, int]
    pipeline: dict[str, Money]


def find_measures(
    connection: Connection,
    equal: Mapping[str, str | None],
    *,
    rule: str | None,
    waiting_for: str | None,
    pack: str | None,
    limit: int | None,
    offset: int,
) -> list[MeasureRow]:
    """Returns the measures whose columns equal the values that are not None, by id.

    Args:
        pack: a pack that judged them, ``name`` or ``name@digest`` with any number of digits.
    """
    wanted = [column for column in measures.columns if column.name in MeasureRow.model_fields]
    query = select(*wanted).order_by(measures.c.id).limit(limit).offset(offset)
    for name, value in equal.items():
        if value is not None:
            query = query.where(measures.c[name] == value)
    for name, value in (("rules", rule), ("waiting_for", waiting_for)):
        if value is not None:
            # The column is a JSON list; a name in it stands between quotes.
            quoted = json.dumps(value, ensure_ascii=False)
            query = query.where(measures.c[name].contains(quoted, autoescape=True))
    if pack is not None:
        name, _, digits = pack.partition("@")
        version = _in_state(connection, "packs", name)
        query = query.where(version.is_not(None), version.startswith(digits, autoescape=True))
    return [_measure_row(dict(row)) for row in connection.execute(query).mappings()]


def judged_by(connection: Connection, pack: str) -> dict[str, str]:
    """Returns the live measures that a pack judged, by id, each with the version's digest."""
    version = _in_state(connection, "packs", pack)
    query = (
        select(measures.c.id, version)
        .where(measures.c.ended.is_(False), version.is_not(None))
        .order_by(measures.c.id)
    )
    return {name: str(digest) for name, digest in connection.execute(query)}


def found_by_rule(connection: Connection) -> FoundByRule:
    """Counts per rule the live measures that it blocks, or would block, in the latest verdict."""
    warned = [
        _in_state(connection, *verdict, "warnings")
        for verdict in (("request", "verdict"), ("last_verdict",))
    ]
    query = select(func.coalesce(*warned), func.count()).where(measures.c.ended.is_(False))
    would_block: Counter[str] = Counter()
    for warnings, many in connection.execute(query.group_by(func.coalesce(*warned))):
        rules = {warning["rule"] for warning in json.loads(warnings or "[]")}
        would_block.update(dict.fromkeys(rules, many))
    return FoundByRule(blocks=_by_rule(connection), would_block=dict(would_block))


def _in_state(connection: Connection, *path: str) -> ColumnElement[Any]:
    """Returns one part of a measure's state as text, taken out by the database."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import JSON

        part: ColumnElement[Any] = cast(measures.c.state, JSON)[path].astext
        return part
    return func.json_extract(measures.c.state, "$" + "".join(f'."{name}"' for name in path))


def standings(connection: Connection, ids: Sequence[str]) -> dict[str, Standing]:
    """Returns where these measures stand, by id; those that do not exist are left out."""
    wanted = [column for column in measures.columns if column.name in Standing.model_fields]
    query = select(*wanted).where(measures.c.id.in_(ids))
    return {
        row["id"]: Standing.model_validate(
            {
                **row,
                "stages": tuple(json.loads(row["stages"])),
                "owner": row["owner"] or "",
                "changed_at": datetime.fromisoformat(row["changed_at"]),
            }
        )
        for row in connection.execute(query).mappings()
    }


def with_waivers(connection: Connection) -> list[str]:
    """Returns the measures that were ever given a waiver, by id."""
    query = select(measures.c.id).where(measures.c.waivers > 0).order_by(measures.c.id)
    return list(connection.execute(query).scalars())


def stages(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Returns the stages of every measure's own lifecycle, in order, by the measure's id."""
    # Few lifecycles, many measures: each list of stages is read once.
    known: dict[str, tuple[str, ...]] = {}
    found: dict[str, tuple[str, ...]] = {}
    for name, text in connection.execute(select(measures.c.id, measures.c.stages)):
        if text not in known:
            known[text] = tuple(json.loads(text))
        found[name] = known[text]
    return found


def waiting(connection: Connection, watching: str | None = None) -> list[str]:
    """Returns the measures with a waiting request, the oldest first.

    Args:
        connection: where to look.
        watching: only those whose answer may change with this stream.
    """
    if watching is None:
        return list(connection.execute(_WAITING).scalars())
    return list(connection.execute(_WAITING_ON, {"stream": watching}).scalars())


_WAITING = (
    select(measures.c.id)
    .where(measures.c.requested_at.is_not(None))
    .order_by(measures.c.requested_at, measures.c.id)
)
_WAITING_ON = _WAITING.join(watches, watches.c.measure == measures.c.id).where(
    watches.c.stream == bindparam("stream")
)


def launched_on(connection: Connection, stream: str) -> list[str]:
    """Returns the measures that watch a stream for their permit only; none of them waits."""
    return list(connection.execute(_LAUNCHED_ON, {"stream": stream}).scalars())


_LAUNCHED_ON = (
    select(measures.c.id)
    .join(watches, watches.c.measure == measures.c.id)
    .where(watches.c.stream == bindparam("stream"), measures.c.requested_at.is_(None))
    .order_by(measures.c.id)
)


def watching(connection: Connection, stream: str) -> list[str]:
    """Returns the measures that watch a stream: who waits, the oldest first, then the launched."""
    return list(connection.execute(_WATCHING, {"stream": stream}).scalars())


_WATCHING = (
    select(measures.c.id)
    .join(watches, watches.c.measure == measures.c.id)
    .where(watches.c.stream == bindparam("stream"))
    .order_by(measures.c.requested_at.is_(None), measures.c.requested_at, measures.c.id)
)


def oldest_request(connection: Connection) -> datetime | None:
    """Returns when the request that waits longest was made; None when none waits."""
    found = connection.execute(select(func.min(measures.c.requested_at))).scalar()
    return None if found is None else datetime.fromisoformat(found)


def count(connection: Connection) -> Counts:
    """Counts all measures."""
    c = measures.c
    by_stage: Counter[str] = Counter()
    by_verdict: Counter[str] = Counter()
    sorts = select(c.stage, c.verdict, func.count()).group_by(c.stage, c.verdict)
    for stage, verdict, many in connection.execute(sorts):
        by_stage[stage] += many
        by_verdict[verdict or "none"] += many
    held = select(func.count()).where(c.gate.is_not(None))
    waived_by_rule: Counter[str] = Counter()
    for waived in connection.execute(select(c.waived).where(c.waived != "[]")).scalars():
        waived_by_rule.update(json.loads(waived))
    return Counts(
        measures=by_stage.total(),
        waiting=connection.execute(held).scalar_one(),
        by_stage=dict(by_stage),
        by_verdict=dict(by_verdict),
        by_rule=_by_rule(connection),
        waived_by_rule=dict(waived_by_rule),
        pipeline=_pipeline(connection),
    )


def _by_rule(connection: Connection) -> dict[str, int]:
    """Counts the waiting measures that each rule holds."""
    c = measures.c
    by_rule: Counter[str] = Counter()
    blocked = select(c.rules, func.count()).where(c.gate.is_not(None)).group_by(c.rules)
    for rules, many in connection.execute(blocked):
        by_rule.update(dict.fromkeys(json.loads(rules), many))
    return dict(by_rule)


def _pipeline(connection: Connection) -> dict[str, Money]:
    c = measures.c
    query = (
        select(c.currency, c.weight, func.sum(c.benefit), func.sum(c.cost))
        .where(c.currency.is_not(None), c.cancelled.is_(False))
        .group_by(c.currency, c.weight)
        .order_by(c.currency, c.weight)
    )
    pipeline: dict[str, Money] = {}
    for currency, weight, benefit, cost in connection.execute(query):
        so_far = pipeline.get(currency, Money(benefit=0.0, weighted=0.0, cost=0.0))
        pipeline[currency] = Money(
            benefit=so_far.benefit + benefit,
            weighted=so_far.weighted + benefit * weight,
            cost=so_far.cost + cost,
        )
    return pipeline


def _measure_row(row: Mapping[str, Any]) -> MeasureRow:
    at = row["requested_at"]
    return MeasureRow.model_validate(
        {
            **row,
            "rules": tuple(json.loads(row["rules"])),
            "waived": tuple(json.loads(row["waived"])),
            "waiting_for": tuple(json.loads(row["waiting_for"])),
            "requested_at": None if at is None else datetime.fromisoformat(at),
            "changed_at": datetime.fromisoformat(row["changed_at"]),
        }
    )
