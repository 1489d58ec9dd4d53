"""What a measure waits for in another system: a link to one object there."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from measures.entry import connection_stream, object_stream
from measures.model import Id, Line, Model

ObjectKind = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""How a connected system calls a kind of object, e.g. issue; never with a slash."""


def _no_path(ref: str) -> str:
    """Refuses what names no object in any system, but would make all polls of one fail."""
    if ref.strip() in {"", ".", ".."}:
        raise PydanticCustomError("ref", "ref is the object's name in its system, e.g. OPS-12")
    return ref


class Link(Model):
    """An object in a connected system that must be done before the measure launches.

    Attributes:
        id: the name by which messages refer to this link
        connection: the connected system
        object: the kind of object there, e.g. issue
        ref: the object's name there, e.g. 7 or OPS-12
        title: how people know it; as the system calls it, if left out
        until: the statuses that mean done; those that the system calls won or closed, if left out
    """

    id: Id
    connection: Id
    object: ObjectKind
    ref: Annotated[Line, AfterValidator(_no_path)]
    title: Line | None = None
    until: tuple[Line, ...] = ()


def streams_of(links: Iterable[Link]) -> set[str]:
    """Returns the streams of the objects that links lead to, and of their connections."""
    return {
        stream
        for one in links
        for stream in (
            object_stream(one.connection, one.object, one.ref),
            connection_stream(one.connection),
        )
    }
