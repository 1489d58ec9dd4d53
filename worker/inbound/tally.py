"""What became of deliveries: counted for the metrics page, told in the log without flooding it.

Anybody may send what is forged, as often as he likes. So the log tells the first refusal of a kind
at once, and after that how many more there were, in one line a minute.
"""

import asyncio
import logging
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

_log = logging.getLogger("sluicegate.worker.webhooks")

NOBODY = ""
"""The connection of deliveries to an address that no connection has."""

QUIET_SECONDS = 60
"""For so long further refusals of one connection with one status are only counted."""

OUTCOMES = {
    400: "malformed",
    401: "forged",
    404: "not_ours",
    408: "too_slow",
    413: "too_large",
    429: "flood",
    503: "not_kept",
}
"""What a refusal is called, by the status that it is answered with."""

_OURS = 503
_HELP = {401: "; if they are genuine, give their sender and the connection the same secret"}

_deliveries = Counter(
    "webhook_deliveries", "Webhooks by what became of them.", ["connection", "outcome"]
)
_seconds = Histogram(
    "webhook_acknowledge_seconds",
    "From a webhook's arrival to its acknowledgement, its write included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


@dataclass
class _Silence:
    """Refusals of one connection with one status since the last line about them."""

    over: asyncio.TimerHandle
    more: int = 0


class Tally:
    """Counts what becomes of deliveries, and tells what was refused."""

    def __init__(self, quiet: float = QUIET_SECONDS) -> None:
        self._quiet = quiet
        self._silences: dict[tuple[str, int], _Silence] = {}

    def taken(self, connection: str, *, new: bool, seconds: float) -> None:
        """Notes a delivery that was acknowledged, and how long that took."""
        _deliveries.labels(connection, "accepted" if new else "duplicate").inc()
        _seconds.observe(seconds)

    def refused(self, connection: str, status: int, why: str) -> None:
        """Notes a delivery that was refused.

        Args:
            connection: to which it was sent; `NOBODY` where there is none of that name, because
                names that strangers make up must not pile up here.
            status: what it was answered with.
            why: the reason, for people.
        """
        _deliveries.labels(connection, OUTCOMES[status]).inc()
        silence = self._silences.get((connection, status))
        if silence is not None:
            silence.more += 1
            return
        _log.log(_level(status), "webhook of %s refused: %d %s", connection or "-", status, why)
        self._keep_quiet(connection, status)

    def close(self) -> None:
        """Tells what has not been told yet."""
        for (connection, status), silence in self._silences.items():
            silence.over.cancel()
            if silence.more:
                _tell(connection, status, silence.more)
        self._silences.clear()

    def _keep_quiet(self, connection: str, status: int) -> None:
        loop = asyncio.get_running_loop()
        over = loop.call_later(self._quiet, self._end_silence, connection, status)
        self._silences[connection, status] = _Silence(over)

    def _end_silence(self, connection: str, status: int) -> None:
        more = self._silences.pop((connection, status)).more
        if more:
            _tell(connection, status, more)
            self._keep_quiet(connection, status)


def _tell(connection: str, status: int, more: int) -> None:
    _log.log(
        _level(status),
        "%d more webhooks of %s refused since then: %d %s%s",
        more,
        connection or "-",
        status,
        OUTCOMES[status],
        _HELP.get(status, ""),
    )


def _level(status: int) -> int:
    return logging.ERROR if status == _OURS else logging.WARNING
