"""News by webhook while things die: a signed delivery lets a launch go on, nothing else does."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from connectors.memory import MemoryConnector
from connectors.memory_tickets import KIND
from tests.unit.worker.hooks import SECRET, SECRET_NAME, body_of, signed

CONNECTION = f"""\
kind: Connection
id: tracker
connector: memory
settings: {{secret: "env:{SECRET_NAME}"}}
"""

OTHER = "whsec_c29tZWJvZHkgZWxzZSBoYXMgdGhpcw=="


@pytest.fixture
def told(make_shell: Callable[[], Any], open_office: Callable[[Any], Any]) -> Iterator[Any]:
    """An office that hears only what webhooks tell: it neither polls nor looks in between."""
    shell = make_shell()
    shell.environment |= {
        "SLUICE_POLL_SECONDS": "300",
        "SLUICE_WATCH_SECONDS": "0",
        SECRET_NAME: SECRET,
    }
    with open_office(shell) as office:
        yield office


class Sender:
    """The system that sends webhooks, and repeats what was not acknowledged."""

    def __init__(self, office: Any, wait_until: Callable[..., Any]) -> None:
        self._office = office
        self._wait_until = wait_until

    def send(self, name: str, body: bytes, secret: str = SECRET) -> int:
        """Sends a delivery until somebody answers; returns the status."""

        def answered() -> int:
            url = f"{self._office.stack.webhooks_url}tracker"
            try:
                answer = httpx.post(url, content=body, headers=signed(name, body, secret=secret))
            except httpx.TransportError:
                return 0
            return answer.status_code

        return int(self._wait_until(answered))


def kill(office: Any, name: str) -> None:
    """Ends a process without a word; the supervisor starts another."""
    os.kill(getattr(office.stack, name).pid, signal.SIGKILL)


@pytest.mark.timeout(600)
def test_a_signed_webhook_lets_the_launch_go_on_while_processes_die(
    told: Any, measure_text: Callable[..., str], wait_until: Callable[..., Any]
) -> None:
    """Worker and webhook server are killed in between; forged and repeated ones change nothing."""
    system = MemoryConnector(told.state)
    sender = Sender(told, wait_until)
    with system.by_hand("piet") as tickets:
        ref = tickets.upsert(KIND, "form", {"title": "Sign-up form"}, None).ref
    told.write("tracker.yaml", CONNECTION)
    plan = measure_text("summer").replace("connector: memory", "connector: tracker")
    plan += f"links: [{{id: form, connection: tracker, object: {KIND}, ref: '{ref}'}}]\n"
    told.write("summer.yaml", plan)
    applied = told.sluice("apply", "-f", "tracker.yaml", "-f", "summer.yaml")
    assert applied.code == 0, applied
    for stage in ("identified", "detailed"):
        assert told.asks("advance", "summer", "--as", "ada")["stage"] == stage
    for role, person in (("sponsor", "ben"), ("committee", "dan")):
        told.asks("sign", "summer", "--gate", "decided", "--role", role, "--as", person)
    assert told.asks("advance", "summer", "--as", "ada")["stage"] == "decided"
    wait_until(lambda: told.asks("explain", "summer")["links"][0]["status"] == "open")
    wait_until(lambda: told.asks("explain", "launch", "summer")["confirmed"])
    denied = told.sluice("launch", "summer", "--as", "ada")
    assert denied.code == 3, denied
    assert "launch.linked-work-done" in denied.out + denied.err

    with system.by_hand("piet") as tickets:
        tickets.move(KIND, ref, "done")
    body = body_of(ref)
    assert sender.send("m1", body, secret=OTHER) == 401
    kill(told, "worker")
    kill(told, "webhooks")
    assert sender.send("m1", body) == 202
    assert sender.send("m1", body) == 202
    kill(told, "worker")
    wait_until(lambda: shows(told, system) == "released", 120)

    [link] = told.asks("explain", "summer")["links"]
    assert (link["status"], link["done"]) == ("done", True)
    explained = told.sluice("explain", "summer").out
    assert f"done (tracker:{KIND}/{ref})" in explained
    seen = kinds(told, f"object:tracker/{KIND}/{ref}")
    assert seen == ["object_observed", "object_observed"]
    assert kinds(told, "measure:summer").count("permit_granted") == 1

    assert told.sluice("hold", "summer", "--reason", "enough", "--as", "ben").code == 0
    wait_until(lambda: shows(told, system) == "held")
    wait_until(lambda: told.asks("explain", "launch", "summer")["confirmed"])
    system.set_by_hand("summer", "released")
    kill(told, "webhooks")
    assert sender.send("m2", body_of("summer", kind="campaign")) == 202
    wait_until(lambda: told.asks("explain", "launch", "summer")["put_backs"] == 1, 120)
    wait_until(lambda: shows(told, system) == "held")
    assert told.sluice("ledger", "verify").code == 0


def shows(office: Any, system: MemoryConnector) -> str:
    """What the campaign does."""
    seen = system._show("summer")
    return seen.state if seen is not None else ""


def kinds(office: Any, stream: str) -> list[str]:
    """The entries of a stream."""
    return [one["kind"] for one in office.asks("ledger", "show", "--stream", stream)]
