"""What rules may know of the work in other systems that a measure waits for."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from measures.contact import ContactState
from measures.entry import connection_stream, object_stream
from measures.facts import LinkFact
from measures.links import Link
from measures.objects import ObjectState
from measures.state import MeasureState


class Linked(NamedTuple):
    """What links lead to.

    Attributes:
        objects: what was observed, by the name of the object's stream.
        contacts: whether each connection is heard, by the name of its stream.
    """

    objects: Mapping[str, ObjectState] = {}
    contacts: Mapping[str, ContactState] = {}


NO_LINKS = Linked()
"""What a measure without links is judged with."""


def linked_of(states: Mapping[str, object]) -> Linked:
    """Returns those among the states of streams that links lead to."""
    return Linked(
        {name: one for name, one in states.items() if isinstance(one, ObjectState)},
        {name: one for name, one in states.items() if isinstance(one, ContactState)},
    )


def link_facts(state: MeasureState, now: datetime, linked: Linked) -> Iterable[LinkFact]:
    """Yields a fact for each link; one whose object nobody has read yet says so.

    Args:
        state: the measure.
        now: the moment of the judgement, at which what is heard counts as seen.
        linked: what is known of the objects.
    """
    for link in state.plan.links:
        found = linked.objects.get(object_stream(link.connection, link.object, link.ref))
        found = found if found is not None and found.known else None
        contact = linked.contacts.get(connection_stream(link.connection))
        lost_since = contact.lost_since if contact is not None else None
        yield _fact(link, found, lost_since or now)


def _fact(link: Link, found: ObjectState | None, seen_at: datetime) -> LinkFact:
    shown = found.shown if found is not None and not found.shown.hidden else None
    return LinkFact(
        seen_at=seen_at,
        source=f"{link.connection}:{link.object}/{link.ref}",
        id=link.id,
        connection=link.connection,
        object=link.object,
        ref=link.ref,
        title=link.title or (shown.title if shown else "") or f"{link.object} {link.ref}",
        status=shown.status if shown else None,
        done=found.is_done(link) if found else None,
        since=found.seen_at.isoformat() if found else "",
    )
