"""A circuit spares a system that is down, waits for a person where one must act, and closes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from measures.circuit import (
    FAILURES_IN_A_ROW,
    FIRST_OPENING,
    ConnectionState,
    Outcome,
    claim_check,
    claim_waking,
    may_not_call,
    note_call,
    note_check,
    woken,
)

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
LONGEST = timedelta(minutes=15)


def down(at: datetime = NOW, **more: Any) -> Outcome:
    """A call that may work later."""
    return Outcome(at, "down", "503: closed for repairs", **more)


def failed(times: int, state: ConnectionState | None = None, **more: Any) -> ConnectionState:
    """A connection after calls that failed in a row."""
    state = state or ConnectionState(id="crm")
    for _ in range(times):
        state = note_call(state, down(**more))
    return state


def test_five_failures_in_a_row_open_it_for_half_a_minute() -> None:
    """Four do not; the words name the connection, the reason and what to do."""
    assert may_not_call(failed(FAILURES_IN_A_ROW - 1), NOW) is None
    state = failed(FAILURES_IN_A_ROW)
    closed = may_not_call(state, NOW)
    assert closed is not None
    assert closed.after == FIRST_OPENING == timedelta(seconds=30)
    assert closed.why == (
        "crm is not called until 2031-01-12 09:00:30 UTC: it failed 5 times in a row, last: 503:"
        " closed for repairs; `sluice connectors check crm` tries it now"
    )


@pytest.mark.parametrize("kind", ["answered", "refused"])
def test_an_answer_in_between_begins_anew(kind: Any) -> None:
    """A system that refuses what is asked works."""
    state = note_call(failed(FAILURES_IN_A_ROW - 1), Outcome(NOW, kind))
    assert failed(FAILURES_IN_A_ROW - 1, state).circuit == "closed"


def test_each_failed_check_doubles_the_time_up_to_15_minutes() -> None:
    """And a system that passes checks but fails at work is left alone for longer too."""
    state, spans, at = failed(FAILURES_IN_A_ROW), [], NOW
    for _ in range(8):
        assert state.until is not None
        spans.append((state.until - at).total_seconds())
        at = state.until
        state = note_check(claim_check(state, at, ""), down(at))
    assert spans == [30, 60, 120, 240, 480, 900, 900, 900]
    assert state.since == NOW
    closed = note_check(state, Outcome(at, "answered"))
    assert closed.circuit == "closed"
    again = failed(FAILURES_IN_A_ROW, closed, at=at)
    assert again.until == at + LONGEST
    worked = failed(FAILURES_IN_A_ROW, note_call(closed, Outcome(at, "answered")), at=at)
    assert worked.until == at + FIRST_OPENING


def test_the_time_that_the_system_asks_for_counts_up_to_a_bound() -> None:
    """It knows best, but nobody waits a day before looking again."""
    asked = failed(FAILURES_IN_A_ROW, after=timedelta(minutes=2))
    assert asked.until == NOW + timedelta(minutes=2)
    assert failed(FAILURES_IN_A_ROW, after=timedelta(days=1)).until == NOW + LONGEST


def test_wrong_credentials_wait_for_a_person() -> None:
    """However long: until what they were tried with has changed, or a check succeeds."""
    refused = Outcome(NOW, "unknown-to-it", "401: token expired", tried_with="old")
    state = note_call(ConnectionState(id="crm"), refused)
    closed = may_not_call(state, NOW + timedelta(days=30))
    assert closed is not None
    assert closed.after is None
    assert closed.why == (
        "crm does not take our credentials since 2031-01-12 09:00:00 UTC: 401: token expired;"
        " mend them, then `sluice connectors check crm`"
    )
    later = NOW + timedelta(days=30)
    assert claim_check(state, later, "old") == state
    assert note_check(state, Outcome(later, "answered")).circuit == "closed"
    tried = claim_check(state, later, "new")
    assert tried.circuit == "probing"
    still = note_check(tried, Outcome(later, "unknown-to-it", "401", tried_with="new"))
    assert still.circuit == "needs-person"
    assert claim_check(still, later, "new") == still


def test_a_changed_document_is_tried_at_once() -> None:
    """Whoever mends an address does not wait until the time is over."""
    state = failed(FAILURES_IN_A_ROW, tried_with="old")
    assert claim_check(state, NOW, "old") == state
    assert claim_check(state, NOW, "new").circuit == "probing"


def test_a_call_that_was_under_way_neither_closes_nor_prolongs() -> None:
    """Only checks do."""
    state = failed(FAILURES_IN_A_ROW)
    for kind in ("answered", "refused", "down"):
        after = note_call(state, Outcome(NOW, kind, "x"))  # type: ignore[arg-type]
        assert (after.circuit, after.until, after.failures) == (state.circuit, state.until, 0)


def test_who_waits_is_told_once_and_again_when_the_teller_died() -> None:
    """And not forgotten when it closed once more meanwhile."""
    state = note_check(failed(FAILURES_IN_A_ROW), Outcome(NOW, "answered"))
    claimed = claim_waking(state, NOW)
    assert claimed != state
    assert claim_waking(claimed, NOW) == claimed
    assert claim_waking(claimed, NOW + timedelta(minutes=1)) != claimed
    assert woken(claimed, claimed.wake_at).wake_at is None
    closed_again = note_check(failed(FAILURES_IN_A_ROW, claimed), Outcome(NOW, "answered"))
    assert woken(closed_again, claimed.wake_at) == closed_again
    still_owed = note_check(state, Outcome(NOW, "answered"))
    assert still_owed.wake_at == state.wake_at


class AnyWorkers(RuleBasedStateMachine):
    """Several workers, a system that comes and goes, a person, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ConnectionState(id="crm")
        self.now = NOW
        self.secret = "s0"
        self.right = "s0"
        self.up = True
        self.in_a_row = 0
        self.probes: list[tuple[datetime, str]] = []

    def _outcome(self, secret: str) -> Outcome:
        if not self.up:
            return Outcome(self.now, "down", "no answer", tried_with=secret)
        if secret != self.right:
            return Outcome(self.now, "unknown-to-it", "401", tried_with=secret)
        return Outcome(self.now, "answered")

    @rule(seconds=st.sampled_from([0, 1, 20, 45, 100, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def system_comes_or_goes(self) -> None:
        self.up = not self.up

    @rule(secret=st.sampled_from(["s0", "s1"]))
    def system_takes_another_secret(self, secret: str) -> None:
        self.right = secret

    @rule(secret=st.sampled_from(["s0", "s1"]))
    def person_changes_the_secret(self, secret: str) -> None:
        self.secret = secret

    @rule()
    def a_worker_calls(self) -> None:
        if may_not_call(self.state, self.now) is not None:
            return
        outcome = self._outcome(self.secret)
        self.in_a_row = 0 if outcome.kind == "answered" else self.in_a_row + 1
        self.state = note_call(self.state, outcome)
        if outcome.kind == "down":
            assert (self.state.circuit == "open") == (self.in_a_row >= FAILURES_IN_A_ROW)
        if self.state.circuit != "closed":
            self.in_a_row = 0

    @rule()
    def a_worker_claims_a_check(self) -> None:
        claimed = claim_check(self.state, self.now, self.secret)
        if claimed == self.state:
            return
        was = self.state
        assert was.circuit != "closed"
        if was.circuit == "needs-person":
            assert was.tried_with != self.secret
        elif was.circuit == "probing":
            assert was.until is not None
            assert was.until <= self.now
        # At this moment nobody else gets it.
        assert claim_check(claimed, self.now, self.secret) == claimed
        self.state = claimed
        self.probes.append((self.now, self.secret))

    @precondition(lambda self: self.probes)
    @rule()
    def a_check_ends(self) -> None:
        _, secret = self.probes.pop(0)
        outcome = self._outcome(secret)
        self.state = note_check(self.state, outcome)
        assert (self.state.circuit == "closed") == (outcome.kind == "answered")

    @precondition(lambda self: self.probes)
    @rule()
    def a_worker_dies_while_it_checks(self) -> None:
        self.probes.pop(0)

    @rule()
    def person_checks(self) -> None:
        outcome = self._outcome(self.secret)
        note = note_check if outcome.kind == "answered" else note_call
        self.state = note(self.state, outcome)
        if outcome.kind != "answered":
            self.in_a_row += 1
        else:
            assert self.state.circuit == "closed"
            self.in_a_row = 0
        if self.state.circuit != "closed":
            self.in_a_row = 0

    @invariant()
    def it_has_an_end_or_waits_for_a_person(self) -> None:
        state = self.state
        assert (state.circuit in ("open", "probing")) == (state.until is not None)
        assert (state.circuit == "closed") == (state.since is None)
        if state.until is not None and state.last_error_at is not None:
            assert state.until <= self.now + LONGEST

    @invariant()
    def somebody_is_told_when_it_closed(self) -> None:
        if self.state.circuit == "closed" and self.state.last_error_at and not self.state.failures:
            opened_before = self.state.openings > 0
            assert not opened_before or self.state.wake_at is not None

    def teardown(self) -> None:
        """When the system is up and the secret right, checks that are due close it in the end."""
        self.up, self.right = True, self.secret
        self.now += timedelta(hours=1)
        if self.state.circuit == "needs-person":
            assert may_not_call(self.state, self.now) is not None
            self.state = note_check(self.state, self._outcome(self.secret))
        elif self.state.circuit != "closed":
            claimed = claim_check(self.state, self.now, self.secret)
            assert claimed != self.state
            self.state = note_check(claimed, self._outcome(self.secret))
        assert may_not_call(self.state, self.now) is None


TestAnyWorkers = AnyWorkers.TestCase
