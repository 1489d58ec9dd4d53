"""What can be read from the ledger; every answer comes from the projections or the entries."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, literal, select

from ledger import installation, overview, tables
from ledger.document_reading import LAST_DOCUMENT, DocumentReader
from ledger.entry_reading import LAST
from ledger.overview import Counts, FoundByRule, MeasureRow
from ledger.projection import state_of
from ledger.turn import known_state, load_state, load_states
from measures.contact import ContactState
from measures.directory import Directory
from measures.entry import (
    connection_stream,
    launch_stream,
    measure_stream,
    pool_stream,
    remote_stream,
)
from measures.facts import Fact
from measures.gathering import gather
from measures.launch import LaunchState
from measures.launch_facts import NOTHING, LaunchScene, is_rival, scene_of
from measures.link_facts import NO_LINKS, Linked, linked_of
from measures.links import Link, streams_of
from measures.objects import ObjectState
from measures.pool import PoolState
from measures.remote import RemoteState
from measures.state import MeasureState
from measures.surroundings import Standing, Surroundings
from measures.waiver_standing import WaiverStanding, standings_of


class Docket(NamedTuple):
    """What deciding a request to a measure begins with.

    Attributes:
        position: of the last entry of all when the measure was read.
    """

    measure: MeasureState | None
    directory: Directory
    position: int


_NOTHING = select(literal(1)).subquery()
_DOCKET = select(
    LAST.scalar_subquery().label("last"),
    LAST_DOCUMENT.scalar_subquery().label("last_document"),
    *(tables.measures.c[name] for name in ("id", "number", "position", "state")),
).select_from(_NOTHING.outerjoin(tables.measures, tables.measures.c.id == bindparam("id")))
"""One statement, because each costs more than what it reads; a row even without a measure."""


class Reader(DocumentReader):
    """The reading half of a ledger."""

    # --- states ------------------------------------------------------------------------------

    def measure(self, name: str) -> MeasureState | None:
        """Returns a measure's state; None when there is none of that id."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, measure_stream(name))
        return state if isinstance(state, MeasureState) else None

    def docket(self, name: str) -> Docket:
        """Returns a measure, the directory and the last position as of one moment.

        The directory may be newer than the rest.
        """
        with self._database.reading() as connection:
            row = dict(connection.execute(_DOCKET, {"id": name}).mappings().one())
        measure = None
        if row["id"] is not None:
            measure = known_state(self._states, measure_stream(name), tables.measures, row)
        return Docket(
            measure if isinstance(measure, MeasureState) else None,
            self._directory_at(row["last_document"] or 0),
            row["last"] or 0,
        )

    def pool(self, name: str) -> PoolState | None:
        """Returns a pool's state; None when there is none of that id."""
        return self.pools([name]).get(name)

    def pools(self, names: Sequence[str] | None = None) -> dict[str, PoolState]:
        """Returns the states of these pools, or of all; those that do not exist are left out."""
        with self._database.reading() as connection:
            if names is None:
                names = connection.execute(select(tables.pools.c.id)).scalars().all()
            found = load_states(connection, self._states, map(pool_stream, names))
        states = (state for state in found.values() if isinstance(state, PoolState))
        return {state.pool.id: state for state in states}

    def standings(self, names: Sequence[str]) -> dict[str, Standing]:
        """Returns where these measures stand; those that do not exist are left out."""
        with self._database.reading() as connection:
            return overview.standings(connection, names)

    def stages(self) -> dict[str, tuple[str, ...]]:
        """Returns the stages of every measure's own lifecycle, in order, by the measure's id."""
        with self._database.reading() as connection:
            return overview.stages(connection)

    def facts(self, state: MeasureState, directory: Directory, now: datetime) -> list[Fact]:
        """Returns every fact about a measure as of now, read from pools and other measures.

        Args:
            state: the measure, as it is or as it would be.
            directory: the people.
            now: the time of the judgement.
        """
        around = self.surroundings(state)
        return gather(
            state, now, around.pools, around.others, directory, around.scene, around.linked
        )

    def surroundings(self, state: MeasureState) -> Surroundings:
        """Returns the pools and the other measures that a measure's facts need."""
        pools: list[str] | None = sorted({demand.pool for demand in state.plan.demands})
        if pools and self.directory().conversions:
            pools = None  # what is asked of one pool may reach any other
        others = sorted({dependency.measure for dependency in state.plan.dependencies})
        return Surroundings(
            self.pools(pools) if pools != [] else {},
            self.standings(others) if others else {},
            self._scene(state),
            self.linked(state.plan.links) if state.plan.links else NO_LINKS,
        )

    def linked(self, links: Sequence[Link]) -> Linked:
        """Returns what is known of the objects that links lead to, and of their connections."""
        with self._database.reading() as connection:
            found = load_states(connection, self._states, sorted(streams_of(links)))
        return linked_of(found)

    def _scene(self, state: MeasureState) -> LaunchScene:
        campaign = state.plan.campaign
        if campaign is None:
            return NOTHING
        if campaign.audience:
            return scene_of(state, self.launches(live=True), self.measure)
        return LaunchScene(self.launch(campaign.ref))

    def rivals(self, state: MeasureState) -> list[str]:
        """Returns the measures whose campaigns share an audience and a day with a measure's."""
        campaign = state.plan.campaign
        if campaign is None or not campaign.audience:
            return []
        return [one.measure for one in self.launches(live=True) if is_rival(state, one)]

    def campaign_holder(self, ref: str, *, except_for: str) -> str | None:
        """Returns another measure, not ended, that has a campaign of this name; None without."""
        c = tables.measures.c
        query = (
            select(c.id)
            .where(c.campaign == ref, c.ended.is_(False), c.id != except_for)
            .order_by(c.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def launch(self, ref: str) -> LaunchState | None:
        """Returns a launch's state; None when there is none of that name."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, launch_stream(ref))
        return state if isinstance(state, LaunchState) else None

    def object_state(self, stream: str) -> ObjectState | None:
        """Returns what was observed of an object, by its stream; None when nobody has read it."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, stream)
        return state if isinstance(state, ObjectState) else None

    def contact(self, connection: str) -> ContactState | None:
        """Returns whether a connection is heard; None when it always was."""
        with self._database.reading() as reading:
            state = load_state(reading, self._states, connection_stream(connection))
        return state if isinstance(state, ContactState) else None

    def launches(self, *, live: bool = False, measure: str | None = None) -> list[LaunchState]:
        """Returns all launches, or those that have not ended, or those of a measure, by name."""
        table = tables.launches
        query = select(table).order_by(table.c.id)
        if live:
            query = query.where(table.c.ended.is_(False))
        if measure is not None:
            query = query.where(table.c.measure == measure)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = (state_of(table, dict(row)) for row in rows)
        return [one for one in found if isinstance(one, LaunchState)]

    def launches_by_measure(self, measures: Sequence[str]) -> dict[str, LaunchState]:
        """Returns the launches of these measures that have not ended, by measure."""
        table = tables.launches
        query = select(table.c.id).where(
            table.c.ended.is_(False), table.c.measure.in_(list(measures))
        )
        with self._database.reading() as connection:
            names = connection.execute(query).scalars().all()
            found = load_states(connection, self._states, map(launch_stream, names))
        states = (state for state in found.values() if isinstance(state, LaunchState))
        return {state.measure: state for state in states}

    def running(self) -> Iterator[tuple[str, int]]:
        """Yields the streams that must have a workflow, pools first, with their last numbers."""
        pool, measure, launch = tables.pools.c, tables.measures.c, tables.launches.c
        remote = tables.remotes.c
        with self._database.reading() as connection:
            pools = connection.execute(select(pool.id, pool.number).order_by(pool.id)).all()
            measures = connection.execute(
                select(measure.id, measure.number)
                .where(measure.ended.is_(False))
                .order_by(measure.id)
            ).all()
            launches = connection.execute(
                select(launch.id, launch.number).where(launch.ended.is_(False)).order_by(launch.id)
            ).all()
            remotes = connection.execute(
                select(remote.id, remote.number).where(remote.ended.is_(False)).order_by(remote.id)
            ).all()
        yield from ((pool_stream(name), number) for name, number in pools)
        yield from ((measure_stream(name), number) for name, number in measures)
        yield from ((launch_stream(name), number) for name, number in launches)
        yield from ((remote_stream(name), number) for name, number in remotes)

    def remote(self, name: str) -> RemoteState | None:
        """Returns a remote object's state, by its whole id; None when there is none."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, remote_stream(name))
        return state if isinstance(state, RemoteState) else None

    def remotes(self, *, live: bool = False, **equal: str) -> list[RemoteState]:
        """Returns remote objects by id: all, or those that have not ended.

        Args:
            live: only those that have not ended.
            equal: what they must have: connection, kind, ref, measure or mapping.
        """
        table = tables.remotes
        query = select(table).order_by(table.c.id)
        if live:
            query = query.where(table.c.ended.is_(False))
        for column, value in equal.items():
            query = query.where(table.c[column] == value)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = (state_of(table, dict(row)) for row in rows)
        return [one for one in found if isinstance(one, RemoteState)]

    def installation(self) -> str:
        """Returns this installation's own name, see `ledger.installation`."""
        with self._database.reading() as connection:
            return installation.name_of(connection)

    # --- lists and counts --------------------------------------------------------------------

    def waiting(self) -> list[str]:
        """Returns every measure with a waiting request, the oldest request first."""
        with self._database.reading() as connection:
            return overview.waiting(connection)

    def oldest_request(self) -> datetime | None:
        """Returns when the request that waits longest was made; None when none waits."""
        with self._database.reading() as connection:
            return overview.oldest_request(connection)

    def waiting_on(self, stream: str) -> list[str]:
        """Returns the measures whose waiting request watches a stream, the oldest first."""
        with self._database.reading() as connection:
            return overview.waiting(connection, stream)

    def launched_on(self, stream: str) -> list[str]:
        """Returns the measures whose permit depends on a stream, without those that wait."""
        with self._database.reading() as connection:
            return overview.launched_on(connection, stream)

    def watching(self, stream: str) -> list[str]:
        """Returns those waiting on a stream, the oldest first, then those launched on it."""
        with self._database.reading() as connection:
            return overview.watching(connection, stream)

    def waivers(self, now: datetime, measure: str | None = None) -> list[WaiverStanding]:
        """Returns every waiver of a measure, or of all, as it stands; by measure, oldest first."""
        with self._database.reading() as connection:
            names = [measure] if measure is not None else overview.with_waivers(connection)
            found = load_states(connection, self._states, map(measure_stream, names))
        states = (state for state in found.values() if isinstance(state, MeasureState))
        return [one for state in states for one in standings_of(state, now)]

    def find_measures(
        self,
        *,
        stage: str | None = None,
        verdict: str | None = None,
        type: str | None = None,  # noqa: A002  (the field's name in documents and filters)
        package: str | None = None,
        owner: str | None = None,
        rule: str | None = None,
        waiting_for: str | None = None,
        pack: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[MeasureRow]:
        """Returns the measures that fit every filter given, by id."""
        equal = {
            "stage": stage,
            "verdict": verdict,
            "type": type,
            "package": package,
            "owner": owner,
        }
        with self._database.reading() as connection:
            return overview.find_measures(
                connection,
                equal,
                rule=rule,
                waiting_for=waiting_for,
                pack=pack,
                limit=limit,
                offset=offset,
            )

    def judged_by(self, pack: str) -> dict[str, str]:
        """Returns the live measures that a pack judged, by id, each with the version's digest."""
        with self._database.reading() as connection:
            return overview.judged_by(connection, pack)

    def found_by_rule(self) -> FoundByRule:
        """Counts per rule the live measures that it blocks or would block."""
        with self._database.reading() as connection:
            return overview.found_by_rule(connection)

    def counts(self) -> Counts:
        """Counts the measures by stage, verdict and rule, and values the pipeline."""
        with self._database.reading() as connection:
            return overview.count(connection)
