"""Whether a connected system may be called: what its answers and failures lead to.

A connection has one circuit, which all workers share. While it is closed, calls go through. It
opens when calls fail in a row, for longer each time, so that a system that is down is not called by
everybody who waits for it; and when the system refuses our credentials, until a person acts. Only a
check of the system closes it again.

Pure functions of the state and the time that are handed in; the ledger keeps the state.
"""

from datetime import timedelta
from typing import Literal, NamedTuple

from measures.model import Moment, Stored

Circuit = Literal["closed", "open", "probing", "needs-person"]
"""Closed: calls go through. Open: none does before a moment. Probing: one check is under way.
Needs-person: none does before somebody has acted."""

FAILURES_IN_A_ROW = 5
"""So many calls that failed, none in between that was answered, open a circuit."""

FIRST_OPENING = timedelta(seconds=30)
"""For how long a circuit opens at first; each time without success in between for twice as long."""

_LONGEST_TIMES = 30  # with the first opening of 30 s: 15 minutes
_PROBE_LEASE = timedelta(seconds=60)  # longer than a check takes: a worker that dies is replaced
_WAKE_LEASE = timedelta(seconds=10)


class ConnectionState(Stored):
    """How a connection fares.

    Attributes:
        id: the connection.
        circuit: whether calls go through.
        failures: how many calls in a row failed since the last that was answered.
        openings: how often the circuit opened since the last call that was answered.
        since: since when the circuit is not closed.
        until: when it may be checked again; nothing while it waits for a person.
        tried_with: the fingerprint of the document and secrets with which calls failed.
        wake_at: when to tell those who wait that it closed; nothing when that is done.
        last_success: when a call was last answered.
        last_error: how a call last failed, without secrets.
        last_error_at: when that was.
        spent_until: up to when the calls that were given out use up what may be sent.
    """

    id: str
    circuit: Circuit = "closed"
    failures: int = 0
    openings: int = 0
    since: Moment | None = None
    until: Moment | None = None
    tried_with: str = ""
    wake_at: Moment | None = None
    last_success: Moment | None = None
    last_error: str = ""
    last_error_at: Moment | None = None
    spent_until: Moment | None = None


class Outcome(NamedTuple):
    """How a call ended.

    Attributes:
        at: when.
        kind: answered: as it should; refused: the system works but would not do it; down: it may
            work later; unknown-to-it: it does not take our credentials.
        why: the failure's words, without secrets.
        after: how long the system asked to wait.
        tried_with: the fingerprint of the document and secrets.
    """

    at: Moment
    kind: Literal["answered", "refused", "down", "unknown-to-it"]
    why: str = ""
    after: timedelta | None = None
    tried_with: str = ""


class Closed(NamedTuple):
    """Why a call is not sent.

    Attributes:
        why: for people.
        after: in how long it may work; nothing when a person must act first.
    """

    why: str
    after: timedelta | None


def may_not_call(state: ConnectionState, at: Moment) -> Closed | None:
    """Returns why a connection must not be called now; None when it may be."""
    if state.circuit == "closed":
        return None
    command = f"`sluice connectors check {state.id}`"
    if state.circuit == "needs-person":
        return Closed(
            f"{state.id} does not take our credentials since {_shown(state.since)}:"
            f" {state.last_error}; mend them, then {command}",
            None,
        )
    assert state.until is not None, "only a person's act has no time"
    return Closed(
        f"{state.id} is not called until {_shown(state.until)}: it failed {FAILURES_IN_A_ROW} times"
        f" in a row, last: {state.last_error}; {command} tries it now",
        max(state.until - at, timedelta(seconds=1)),
    )


def note_call(
    state: ConnectionState, outcome: Outcome, first: timedelta = FIRST_OPENING
) -> ConnectionState:
    """Returns the state after a call.

    A call that was under way when the circuit opened does not close it: that is for a check.

    Args:
        first: for how long a circuit opens at first.
    """
    told = _told(state, outcome)
    if outcome.kind == "unknown-to-it":
        return _waits_for_person(told, outcome)
    if state.circuit != "closed":
        return told
    if outcome.kind != "down":
        return told.model_copy(update={"failures": 0, "openings": 0})
    if state.failures + 1 < FAILURES_IN_A_ROW:
        return told.model_copy(update={"failures": state.failures + 1})
    return _opened(told, outcome, first)


def note_check(
    state: ConnectionState, outcome: Outcome, first: timedelta = FIRST_OPENING
) -> ConnectionState:
    """Returns the state after a check of the system: it closes the circuit or opens it again."""
    told = _told(state, outcome)
    match outcome.kind:
        case "unknown-to-it":
            return _waits_for_person(told, outcome)
        case "down":
            return _opened(told, outcome, first)
        case "answered" | "refused":
            wakes = state.wake_at if state.circuit == "closed" else outcome.at
            # Openings stay until a call is answered: a system that passes checks and fails
            # at work is called less and less.
            closed = {"circuit": "closed", "failures": 0, "since": None, "until": None}
            return told.model_copy(update={**closed, "tried_with": "", "wake_at": wakes})


def claim_check(state: ConnectionState, at: Moment, tried_with: str) -> ConnectionState:
    """Returns the state in which the asker checks the system; unchanged when it is not due.

    It is due when its time has come, and at once when what calls failed with has changed: then a
    person has acted. Who claimed it and died is replaced after a minute.

    Args:
        tried_with: the present fingerprint of document and secrets.
    """
    if state.circuit == "closed":
        return state
    comes = state.until is not None and state.until <= at
    if not comes and (state.circuit == "probing" or state.tried_with == tried_with):
        return state
    return state.model_copy(
        update={"circuit": "probing", "until": at + _PROBE_LEASE, "tried_with": tried_with}
    )


def claim_waking(state: ConnectionState, at: Moment) -> ConnectionState:
    """Returns the state in which the asker tells those who wait; unchanged when it is not due."""
    if state.wake_at is None or state.wake_at > at:
        return state
    return state.model_copy(update={"wake_at": at + _WAKE_LEASE})


def woken(state: ConnectionState, claimed: Moment | None) -> ConnectionState:
    """Returns the state when all who wait were told, unless it has closed once more since."""
    return state.model_copy(update={"wake_at": None}) if state.wake_at == claimed else state


def _told(state: ConnectionState, outcome: Outcome) -> ConnectionState:
    news: dict[str, object] = {}
    if outcome.kind in ("answered", "refused"):
        news["last_success"] = outcome.at
    if outcome.kind != "answered":
        news |= {"last_error": outcome.why, "last_error_at": outcome.at}
    return state.model_copy(update=news)


def _waits_for_person(state: ConnectionState, outcome: Outcome) -> ConnectionState:
    return state.model_copy(
        update={
            "circuit": "needs-person",
            "since": outcome.at if state.circuit == "closed" else state.since,
            "until": None,
            "tried_with": outcome.tried_with,
        }
    )


def _opened(state: ConnectionState, outcome: Outcome, first: timedelta) -> ConnectionState:
    longest = first * _LONGEST_TIMES
    span = min(first * 2 ** min(state.openings, 10), longest)
    asked = min(outcome.after or timedelta(), longest)
    return state.model_copy(
        update={
            "circuit": "open",
            "failures": 0,
            "openings": state.openings + 1,
            "since": outcome.at if state.circuit == "closed" else state.since,
            "until": outcome.at + max(span, asked),
            "tried_with": outcome.tried_with,
        }
    )


def _shown(moment: Moment | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "the beginning"
