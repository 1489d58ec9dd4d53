"""Reading documents: each as it is, every version, and what decisions need of all of them."""

from collections.abc import Iterable, Iterator

from sqlalchemy import func, select

from ledger import tables
from ledger.applied import AppliedDocument
from ledger.database import Database
from ledger.entry_reading import EntryReader
from ledger.folding import fold
from ledger.projection import state_of
from ledger.turn import load_state
from measures.blackouts import Blackout
from measures.conversion import Conversion
from measures.directory import Directory
from measures.documents import BUILTIN_PACK, Connection, RulePack
from measures.entry import (
    document_stream,
)
from measures.lifecycle import Lifecycle
from measures.mapping import Mapping
from measures.model import restore
from measures.people import Delegation, Person
from measures.tree import Node

LAST_DOCUMENT = select(func.max(tables.documents.c.position))


class DocumentReader(EntryReader):
    """Reads documents, beside entries."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._directory = (0, Directory())

    def document(self, kind: str, name: str) -> AppliedDocument | None:
        """Returns the newest version of a document; None when there is none, or it was removed."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, document_stream(kind, name))
        return state if isinstance(state, AppliedDocument) and not state.removed else None

    def removal(self, kind: str, name: str) -> AppliedDocument | None:
        """Returns who took a document away, when and why; None where it counts or never did."""
        with self._database.reading() as connection:
            state = load_state(connection, self._states, document_stream(kind, name))
        return state if isinstance(state, AppliedDocument) and state.removed else None

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
            return connection.execute(LAST_DOCUMENT).scalar() or 0

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
    mappings: dict[str, Mapping] = {}
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
            case "Mapping":
                mappings[document.id] = restore(Mapping, document.body)
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
        mappings=mappings,
    )
