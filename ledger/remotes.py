"""What a measure wants of remote objects that is not recorded yet, read from the ledger alone."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.applied import REMOVED
from ledger.reading import Reader
from measures.directory import Directory
from measures.documents import document_digest
from measures.mapping import Mapping, concern
from measures.model import restore
from measures.people import ENGINE
from measures.remote import RemoteOrder, RemoteState
from measures.remotes import left_over, news_among, release_of, wanted_of
from measures.state import MeasureState


class Outstanding(NamedTuple):
    """What is to be told to remote objects for a measure.

    Attributes:
        number: the measure's last entry that was considered.
        concerned: whether the measure has remote objects at all.
        orders: what they are to be told; nothing that they know already.
    """

    number: int
    concerned: bool
    orders: tuple[RemoteOrder, ...]


def outstanding(ledger: Reader, measure: str, *, move: str = "", by: str = ENGINE) -> Outstanding:
    """Returns what a measure wants of remote objects beyond what is recorded.

    Args:
        ledger: the record.
        measure: its id.
        move: the mapping whose newest version the measure takes now.
        by: who asks for that.
    """
    docket = ledger.docket(measure)
    if docket.measure is None:
        return Outstanding(0, False, ())
    mappings = concern(docket.directory.mappings.values(), docket.measure.plan)
    known, installation = ledger.remotes(measure=measure), ledger.installation()
    used = [one if one.id == move else in_force(ledger, one, known) for one in mappings]
    orders: list[RemoteOrder] = []
    for mapping in used:
        orders += orders_by(
            docket.measure,
            mapping,
            docket.directory,
            known,
            installation=installation,
            by=by if mapping.id == move else ENGINE,
        )
    orders += [
        release_of(docket.measure, one, _why_released(ledger, one, used))
        for one in left_over(known, used)
    ]
    return Outstanding(docket.measure.number, bool(mappings), tuple(orders))


def _why_released(ledger: Reader, one: RemoteState, used: Sequence[Mapping]) -> str:
    name = one.mapping.id
    elsewhere = next((mapping for mapping in used if mapping.id == name), None)
    if elsewhere is not None:
        return f"mapping {name} shows it in {elsewhere.connection} {elsewhere.object} now"
    removal = ledger.removal("Mapping", name)
    if removal is not None:
        return f"mapping {name} was removed by {removal.applied_by}: {removal.body[REMOVED]}"
    return f"mapping {name} does not concern it any more"


def orders_by(
    state: MeasureState,
    mapping: Mapping,
    directory: Directory,
    known: Sequence[RemoteState],
    *,
    installation: str,
    by: str = ENGINE,
) -> list[RemoteOrder]:
    """Returns what a measure wants by one version of a mapping beyond what is recorded."""
    place = (mapping.id, mapping.connection, mapping.object)
    objects = [one for one in known if (one.mapping.id, one.connection, one.kind) == place]
    wanted = wanted_of(state, mapping, directory, objects, installation=installation, by=by)
    return news_among(wanted, {one.id: one for one in objects})


def in_force(ledger: Reader, newest: Mapping, known: Sequence[RemoteState]) -> Mapping:
    """Returns the version of a mapping that a measure keeps: the one that it began with.

    Args:
        ledger: the record, which keeps every version.
        newest: the version that new measures get.
        known: the measure's objects.
    """
    used = [one.mapping for one in known if one.mapping.id == newest.id]
    if not used:
        return newest
    kept = max(used, key=lambda use: use.version)
    if kept.digest == document_digest(newest):
        return newest
    for applied in ledger.versions("Mapping", newest.id):
        version = restore(Mapping, applied.body)
        if document_digest(version) == kept.digest:
            return version
    return newest
