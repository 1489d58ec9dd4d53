"""What was known when an entry was decided is what could be read just before it was recorded."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.past import situation_at
from ledger.store import Ledger
from measures.errors import RefusedError


def test_the_past_is_what_the_present_was(sqlite_ledger: Ledger, lives: Any) -> None:
    """At every entry of a life: its pools, the measures it waits for, the people and packs."""
    ledger = sqlite_ledger
    ledger.append([lives.pool("kyc")])
    ledger.append([lives.defined("base")])
    ledger.append([lives.defined("m1")])
    steps = [
        [lives.capacity("kyc", 2, 50)],
        [lives.judged("m1", 2, "r1")],
        [lives.draft("base", 2, "stage_advanced", **{"from": "defined", "to": "identified"})],
        [lives.draft("m1", 3, "signed_off", **SIGN_OFF)],
        [lives.capacity("kyc", 3, 150)],
        [lives.judged("m1", 4)],
        [lives.draft("m1", 5, "stage_advanced", **{"from": "defined", "to": "identified"})],
        [lives.draft("base", 3, "hold_placed", reason="r")],
    ]
    known: list[tuple[int, Any, Any, Any]] = []
    for number, drafts in enumerate(steps):
        at = lives.now + timedelta(hours=number)
        drafts = [draft.model_copy(update={"at": at}) for draft in drafts]
        person = {**PERSON, "name": f"Sam {number}"}
        ledger.append_document("Person", "sam", person, "operator", at, f"sam-{number}")
        state, directory = ledger.measure("m1"), ledger.directory()
        assert state is not None
        facts = ledger.facts(state, directory, at)
        [entry] = ledger.append(drafts)
        known.append((entry.position, state, directory, tuple(facts)))
    for position, state, directory, facts in known:
        then = situation_at(ledger, "m1", position)
        assert (then.entry.position, then.state, then.facts) == (position, state, facts)
        assert then.directory == directory


SIGN_OFF = {
    "gate": "decided",
    "role": "sponsor",
    "by": "sam",
    "on_behalf_of": "sam",
    "decision": "approve",
    "at": "2031-01-12T10:00:00Z",
    "content": "c",
}
PERSON = {"kind": "Person", "id": "sam", "roles": ["sponsor"]}


def test_what_is_not_there_is_told(sqlite_ledger: Ledger, lives: Any) -> None:
    """An entry that does not exist, and a measure that did not yet."""
    sqlite_ledger.append([lives.pool("kyc")])
    sqlite_ledger.append([lives.defined("m1")])
    with pytest.raises(RefusedError, match="no entry 9, the last one is 2"):
        situation_at(sqlite_ledger, "m1", 9)
    for position in (1, 2):
        with pytest.raises(RefusedError, match=f"no measure 'm1' before entry {position}"):
            situation_at(sqlite_ledger, "m1", position)
