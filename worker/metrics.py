"""The metrics page of a process, in the text format of Prometheus.

What the judge or the webhook server counts is counted by this process alone; what stands in the
ledger is read when the page is asked for, so every worker shows the same and one of them suffices.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ledger.inbox import Inbox, Waiting
from ledger.linking import Targets
from ledger.polls import Poll, Polls, furthest_behind
from ledger.store import Ledger
from measures.errors import ConfigurationError, LedgerError


class LedgerCollector(Collector):
    """Reads how many measures there are, what holds them, and how long the oldest waits."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Names nothing, so that registering reads nothing."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the gauges; a ledger that does not answer shows as ``ledger_up 0``."""
        up = GaugeMetricFamily("ledger_up", "Whether the ledger could be read for this page.")
        try:
            counts = self._ledger.counts()
            oldest = self._ledger.oldest_request()
            size = self._ledger.position()
            connections = self._ledger.connections.all()
            news = Inbox(self._ledger.database).waiting()
            kinds = Targets(self._ledger.database).kinds()
            polls = furthest_behind(Polls(self._ledger.database).all(), kinds)
        except LedgerError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        stages = GaugeMetricFamily("measures", "Measures by stage.", labels=["stage"])
        for stage, many in sorted(counts.by_stage.items()):
            stages.add_metric([stage], many)
        yield stages
        blocked = GaugeMetricFamily(
            "gate_blocked", "Waiting measures that a rule holds.", labels=["rule"]
        )
        for rule, many in sorted(counts.by_rule.items()):
            blocked.add_metric([rule], many)
        yield blocked
        waiting = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
        yield GaugeMetricFamily(
            "oldest_request_age_seconds", "How long the oldest request waits.", value=waiting
        )
        fares = GaugeMetricFamily(
            "connector_up", "Whether calls to a connected system go through.", labels=["connection"]
        )
        for name, state in sorted(connections.items()):
            fares.add_metric([name], state.circuit == "closed")
        yield fares
        yield from _inbound(news, polls)
        yield GaugeMetricFamily("ledger_entries", "Entries of the ledger.", value=size)


def _inbound(news: Sequence[Waiting], polls: Mapping[str, Poll]) -> Iterator[GaugeMetricFamily]:
    """Yields how much news waits, for how long, and how far behind each connection is."""
    now = datetime.now(UTC)
    waits = GaugeMetricFamily(
        "inbox_waiting", "News of a connection that waits to be acted on.", labels=["connection"]
    )
    oldest = GaugeMetricFamily(
        "inbox_oldest_seconds", "How long the oldest of it waits.", labels=["connection"]
    )
    for one in news:
        waits.add_metric([one.connection], one.many)
        oldest.add_metric([one.connection], (now - one.oldest).total_seconds())
    behind = GaugeMetricFamily(
        "connection_lag_seconds",
        "For how long changes in a connection may have gone unnoticed.",
        labels=["connection"],
    )
    for name, poll in sorted(polls.items()):
        behind.add_metric([name], (now - poll.complete_at).total_seconds())
    yield from (waits, oldest, behind)


@contextmanager
def metrics_page(address: str | None, *collectors: Collector) -> Iterator[None]:
    """Serves the page while the block runs; nothing without an address.

    Args:
        address: host:port.
        collectors: what to show beside what this process counts.

    Raises:
        ConfigurationError: when nothing can listen there.
    """
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"))
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"SLUICE_METRICS_ADDRESS: nothing can listen on {address}: {error}"
        ) from error
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        yield
    finally:
        for collector in collectors:
            REGISTRY.unregister(collector)
        server.shutdown()
        server.server_close()
        thread.join()
