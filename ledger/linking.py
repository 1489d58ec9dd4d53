"""Which objects in other systems concern the engine: those that measures wait for, and its own."""

from typing import NamedTuple

from sqlalchemy import bindparam, or_, select, union, union_all

from ledger.database import Database
from ledger.tables import links, objects, remotes

_LINKED = links.c
_KNOWN = objects.c
_OWN = remotes.c


class Target(NamedTuple):
    """An object that somebody waits for."""

    connection: str
    kind: str
    ref: str


class Concern(NamedTuple):
    """Whom an object concerns.

    Attributes:
        linked: whether some measure waits for it, or did until just now.
        own: the ids of the engine's own objects that it is.
    """

    linked: bool
    own: tuple[str, ...]


# Made once: putting a statement together costs more than what these read.
_IS_LINKED = union_all(
    select(_LINKED.ref).where(
        _LINKED.connection == bindparam("connection"),
        _LINKED.kind == bindparam("kind"),
        _LINKED.ref == bindparam("ref"),
    ),
    select(_KNOWN.ref).where(
        _KNOWN.id == bindparam("connection") + "/" + bindparam("kind") + "/" + bindparam("ref"),
        _KNOWN.known,
    ),
).limit(1)
_IS_OWN = (
    select(_OWN.id)
    .where(
        _OWN.connection == bindparam("connection"),
        _OWN.kind == bindparam("kind"),
        _OWN.ref == bindparam("ref"),
        _OWN.ended.is_(False),
    )
    .order_by(_OWN.id)
)
_UNREAD = (
    select(_LINKED.connection, _LINKED.kind, _LINKED.ref, _KNOWN.number)
    .outerjoin(objects, _KNOWN.id == _LINKED.object)
    .where(or_(_KNOWN.id.is_(None), _KNOWN.known.is_(False)))
    .distinct()
)
_UNWANTED = (
    select(_KNOWN.connection, _KNOWN.kind, _KNOWN.ref)
    .outerjoin(links, _LINKED.object == _KNOWN.id)
    .where(_KNOWN.known, _LINKED.ref.is_(None))
)
_KINDS = union(
    select(_LINKED.connection, _LINKED.kind),
    select(_KNOWN.connection, _KNOWN.kind).where(_KNOWN.known),
    select(_OWN.connection, _OWN.kind).where(_OWN.ended.is_(False)),
)


class Targets:
    """The objects of a ledger's database that concern it; may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kinds(self) -> list[tuple[str, str]]:
        """Returns the connections and kinds of object of which some concerns the engine."""
        with self._database.reading() as connection:
            return sorted((row.connection, row.kind) for row in connection.execute(_KINDS))

    def linked_connections(self) -> set[str]:
        """Returns the connections in which some measure waits for something."""
        with self._database.reading() as connection:
            return set(connection.execute(select(_LINKED.connection).distinct()).scalars())

    def refs(self, connection: str, kind: str) -> set[str]:
        """Returns the objects of one kind that concern the engine."""
        query = union(
            select(_LINKED.ref).where(_LINKED.connection == connection, _LINKED.kind == kind),
            # What is known is followed until it is forgotten, or a change might fall between.
            select(_KNOWN.ref).where(
                _KNOWN.connection == connection, _KNOWN.kind == kind, _KNOWN.known
            ),
            select(_OWN.ref).where(
                _OWN.connection == connection, _OWN.kind == kind, _OWN.ended.is_(False)
            ),
        )
        with self._database.reading() as reading:
            return set(reading.execute(query).scalars()) - {""}

    def concern(self, connection: str, kind: str, ref: str) -> Concern:
        """Tells whom an object concerns."""
        values = {"connection": connection, "kind": kind, "ref": ref}
        with self._database.reading() as reading:
            linked = reading.execute(_IS_LINKED, values).first() is not None
            own = reading.execute(_IS_OWN, values).scalars().all()
        return Concern(linked, tuple(own))

    def unread(self) -> list[tuple[Target, int]]:
        """Returns the linked objects that nobody has read since, with how often they were."""
        with self._database.reading() as connection:
            rows = connection.execute(_UNREAD).all()
        return sorted((Target(*target), number or 0) for *target, number in rows)

    def unwanted(self) -> list[Target]:
        """Returns the objects whose changes are followed although nobody links them any more."""
        with self._database.reading() as connection:
            return sorted(Target(*row) for row in connection.execute(_UNWANTED))
