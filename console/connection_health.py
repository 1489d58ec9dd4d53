"""How connections fare: shown, and noted when a person checks one."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from connectors.contract import Connector, Health
from connectors.credentials import credentials_of
from connectors.failures import ConnectorError
from connectors.outcome import outcome_of
from connectors.registry import connect
from console.output import print_table
from console.session import Place, open_ledger
from ledger.linking import Targets
from ledger.polls import Poll, Polls, furthest_behind
from measures.circuit import ConnectionState, Outcome, note_call, note_check
from measures.documents import Connection
from measures.errors import ConfigurationError
from measures.model import Moment, Stored

_SKEWED = 60.0
"""Seconds from which on a clock that is off is worth a word."""


class ConnectionView(Stored):
    """How a connection fares, as commands show it.

    Attributes:
        id: the connection.
        circuit: closed: calls go through; open: none does until a check of the system succeeds;
            probing: such a check is under way; needs-person: none does until somebody acts.
        since: since when the circuit is not closed.
        until: when the next check is due; nothing when somebody must act.
        failures: calls that failed since one was last answered.
        last_success: when a call was last answered.
        last_error: how a call last failed.
        last_error_at: when that was.
        polled_at: up to when all that changed there and concerns somebody here is known; nothing
            where nobody waits for anything.
        lag: how many seconds ago that was.
    """

    id: str
    circuit: str
    since: Moment | None
    until: Moment | None
    failures: int
    last_success: Moment | None
    last_error: str
    last_error_at: Moment | None
    polled_at: Moment | None = None
    lag: float | None = None


def views_of(place: Place, names: Iterable[str] = ()) -> dict[str, ConnectionView]:
    """Returns how these connections fare, and all that were ever called."""
    states: dict[str, ConnectionState] = {}
    polls: dict[str, Poll] = {}
    # Where nothing has run yet, nothing was called.
    with suppress(ConfigurationError), open_ledger(place) as ledger:
        states = ledger.connections.all()
        kinds = Targets(ledger.database).kinds()
        polls = furthest_behind(Polls(ledger.database).all(), kinds)
    now = datetime.now(UTC)
    return {
        name: _view(states.get(name) or ConnectionState(id=name), polls.get(name), now)
        for name in {*names, *states}
    }


def _view(state: ConnectionState, poll: Poll | None, now: datetime) -> ConnectionView:
    view = ConnectionView.model_validate(state.model_dump(), strict=True)
    if poll is None:
        return view
    lag = (now - poll.complete_at).total_seconds()
    return view.model_copy(update={"polled_at": poll.complete_at, "lag": lag})


def print_health(views: Mapping[str, ConnectionView], connectors: Mapping[str, str]) -> None:
    """Prints one line for each connection.

    Args:
        views: by connection.
        connectors: the connector of each.
    """
    rows = [
        [name, connectors[name], _circuit(view), view.last_success and _shown(view.last_success),
         _lag(view), _error(view)]
        for name, view in sorted(views.items())
    ]  # fmt: skip
    print_table(["connection", "connector", "circuit", "answered", "lag", "last error"], rows)


def words_of(name: str, health: Health) -> list[str]:
    """Returns what a check found, line by line: who we are, and what somebody should see to."""
    version = f", version {health.version}" if health.version else ""
    lines = [f"{name}: answers, we are {health.account}{version}"]
    if health.calls_left is not None:
        lines.append(f"calls left today: {health.calls_left:,}")
    ahead = health.clock_skew.total_seconds() if health.clock_skew else 0.0
    if abs(ahead) >= _SKEWED:
        lines.append(
            f"its clock is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} ours"
        )
    return lines + [f"missing: {one}" for one in health.missing]


async def check(connection: Connection, place: Place) -> Health:
    """Asks a system who it takes us for and has all workers know how that went.

    Raises:
        ConnectorError: it does not answer well.
        ConfigurationError: the settings do not fit its connector.
    """
    connector: Connector | None = None
    try:
        connector = connect(connection.connector, connection.settings, place.settings.state_dir)
        health = await connector.check()
    except ConnectorError as failure:
        await _tell(connection, failure, place)
        raise
    finally:
        if connector is not None:
            await connector.aclose()
    # Only here it has answered: who gives up waiting must not close the circuit by that.
    await _tell(connection, None, place)
    return health


async def _tell(connection: Connection, failure: ConnectorError | None, place: Place) -> None:
    outcome = await outcome_of(failure, datetime.now(UTC), credentials_of(connection))
    if outcome is not None:
        _note(connection.id, outcome, place)


def _note(name: str, outcome: Outcome, place: Place) -> None:
    """Closes the circuit when it went well; a check that fails counts as any call does."""
    note = note_check if outcome.kind in ("answered", "refused") else note_call
    try:
        with open_ledger(place) as ledger:
            ledger.connections.change(name, lambda state: note(state, outcome))
    except ConfigurationError:
        return  # nothing has run here yet: nobody to tell


def _circuit(view: ConnectionView) -> str:
    match view.circuit:
        case "open" if view.until is not None:
            return f"open until {_shown(view.until)}"
        case "needs-person":
            return f"needs a person: sluice connectors check {view.id}"
        case other:
            return other


def _lag(view: ConnectionView) -> str:
    return "" if view.lag is None else f"{view.lag:,.0f} s"


def _error(view: ConnectionView) -> str:
    return f"{_shown(view.last_error_at)}: {view.last_error}" if view.last_error_at else ""


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
