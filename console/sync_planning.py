"""What a mapping would do: does it fit its system, and which objects would it make or change?"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from connectors.contract import RemoteSchema
from console.mapping_checks import Unfit, kind_faults, schema_faults
from ledger.remotes import in_force, orders_by
from measures.documents import Connection, document_digest
from measures.mapping import Mapping
from measures.model import Stored
from measures.remote import RemoteOrder, RemoteState
from measures.remotes import left_over, release_of
from measures.state import MeasureState

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.store import Ledger


Does = Literal["create", "change", "clear", "release"]


class Foreseen(Stored):
    """What would become of one object.

    Attributes:
        does: create, change or clear; release, when nobody keeps it in step from then on.
        fields: what would be written that differs from what is known of the object, by name.
    """

    measure: str
    does: Does
    object: str
    status: str
    fields: dict[str, str | int | float | bool | None]


class Preview(Stored):
    """What a mapping would do.

    Attributes:
        installation: this installation's own name, which is part of our names for new objects.
        objects: what would become of each object, by measure.
        concerned: how many live measures it concerns.
        kept: measures that keep an older version of it, each with that version.
    """

    installation: str
    objects: tuple[Foreseen, ...] = ()
    concerned: int = 0
    kept: dict[str, int] = {}


async def faults_of(mapping: Mapping, connection: Connection, place: "Path") -> list[Unfit]:
    """Returns what of a mapping its system cannot do; asks the system, writes nothing.

    Raises:
        ConnectorError: the system does not answer, or does not know us.
    """
    from connectors.registry import connect, manifest_of

    faults = kind_faults(mapping, manifest_of(connection.connector, connection.settings))
    if faults:
        return faults
    connector = connect(connection.connector, connection.settings, place)
    try:
        schema: RemoteSchema = await connector.describe(mapping.object)
    finally:
        await connector.aclose()
    return schema_faults(mapping, schema)


def preview(ledger: "Ledger", mapping: Mapping) -> Preview:
    """Returns what would become of objects if a mapping counted as it is.

    That is of those of every live measure that it concerns, and of those that it concerned.
    """
    directory, installation = ledger.directory(), ledger.installation()
    objects: list[Foreseen] = []
    kept: dict[str, int] = {}
    concerned = 0
    for row in ledger.find_measures():
        state = ledger.measure(row.id)
        if state is None or state.ended:
            continue
        known = ledger.remotes(measure=row.id, mapping=mapping.id)
        if not mapping.concerns(state.plan):
            objects += _released(state, known)
            continue
        concerned += 1
        used = in_force(ledger, mapping, known)
        if document_digest(used) != document_digest(mapping):
            kept[row.id] = used.version
        orders = orders_by(state, used, directory, known, installation=installation)
        objects += [_foreseen(order, known) for order in orders]
        objects += _released(state, known, used)
    return Preview(
        installation=installation, objects=tuple(objects), concerned=concerned, kept=kept
    )


def preview_removal(ledger: "Ledger", mapping: Mapping) -> Preview:
    """Returns what would become of objects if a mapping were removed."""
    objects: list[Foreseen] = []
    measures = {one.measure for one in ledger.remotes(mapping=mapping.id, live=True)}
    for name in sorted(measures):
        state = ledger.measure(name)
        if state is not None and not state.ended:
            objects += _released(state, ledger.remotes(measure=name, mapping=mapping.id))
    return Preview(
        installation=ledger.installation(), objects=tuple(objects), concerned=len(measures)
    )


def _released(
    state: MeasureState, known: Sequence[RemoteState], *used: Mapping
) -> Iterator[Foreseen]:
    for one in left_over(known, used):
        yield _foreseen(release_of(state, one, ""), known)


def _foreseen(order: RemoteOrder, known: Sequence[RemoteState]) -> Foreseen:
    present = next((one for one in known if one.id == order.id), None)
    sent = present.sent if present is not None else {}
    fields = {
        one.theirs: one.value
        for one in order.want.fields
        if one.theirs not in sent or sent[one.theirs] != one.value
    }
    does: Does = "change"
    if not order.want.fields:
        does = "release"
    elif order.want.done:
        does = "clear"
    elif present is None or not present.ref:
        does = "create"
    name = present.ref if present is not None and present.ref else order.external_id
    return Foreseen(
        measure=order.measure, does=does, object=name, status=order.want.status, fields=fields
    )
