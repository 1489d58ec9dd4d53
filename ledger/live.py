"""The measures that have not ended, in pages of one moment, with all that their facts need."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, func, select, tuple_

from ledger import overview
from ledger.database import Database
from ledger.projection import state_of
from ledger.tables import contacts, launches, links, measures, objects, pools
from measures.link_facts import Linked, linked_of
from measures.pool import PoolState
from measures.surroundings import LivePage

PAGE = 200
"""Measures of one page: enough that a statement costs little for each, few enough to spread."""


class Place(NamedTuple):
    """A stage of a lifecycle, in one of its versions.

    Attributes:
        lifecycle: its id.
        path: every stage of that version in order, as the column holds it.
    """

    lifecycle: str
    stage: str
    path: str

    @property
    def stages(self) -> list[str]:
        """Every stage of that version, in order."""
        stages: list[str] = json.loads(self.path)
        return stages

    @property
    def next_stage(self) -> str | None:
        """The stage after this one, None after the last."""
        stages = self.stages
        number = stages.index(self.stage) + 1
        return stages[number] if number < len(stages) else None

    def has_passed(self, gate: str) -> bool:
        """Tells whether a measure here has passed the gate to a stage."""
        stages = self.stages
        return gate in stages[: stages.index(self.stage) + 1]


class LiveMeasures:
    """Every measure that has not ended, as of one moment.

    Attributes:
        places: how many there are in each stage.
        pools: every pool.
    """

    def __init__(self, connection: Connection) -> None:
        """Reads what all pages share.

        Args:
            connection: of a snapshot, see `Database.reading`.
        """
        self._connection = connection
        self.places = _count(connection)
        rows = connection.execute(select(pools)).mappings()
        states = (state_of(pools, dict(row)) for row in rows)
        self._audiences = _with_audiences(connection)
        self.pools = {one.pool.id: one for one in states if isinstance(one, PoolState)}

    def pages(self, places: Collection[Place]) -> Iterator[LivePage]:
        """Yields the measures that stand in these places, by id."""
        c = measures.c
        query = (
            select(c.id, c.state)
            .where(c.ended.is_(False), tuple_(c.lifecycle, c.stage, c.stages).in_(list(places)))
            .order_by(c.id)
            .limit(PAGE)
        )
        last = ""
        while rows := self._connection.execute(query.where(c.id > last)).all():
            last = rows[-1][0]
            states = [state for _, state in rows]
            others = {
                dependency["measure"]
                for state in states
                for dependency in json.loads(state)["plan"]["dependencies"]
            }
            standings = overview.standings(self._connection, sorted(others)) if others else {}
            yield LivePage(
                states,
                standings,
                self._launches_of([name for name, _ in rows]),
                list(self._audiences.values()),
                self._linked_of([name for name, _ in rows]),
            )

    def _launches_of(self, names: list[str]) -> list[str]:
        """Returns the launches that matter to these measures, by the names of their campaigns."""
        wanted = select(launches.c.state).where(
            launches.c.ended.is_(False), launches.c.measure.in_([*names, *self._audiences])
        )
        return list(self._connection.execute(wanted.order_by(launches.c.id)).scalars())

    def _linked_of(self, names: list[str]) -> Linked:
        """Returns what is known of the objects that these measures link."""
        of_page = links.c.measure.in_(names)
        known: dict[str, object] = {}
        for prefix, table, key in (
            ("object:", objects, links.c.object),
            ("connection:", contacts, links.c.connection),
        ):
            query = select(table).where(table.c.id.in_(select(key).where(of_page)))
            for row in self._connection.execute(query).mappings():
                known[prefix + row["id"]] = state_of(table, dict(row))
        return linked_of(known)


@contextmanager
def live_measures(database: Database) -> Iterator[LiveMeasures]:
    """Opens the live measures as of now."""
    with database.reading(snapshot=True) as connection:
        yield LiveMeasures(connection)


def _with_audiences(connection: Connection) -> dict[str, str]:
    """Returns the measures, not ended, whose campaigns have audiences: id to state as JSON."""
    asked = (
        select(measures.c.id, measures.c.state)
        .join(launches, launches.c.measure == measures.c.id)
        .where(measures.c.ended.is_(False), launches.c.ended.is_(False))
        .where(launches.c.state.contains('"audience":["', autoescape=True))
        .distinct()
        .order_by(measures.c.id)
    )
    return {row.id: row.state for row in connection.execute(asked)}


def _count(connection: Connection) -> dict[Place, int]:
    c = measures.c
    query = (
        select(c.lifecycle, c.stage, c.stages, func.count())
        .where(c.ended.is_(False))
        .group_by(c.lifecycle, c.stage, c.stages)
    )
    return {Place(*place): many for *place, many in connection.execute(query)}
