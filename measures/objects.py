"""What connected systems showed of the objects that measures link; pure.

Each object has a stream of its own. An entry is written only when something changed that rules or
people look at: status, whether that is done, title, or that the object is gone. When nobody waits
for an object any more it is forgotten: from then on nobody hears of its changes, so whoever links
it later must not believe what it showed before.
"""

from datetime import datetime
from typing import Any

from measures.entry import Draft, EntryKind, object_stream, refuse_gap
from measures.links import Link
from measures.model import Moment, Stored
from measures.people import ENGINE


class Observed(Stored):
    """What a system shows of an object at one moment, as it was read there.

    Attributes:
        status: in the system's words; empty when the object is gone.
        done: whether the system counts that status as done: won, where it tells that apart, or
            closed.
        gone: whether the system knows no such object, or none that we may see.
        refused: why the system does not show it, for instance because it takes no such name; empty
            when it does.
        version: the system's own; opaque.
        actor: who changed it last, where the system tells.
        url: where people look at it.
        updated_at: when it last changed, by the system's clock.
    """

    status: str = ""
    done: bool = False
    gone: bool = False
    refused: str = ""
    title: str = ""
    version: str = ""
    actor: str = ""
    url: str = ""
    updated_at: Moment | None = None

    @property
    def hidden(self) -> bool:
        """Tells whether nobody can say how it stands: it is not there, or not shown."""
        return self.gone or bool(self.refused)


class ObjectState(Stored):
    """An object's life, as far as it was seen.

    Attributes:
        id: connection, kind and ref, as in the name of its stream.
        shown: what it shows.
        seen_at: since when it is known to show that.
        known: whether its changes are followed; once it is forgotten they are not.
    """

    id: str
    number: int
    shown: Observed
    seen_at: Moment
    known: bool = True

    def is_done(self, link: Link) -> bool | None:
        """Tells whether the work is done as a link wants it; None when nobody can say."""
        if self.shown.hidden or not self.known:
            return None
        return self.shown.status in link.until if link.until else self.shown.done


def fold_object(state: ObjectState | None, entry: Draft) -> ObjectState:
    """Returns what is known of an object after one more entry.

    Raises:
        ValueError: when the entry cannot follow.
    """
    if entry.kind not in ("object_observed", "object_forgotten"):
        msg = f"{entry.kind} does not belong to an object of another system"
        raise ValueError(msg)
    refuse_gap(entry, state.number if state else 0)
    return ObjectState(
        id=entry.stream.partition(":")[2],
        number=entry.number,
        shown=Observed.model_validate(entry.body, strict=False),
        seen_at=entry.at,
        known=entry.kind == "object_observed",
    )


def observe(
    state: ObjectState | None,
    connection: str,
    kind: str,
    ref: str,
    seen: Observed,
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts that an object shows something else than before; nothing when it does not."""
    if state is not None and state.known and _told(state.shown) == _told(seen):
        return []
    stream, number = object_stream(connection, kind, ref), (state.number if state else 0) + 1
    return [_draft(stream, number, "object_observed", seen.model_dump(mode="json"), at, command)]


def forget(state: ObjectState | None, at: datetime, command: str) -> list[Draft]:
    """Drafts that nobody waits for an object any more; nothing when that is known."""
    if state is None or not state.known:
        return []
    number = state.number + 1
    return [_draft(f"object:{state.id}", number, "object_forgotten", {}, at, command)]


def _draft(
    stream: str, number: int, kind: EntryKind, body: dict[str, Any], at: datetime, command: str
) -> Draft:
    return Draft(
        stream=stream, number=number, kind=kind, at=at, by=ENGINE, command=command, body=body
    )


def _told(seen: Observed) -> tuple[object, ...]:
    # Systems put times and numbers of requests into their refusals: one is as good as another.
    return seen.status, seen.done, seen.gone, bool(seen.refused), seen.title
