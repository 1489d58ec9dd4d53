"""Somebody looks after connected systems: which are down, since when, and what was mended."""

from collections.abc import Callable
from typing import Any

CONNECTION = """\
kind: Connection
id: crm
title: Marketing
connector: {connector}
settings: {settings}
"""


def fares(office: Any, name: str) -> Any:
    """What `sluice connectors list` says of a connection."""
    listed = office.asks("connectors", "list")
    [found] = [c for row in listed for c in row["connections"] if c["id"] == name]
    return found


def test_a_system_that_is_down_is_shown_and_called_again_after_a_check(
    office: Any, measure_text: Callable[..., str], wait_until: Callable[..., Any]
) -> None:
    """The circuit opens by itself; a check that fails leaves it so, one that succeeds closes it."""
    down = office.state / "crm-is-down"
    down.touch()
    office.write("summer.yaml", measure_text("summer"))
    assert office.sluice("apply", "-f", "summer.yaml").code == 0
    wait_until(lambda: fares(office, "memory")["circuit"] == "open")
    shown = fares(office, "memory")
    assert "does not answer" in shown["last_error"]
    assert shown["last_error_at"] >= shown["since"]
    assert shown["until"] > shown["since"]
    table = office.sluice("connectors", "list")
    assert "open until" in table.out
    assert "does not answer" in table.out

    failed = office.sluice("connectors", "check", "memory")
    assert failed.code == 1
    assert "does not answer" in failed.err
    assert fares(office, "memory")["circuit"] in ("open", "probing")

    down.unlink()
    checked = office.asks("connectors", "check", "memory")
    assert checked["health"]["circuit"] == "closed"
    assert checked["health"]["last_success"] > shown["last_error_at"]
    explained = ("explain", "launch", "summer")
    wait_until(lambda: "memory showed it held" in office.sluice(*explained).out)


def test_a_check_that_is_refused_is_noted_and_hides_the_secret(office: Any) -> None:
    """A secret that is missing waits for a person, in words that say which."""
    settings = "{url: http://127.0.0.1:9/crm, key: env:NO_SUCH_KEY}"
    office.write("crm.yaml", CONNECTION.format(connector="tryton", settings=settings))
    assert office.sluice("apply", "-f", "crm.yaml").code == 0
    assert fares(office, "crm")["circuit"] == "closed"
    refused = office.sluice("connectors", "check", "crm")
    assert refused.code == 1
    assert "env:NO_SUCH_KEY" in refused.err
    assert fares(office, "crm")["circuit"] == "needs-person"
    unreachable = office.sluice("connectors", "check", "crm", NO_SUCH_KEY="hush-hush")
    assert unreachable.code == 1
    # Nothing is known of the key yet: a system that does not answer says nothing about it.
    shown = fares(office, "crm")
    assert shown["circuit"] == "needs-person"
    assert "did not answer" in shown["last_error"]
    assert "hush-hush" not in repr(unreachable) + repr(shown)
    assert "needs a person" in office.sluice("connectors", "list").out
