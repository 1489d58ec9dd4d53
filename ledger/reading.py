"""What can be read from the ledger; every answer comes from the projections or the entries."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, bindparam, func, literal, select

from ledger import overview, tables
from ledger.chain import Row, write_moment
from ledger.database import Database
from ledger.overview import Counts, FoundByRule, MeasureRow
from ledger.projection import AppliedDocument, entry_of, fold, state_of
from ledger.turn import StateCache, known_state, load_state, load_states
from measures.conversion import Conversion
from measures.directory import Directory
from measures.documents import (
    BUILTIN_PACK,
    Blackout,
    Connection,
    Delegation,
    Node,
    Person,
    RulePack,
)
from measures.entry import (
    Entry,
    document_stream,
    launch_stream,
    measure_stream,
    pool_stream,
    subject_of,
)
from measures.facts import Fact
from measures.gathering import Standing, Surroundings, gather
from measures.launch import LaunchState
from measures.launch_facts import NOTHING, LaunchScene, is_rival, scene_of
from measures.lifecycle import Lifecycle
from measures.model import restore
from measures.pool import PoolState
from measures.state import MeasureState
from measures.waiver_standing import WaiverStanding, standings_of

DOCUMENTS = "documents"
"""The subject that stands for every document in `Ledger.changed_since`."""


class Docket(NamedTuple):
    """What deciding a request to a measure begins with.

    Attributes:
        position: of the last entry of all when the measure was read.
    """

    measure: MeasureState | None
    directory: Directory
    position: int


_PAGE = 500
_LAST = select(func.max(tables.entries.c.position))
_LAST_DOCUMENT = select(func.max(tables.documents.c.position))
_NOTHING = select(literal(1)).subquery()
_DOCKET = select(
    _LAST.scalar_subquery().label("last"),
    _LAST_DOCUMENT.scalar_subquery().label("last_document"),
    *(tables.measures.c[name] for name in ("id", "number", "position", "state")),
).select_from(_NOTHING.outerjoin(tables.measures, tables.measures.c.id == bindparam("id")))
"""One statement, because each costs more than what it reads; a row even without a measure."""


class Reader:
    """The reading half of a ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states = StateCache()
        self._directory = (0, Directory())

    # --- entries -----------------------------------------------------------------------------

    def position(self) -> int:
        """Returns the position of the last entry; 0 when there is none."""
        with self._database.reading() as connection:
            return connection.execute(_LAST).scalar() or 0

    def entries(
        self,
        stream: str | None = None,
        *,
        after: int = 0,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Yields entries in the order of their positions, page by page.

        Args:
            stream: only this stream.
            after: only those behind this position.
            kinds: only these kinds.
            since: only those decided at or after this moment.
            limit: at most so many.
        """
        table = tables.entries.c
        query = select(tables.entries)
        if stream is not None:
            query = query.where(table.stream == stream)
        if kinds is not None:
            query = query.where(table.kind.in_(list(kinds)))
        if since is not None:
            query = query.where(table.at >= write_moment(since))
        yield from map(entry_of, self.rows(query, after=after, limit=limit))

    def count(self, kinds: Iterable[str], since: datetime | None = None) -> int:
        """Counts the entries of these kinds, of all times or decided at or after a moment."""
        table = tables.entries.c
        query = select(func.count()).where(table.kind.in_(list(kinds)))
        if since is not None:
            query = query.where(table.at >= write_moment(since))
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def changed_since(self, subjects: Sequence[str], position: int) -> bool:
        """Tells whether one of these streams has an entry behind a position.

        Args:
            subjects: streams; `documents` stands for every document.
            position: what the asker has already seen.
        """
        with self._database.reading() as connection:
            if position >= (connection.execute(_LAST).scalar() or 0):
                return False  # nothing at all was written since, which is how it mostly is
            return any(
                connection.execute(query, {"position": position}).first() is not None
                for query in _changes_of(subjects)
            )

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
        return gather(state, now, around.pools, around.others, directory, around.scene)

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
        )

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
        yield from ((pool_stream(name), number) for name, number in pools)
        yield from ((measure_stream(name), number) for name, number in measures)
        yield from ((launch_stream(name), number) for name, number in launches)

    # --- documents ---------------------------------------------------------------------------

    def document(self, kind: str, name: str) -> AppliedDocument | None:
        """Returns the newest version of a document; None when there is none, or it was removed."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, document_stream(kind, name))
        return state if isinstance(state, AppliedDocument) and not state.removed else None

    def documents(self, kind: str | None = None) -> list[AppliedDocument]:
        """Returns the newest version of every document that was not removed, by kind and id."""
        table = tables.documents
        query = select(table).order_by(table.c.kind, table.c.id)
        if kind is not None:
            query = query.where(table.c.kind == kind)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = [state_of(table, dict(row)) for row in rows]
        return [one for one in found if isinstance(one, AppliedDocument) and not one.removed]

    def document_names(self, kind: str) -> set[str]:
        """Returns the names of all documents of a kind, of removed ones too."""
        c = tables.documents.c
        with self._database.reading() as connection:
            return set(connection.execute(select(c.id).where(c.kind == kind)).scalars())

    def versions(self, kind: str, name: str) -> Iterator[AppliedDocument]:
        """Yields every version of a document that was ever recorded, oldest first.

        Those before and after a removal are among them; the removal itself is no version.
        """
        state: AppliedDocument | None = None
        for entry in self.entries(document_stream(kind, name)):
            folded = fold(state, entry)
            assert isinstance(folded, AppliedDocument), "a document's stream makes a document"
            state = folded
            if not state.removed:
                yield state

    def pack_version(self, name: str, digest: str) -> RulePack | None:
        """Returns a version of a pack, applied or built in; None when it was never recorded."""
        for kind in ("RulePack", BUILTIN_PACK):
            for version in self.versions(kind, name):
                if version.digest == digest:
                    return restore(RulePack, version.body)
        return None

    def directory_position(self) -> int:
        """Returns the position of the last entry of any document."""
        with self._database.reading() as connection:
            return connection.execute(_LAST_DOCUMENT).scalar() or 0

    def directory(self) -> Directory:
        """Returns people, tree, delegations, packs, lifecycles; read anew only after a change."""
        return self._directory_at(self.directory_position())

    def _directory_at(self, position: int) -> Directory:
        known = self._directory
        if known[0] != position:
            # Documents read after `position` may be newer than it says; then the next call
            # finds a higher one and reads again, so nothing is ever missed.
            known = (position, directory_of(self.documents()))
            self._directory = known
        return known[1]

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

    def rows(
        self, query: Select[Any], *, after: int = 0, limit: int | None = None
    ) -> Iterator[Row]:
        """Yields entries as they are stored, in the order of their positions, page by page.

        Pages rather than one long read: a slow reader must not keep the database from tidying.
        """
        position = tables.entries.c.position
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with self._database.reading() as connection:
                page = query.where(position > after).order_by(position).limit(size)
                rows = [dict(row) for row in connection.execute(page).mappings()]
            yield from rows
            if len(rows) < size:
                return
            after = rows[-1]["position"]
            left = None if left is None else left - len(rows)


def _changes_of(subjects: Sequence[str]) -> Iterator[Select[Any]]:
    """Yields queries that find a row when a subject has an entry behind `:position`."""
    if DOCUMENTS in subjects or any(s.startswith("document:") for s in subjects):
        yield _behind(tables.documents)
    for prefix, table in _PREFIXES:
        ids = [subject_of(subject) for subject in subjects if subject.startswith(prefix)]
        if ids:
            yield _behind(table).where(table.c.id.in_(ids))


_PREFIXES = (
    ("measure:", tables.measures),
    ("pool:", tables.pools),
    ("launch:", tables.launches),
)


def _behind(table: Table) -> Select[Any]:
    return select(table.c.position).where(table.c.position > bindparam("position")).limit(1)


def directory_of(documents: Iterable[AppliedDocument]) -> Directory:
    """Returns what decisions need of documents, without removed ones."""
    people: dict[str, Person] = {}
    nodes: dict[str, Node] = {}
    delegations: list[Delegation] = []
    packs: dict[str, RulePack] = {}
    lifecycles: dict[str, Lifecycle] = {}
    blackouts: dict[str, Blackout] = {}
    conversions: dict[str, Conversion] = {}
    connections: dict[str, Connection] = {}
    for document in documents:
        if document.removed:
            continue
        match document.kind:
            case "Person":
                people[document.id] = restore(Person, document.body)
            case "Node":
                nodes[document.id] = restore(Node, document.body)
            case "Delegation":
                delegations.append(restore(Delegation, document.body))
            case "RulePack":
                packs[document.id] = restore(RulePack, document.body)
            case "Lifecycle":
                lifecycles[document.id] = restore(Lifecycle, document.body)
            case "Blackout":
                blackouts[document.id] = restore(Blackout, document.body)
            case "Conversion":
                conversions[document.id] = restore(Conversion, document.body)
            case "Connection":
                connections[document.id] = restore(Connection, document.body)
            case _:
                pass  # a kind of a newer release; those who know it read it themselves
    return Directory(
        people=people,
        nodes=nodes,
        delegations=tuple(delegations),
        packs=packs,
        lifecycles=lifecycles,
        blackouts=blackouts,
        conversions=conversions,
        connections=connections,
    )
