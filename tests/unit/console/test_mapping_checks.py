"""A mapping is held against what its system describes, before anything is written there."""

from typing import Any

import pytest

from connectors.contract import Manifest, RemoteField, RemoteSchema
from console.mapping_checks import kind_faults, schema_faults
from measures.mapping import Mapping

SCHEMA = RemoteSchema(
    kind="issue",
    fields={
        "summary": RemoteField(name="summary", required=True),
        "owner": RemoteField(name="owner", type="choice", choices=("u-1", "u-2")),
        "created": RemoteField(name="created", writable=False),
    },
    statuses=("To do", "Doing", "Done"),
    closed=("Done",),
    moves={"To do": ("Doing", "Done"), "Doing": ("Done",), "Done": ()},
)
MANIFEST = Manifest(
    name="desk", title="Desk", api="1", kinds=("issue",),
    can=frozenset({"describe", "find", "upsert", "transition", "comment"}),
)  # fmt: skip


TITLE = {"ours": "title", "theirs": "summary"}
BOTH = {"open": "Doing", "cleared": "Done"}


def mapping(*fields: dict[str, Any], **more: Any) -> Mapping:
    """Blockers as issues."""
    whole = {
        "id": "tickets", "version": 1, "connection": "desk", "object": "issue",
        "purpose": "blockers", "fields": fields or (TITLE,),
        **more,
    }  # fmt: skip
    return Mapping.model_validate(whole, strict=False)


@pytest.mark.parametrize(
    ("written", "level", "place", "says"),
    [
        (mapping(TITLE, {"ours": "owner", "theirs": "ownr"}), "error", "fields[1].theirs",
         "no field 'ownr'"),
        (mapping(TITLE, {"ours": "seen", "theirs": "created"}), "error", "fields[1].theirs",
         "cannot be written"),
        (mapping(TITLE, {"ours": "owner", "theirs": "owner", "values": {"kim": "u-3"}}), "error",
         "fields[1].values.kim", "cannot be 'u-3'"),
        (mapping({"ours": "owner", "theirs": "owner"}), "error", "fields", "needs 'summary'"),
        (mapping(statuses={"open": "Open"}), "error", "statuses.open", "no status 'Open'"),
        (mapping(statuses={"open": "Done"}), "error", "statuses.open", "means done there"),
        (mapping(statuses={"cleared": "Doing"}), "warning", "statuses.cleared",
         "does not mean done"),
        (mapping(statuses=BOTH), "warning", "statuses.open", "cannot be moved back"),
    ],
)  # fmt: skip
def test_what_does_not_fit(written: Mapping, level: str, place: str, says: str) -> None:
    """One fault, at its place."""
    [fault] = schema_faults(written, SCHEMA)
    assert (fault.level, fault.place) == (level, place)
    assert says in fault.message


def test_an_illegal_move_says_which_there_are() -> None:
    """From open to cleared must be one move."""
    stuck = SCHEMA.model_copy(update={"moves": {"Doing": ("To do",), "Done": ("Doing",)}})
    [fault] = schema_faults(mapping(statuses=BOTH), stuck)
    assert (fault.level, fault.place) == ("error", "statuses.cleared")
    assert fault.help == "from 'Doing' there is: To do"


def test_a_system_that_does_not_tell_is_believed() -> None:
    """Statuses and moves are checked only where they are described."""
    silent = RemoteSchema(kind="issue", fields=SCHEMA.fields)
    assert schema_faults(mapping(statuses={"open": "Whatever"}), silent) == []


def test_what_a_connector_cannot_do_at_all() -> None:
    """No such kind; no moves; nothing can be said."""
    poor = MANIFEST.model_copy(update={"can": frozenset({"describe", "find", "upsert"})})
    assert kind_faults(mapping(statuses=BOTH), MANIFEST) == []
    assert [one.place for one in kind_faults(mapping(object="isue"), MANIFEST)] == ["object"]
    assert kind_faults(mapping(object="isue"), MANIFEST)[0].help == "did you mean 'issue'?"
    [moves, words] = [one.message for one in kind_faults(mapping(statuses=BOTH), poor)]
    assert "transition" in moves
    assert "comments" in words
