"""How connections fare is one row each, which all workers share."""

import threading
from datetime import timedelta
from typing import Any

from ledger.store import Ledger
from measures.circuit import ConnectionState, Outcome, claim_check, note_call

EVERYTHING = {
    "circuit": "open",
    "failures": 3,
    "openings": 2,
    "tried_with": "f" * 64,
    "last_error": "no answer, 100 % sure",
}
MOMENTS = ("since", "until", "wake_at", "last_success", "last_error_at", "spent_until")


def test_what_is_kept_comes_back(ledger: Ledger, lives: Any) -> None:
    """Every field, to the microsecond; a connection never called has no row."""
    assert ledger.connections.all() == {}
    moments = {
        name: lives.now + timedelta(microseconds=n) for n, name in enumerate(MOMENTS, start=1)
    }
    whole = ConnectionState(id="crm", **EVERYTHING, **moments)
    assert set(ConnectionState.model_fields) == {"id", *EVERYTHING, *MOMENTS}
    change = ledger.connections.change("crm", lambda _: whole)
    assert change == (ConnectionState(id="crm"), whole)
    assert ledger.connections.all() == {"crm": whole}


def test_it_is_no_part_of_the_record(ledger: Ledger, url: str, lives: Any) -> None:
    """No entry is written, the record verifies, and folding anew leaves it as it is."""
    down = Outcome(lives.now, "down", "no answer")
    ledger.connections.change("crm", lambda state: note_call(state, down))
    ledger.rebuild_projections()
    assert ledger.verify().entries == 0
    with Ledger.open(url) as other:
        assert other.connections.all()["crm"].failures == 1


def test_no_failure_is_lost_between_workers(ledger: Ledger, url: str, lives: Any) -> None:
    """Two that note at the same time both count: each decides on what the other has written."""
    together = threading.Barrier(2)

    def work(own: Ledger) -> None:
        together.wait()
        for _ in range(20):
            own.connections.change(
                "crm", lambda s: s.model_copy(update={"failures": s.failures + 1})
            )

    with Ledger.open(url) as other:
        threads = [threading.Thread(target=work, args=(one,)) for one in (ledger, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ledger.connections.all()["crm"].failures == 40


def test_one_of_many_workers_checks(ledger: Ledger, url: str, lives: Any) -> None:
    """Of those that find a check due at the same moment, one gets it."""
    due = ConnectionState(id="crm", circuit="open", until=lives.now)
    ledger.connections.change("crm", lambda _: due)
    together, claimed = threading.Barrier(4), []

    def work() -> None:
        with Ledger.open(url) as own:
            together.wait()
            before, after = own.connections.change("crm", lambda s: claim_check(s, lives.now, ""))
            claimed.append(after != before)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False, False, False, True]


def test_a_decision_that_fails_changes_nothing(ledger: Ledger) -> None:
    """Not even a new row."""

    def break_off(_: ConnectionState) -> ConnectionState:
        raise ZeroDivisionError

    try:
        ledger.connections.change("crm", break_off)
    except ZeroDivisionError:
        assert ledger.connections.all() == {}
    else:
        raise AssertionError("it was swallowed")
