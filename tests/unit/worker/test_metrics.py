"""The metrics page tells what a person must hear of, and costs nothing when nobody wants it."""

import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import rules.judge  # noqa: F401  registers its counters, as in a worker
from ledger.inbox import Inbox, News
from ledger.polls import Polls
from ledger.store import Ledger
from measures.circuit import Outcome, note_call
from measures.entry import Draft, measure_stream
from measures.errors import ConfigurationError
from measures.links import Link
from measures.plan import Measure
from worker.metrics import LedgerCollector, metrics_page
from worker.ports import free_port


def page(address: str) -> dict[str, float]:
    """Reads the page: each sample by its name and labels."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def defined(name: str, links: tuple[dict[str, str], ...] = ()) -> Draft:
    """Drafts the beginning of a measure."""
    plan = Measure(
        id=name,
        title=name,
        type="initiative",
        package="media",
        links=tuple(Link.model_validate(one) for one in links),
    )
    return Draft(
        stream=measure_stream(name), number=1, kind="measure_defined", at=datetime.now(UTC),
        by="olga", command=name, body={"plan": plan.model_dump(mode="json", by_alias=True)},
    )  # fmt: skip


def test_the_page_shows_the_ledger_as_it_is_now(tmp_path: Path) -> None:
    """Each look reads anew; the judge's own counters are there too."""
    address = f"127.0.0.1:{free_port()}"
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        with metrics_page(address, LedgerCollector(ledger)):
            assert page(address)["ledger_entries"] == 0
            ledger.append([defined("m1")])
            ledger.append([defined("m2")])
            down = Outcome(datetime.now(UTC), "unknown-to-it", "401")
            ledger.connections.change("crm", lambda state: note_call(state, down))
            ledger.connections.change("desk", lambda state: state)
            shown = page(address)
        assert shown["measures{defined}"] == 2
        assert shown["ledger_entries"] == 2
        assert shown["ledger_up"] == 1
        assert (shown["connector_up{crm}"], shown["connector_up{desk}"]) == (0, 1)
        assert shown["oldest_request_age_seconds"] == 0
        assert "oracle_disagreements_total" in shown
        with pytest.raises(OSError, match="refused"):
            page(address)


def test_the_page_shows_what_waits_in_the_inbox_and_how_far_polls_are_behind(
    tmp_path: Path,
) -> None:
    """By connection; of kinds that concern somebody."""
    address, now = f"127.0.0.1:{free_port()}", datetime.now(UTC)
    links = ({"id": "a", "connection": "desk", "object": "ticket", "ref": "1"},)
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.append([defined("m1", links)])
        Inbox(ledger.database).put(
            [News("desk", "ticket", "1", name) for name in "ab"], now - timedelta(minutes=1)
        )
        for kind in ("ticket", "other"):
            Polls(ledger.database).take(
                "desk", kind, "", now - timedelta(minutes=5), timedelta(seconds=1)
            )
        with metrics_page(address, LedgerCollector(ledger)):
            shown = page(address)
    assert shown["inbox_waiting{desk}"] == 2
    assert 60 <= shown["inbox_oldest_seconds{desk}"] < 3600
    assert 300 <= shown["connection_lag_seconds{desk}"] < 3600


def test_a_ledger_that_is_gone_shows_and_does_not_break_the_page(tmp_path: Path) -> None:
    """Counters of the worker are needed most when something is down."""
    address = f"127.0.0.1:{free_port()}"
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with metrics_page(address, LedgerCollector(ledger)):
        with ledger.database.writing() as connection:
            connection.exec_driver_sql("drop table measures")
        shown = page(address)
    ledger.close()
    assert shown["ledger_up"] == 0
    assert "oracle_disagreements_total" in shown


def test_a_taken_address_is_refused_in_words(tmp_path: Path) -> None:
    """The setting is named."""
    address = f"127.0.0.1:{free_port()}"
    with (
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
        metrics_page(address, LedgerCollector(ledger)),
        pytest.raises(ConfigurationError, match="SLUICE_METRICS_ADDRESS"),
        metrics_page(address, LedgerCollector(ledger)),
    ):
        pytest.fail("nobody else may listen there")
