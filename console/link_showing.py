"""What a measure waits for in other systems, as `sluice explain` tells it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from measures.entry import connection_stream, object_stream
from measures.model import Moment, Stored

if TYPE_CHECKING:
    from ledger.store import Ledger
    from measures.state import MeasureState


class LinkView(Stored):
    """A link as people and programs see it.

    Attributes:
        title: how people know it.
        status: what its system shows; None while nobody has read it, or when it is not there.
        done: whether that means done; None where it is not known.
        refused: why its system does not show it; empty where it does.
        since: since when it is known to show that.
        actor: who changed it last, where the system tells.
        url: where people look at it.
        lost_since: since when its system is not heard; None while it is.
        lost_why: why.
    """

    id: str
    connection: str
    object: str
    ref: str
    title: str
    status: str | None = None
    done: bool | None = None
    gone: bool = False
    refused: str = ""
    since: Moment | None = None
    actor: str = ""
    url: str = ""
    lost_since: Moment | None = None
    lost_why: str = ""


def link_views(ledger: "Ledger", state: "MeasureState") -> list[LinkView]:
    """Returns what is known of a measure's links."""
    linked = ledger.linked(state.plan.links)
    views = []
    for link in state.plan.links:
        found = linked.objects.get(object_stream(link.connection, link.object, link.ref))
        found = found if found is not None and found.known else None
        contact = linked.contacts.get(connection_stream(link.connection))
        shown = found.shown if found else None
        views.append(
            LinkView(
                id=link.id,
                connection=link.connection,
                object=link.object,
                ref=link.ref,
                title=link.title or (shown.title if shown else "") or f"{link.object} {link.ref}",
                status=shown.status if shown and not shown.hidden else None,
                done=found.is_done(link) if found else None,
                gone=shown.gone if shown else False,
                refused=shown.refused if shown else "",
                since=found.seen_at if found else None,
                actor=shown.actor if shown else "",
                url=shown.url if shown else "",
                lost_since=contact.lost_since if contact else None,
                lost_why=contact.why if contact else "",
            )
        )
    return views


def print_links(measure: str, views: Sequence[LinkView], out: Console) -> None:
    """Prints each link of a measure: what it shows, since when, and where that was seen."""
    for view in views:
        place = f"{view.connection}:{view.object}/{view.ref}"
        out.print(f"Waits for {escape(view.title)}: {escape(_state(view))} ({escape(place)})")
        if view.gone or view.refused:
            out.print(
                f"  Is its name right? It is link {escape(view.id)} of {escape(measure)}:"
                f" object {escape(view.object)}, ref {escape(view.ref)}. Correct it and: sluice"
                " apply -f FILE"
            )
        if view.url:
            out.print(f"  {view.url}", markup=False, soft_wrap=True)
        if view.lost_since is not None:
            out.print(
                f"  [yellow]{view.connection} is not heard since {_at(view.lost_since)}[/]:"
                f" {escape(view.lost_why)}; what it showed counts as seen then"
            )


def _state(view: LinkView) -> str:
    if view.since is None:
        return "nobody has read it yet"
    if view.gone:
        return f"there is no such object (since {_at(view.since)})"
    if view.refused:
        return f"{view.connection} refuses to show it since {_at(view.since)}: {view.refused}"
    done = "done" if view.done else "not done"
    by = f" by {view.actor}" if view.actor else ""
    return f"{view.status}{by} since {_at(view.since)}, {done}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
