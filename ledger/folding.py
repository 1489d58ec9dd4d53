"""From entries to the states that they lead to."""

import json
from datetime import datetime

from pydantic import ValidationError

from ledger.applied import AppliedDocument, fold_document
from ledger.chain import Row
from ledger.lives import LIVES, LivingState, life_of
from measures.entry import Entry, subject_of
from measures.errors import LedgerError, LedgerTamperedError, RefusedError

State = LivingState | AppliedDocument
"""What the entries of a stream lead to."""


def number_of(state: State) -> int:
    """Returns how many entries a stream has."""
    return state.version if isinstance(state, AppliedDocument) else state.number


def entry_of(row: Row) -> Entry:
    """Reads a stored entry.

    Raises:
        LedgerTamperedError: when it is none that this release could have written.
    """
    try:
        return Entry.model_validate(
            {**row, "at": datetime.fromisoformat(row["at"]), "body": json.loads(row["body"])}
        )
    except (ValueError, TypeError, RecursionError) as error:
        why = _first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise LedgerTamperedError(row["position"], f"it cannot be read: {why}") from error


def fold(state: State | None, entry: Entry) -> State:
    """Returns the state of a stream after one more entry.

    Raises:
        LedgerError: when the entry cannot follow.
    """
    try:
        folded = _fold(state, entry)
        number = number_of(folded)
        identity = _identity(folded)
    except (ValueError, LookupError, TypeError, AttributeError, RefusedError) as error:
        why = _first_fault(error) if isinstance(error, ValidationError) else str(error)
        msg = f"{entry.stream} entry {entry.number} ({entry.kind}) cannot be recorded: {why}"
        raise LedgerError(msg) from error
    if number != entry.number or identity != subject_of(entry.stream):
        msg = (
            f"{entry.stream} entry {entry.number} ({entry.kind}) cannot be recorded:"
            f" it makes entry {number} of {identity}"
        )
        raise LedgerError(msg)
    return folded


def _fold(state: State | None, entry: Entry) -> State:
    thing = entry.stream.partition(":")[0]
    if (state is None) != (entry.number == 1):
        msg = f"the stream has {0 if state is None else number_of(state)} entries"
        raise ValueError(msg)
    if state is not None and entry.kind in {"measure_defined", "pool_opened"}:
        msg = "only the first entry of a stream begins it"
        raise ValueError(msg)
    if thing == "document" and (state is None or isinstance(state, AppliedDocument)):
        return fold_document(entry)
    life = LIVES.get(thing)
    if life is None or not (state is None or isinstance(state, life.state)):
        msg = (
            "a stream is named measure:ID, pool:ID, launch:REF, remote:ID, connection:ID,"
            " object:CONNECTION/KIND/REF or document:KIND/ID"
        )
        raise ValueError(msg)
    return life.fold(state, entry)


def _identity(state: State) -> str:
    if isinstance(state, AppliedDocument):
        return f"{state.kind}/{state.id}"
    return life_of(state).subject(state)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
