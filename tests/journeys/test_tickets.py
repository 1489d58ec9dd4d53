"""Tickets in a real Roundup for what blocks a measure, whatever dies in between."""

import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.real_people import PASSWORD, Tracker

DOCUMENTS = """\
kind: Connection
id: tracker
connector: roundup
settings: {{url: "http://127.0.0.1:{port}/gate/", user: admin, password: "file:{password}"}}
---
kind: Mapping
id: blockers
version: 1
connection: tracker
object: issue
purpose: blockers
for: {{packages: [summer]}}
rules: ["decided.capacity*", "decided.*capacity*"]
fields:
  - {{ours: title, theirs: title}}
  - {{ours: owner, theirs: assignedto, policy: remote, values: {{eve: bot}}}}
statuses: {{open: in-progress, cleared: resolved}}
"""


def connect(office: Any, port: int) -> None:
    """The tracker and what is shown there become known."""
    password = office.write("password", PASSWORD)
    office.write("tracker.yaml", DOCUMENTS.format(port=port, password=password))
    applied = office.sluice("apply", "-f", "tracker.yaml")
    assert applied.code == 0, applied


def block(office: Any, plan: str, name: str) -> None:
    """A measure asks for more than there is."""
    office.write(f"{name}.yaml", plan)
    assert office.sluice("apply", "-f", f"{name}.yaml").code == 0
    for stage in ("identified", "detailed"):
        assert office.asks("advance", name, "--as", "ada")["stage"] == stage
    for role, person in (("sponsor", "ben"), ("committee", "dan")):
        office.asks("sign", name, "--gate", "decided", "--role", role, "--as", person)
    assert office.sluice("advance", name, "--as", "ada").code == 3


def standing(office: Any, name: str) -> str:
    """How the one ticket of a measure stands."""
    [shown] = office.asks("connectors", "explain", name)
    return str(shown["standing"])


def clear(office: Any, name: str) -> None:
    """There is enough now."""
    [demand] = office.asks("get", "measure", name)["plan"]["demands"]
    enough = ("capacity", "desk", "--period", demand["period"], "--amount", "120", "--as", "eve")
    assert office.asks(*enough)["freed_for"] == [name]


@pytest.fixture
def place(make_shell: Callable[[], Any], open_office: Callable[[Any], Any]) -> Iterator[Any]:
    """An office of the test's own."""
    shell = make_shell()
    shell.environment |= {"SLUICE_POLL_SECONDS": "0.5", "SLUICE_CIRCUIT_SECONDS": "0.5"}
    with open_office(shell) as office:
        yield office


@pytest.fixture
def tracker(roundup: Any) -> Iterator[Tracker]:
    """Somebody who looks at the tracker."""
    people = Tracker(roundup.port)
    yield people
    people.close()


@pytest.mark.timeout(600)
def test_a_ticket_is_opened_and_closed_although_the_tracker_dies_in_between(
    place: Any,
    roundup: Any,
    tracker: Tracker,
    measure_text: Callable[..., str],
    wait_until: Callable[..., Any],
) -> None:
    """One issue; a message when it opens, one when somebody closes it too early, one at the end."""
    connect(place, roundup.port)
    block(place, measure_text("summer", amount=120), "summer")
    wait_until(lambda: tracker.status() == "in-progress")
    [issue] = tracker.issues()
    assert issue["assignedto"]["username"] == "bot"
    wait_until(lambda: tracker.issues()[0]["messages"])
    wait_until(lambda: tracker.status() == "in-progress")

    # Somebody thinks it is done; it is not, which the next poll finds.
    tracker.move(issue, "resolved")
    wait_until(lambda: len(tracker.issues()[0]["messages"]) == 2)
    wait_until(lambda: tracker.status() == "in-progress")

    roundup.kill()
    clear(place, "summer")
    wait_until(lambda: place.asks("get", "measure", "summer")["stage"] == "decided")
    roundup.run("start.sh")

    wait_until(lambda: standing(place, "summer") == "ended")
    [closed] = tracker.issues()
    assert closed["id"] == issue["id"]
    assert closed["status"]["name"] == "resolved"
    opening, too_early, clearing = tracker.said(closed)
    assert "still does" in too_early
    assert "summer" in opening
    assert "sluice" in opening
    assert clearing.startswith("Cleared: gate decided")
    assert place.sluice("ledger", "verify").code == 0


@pytest.mark.timeout(900)
def test_a_worker_killed_at_each_step_makes_no_second_ticket(
    place: Any,
    roundup: Any,
    tracker: Tracker,
    measure_text: Callable[..., str],
    wait_until: Callable[..., Any],
) -> None:
    """Each request that writes is done, and then the worker dies before it hears of it."""

    def done(status: str, messages: int) -> bool:
        return [(i["status"]["name"], len(i["messages"])) for i in tracker.issues()] == [
            (status, messages)
        ]

    with Between(roundup.port, lambda: place.stack.worker.pid).open() as between:
        connect(place, between.port)
        block(place, measure_text("winter", amount=120), "winter")
        wait_until(lambda: done("in-progress", 1) and len(between.killed) == 4, seconds=200)
        between.phase = "clearing"
        clear(place, "winter")
        wait_until(lambda: standing(place, "winter") == "ended", seconds=200)
        assert done("resolved", 2)
        assert len(between.killed) == 7, between.killed
    assert place.sluice("ledger", "verify").code == 0


class Between:
    """Stands between worker and tracker: the first of each kind of write kills the worker.

    The tracker does what was asked; the answer is lost with the worker.
    """

    def __init__(self, behind: int, worker: Callable[[], int]) -> None:
        self._behind = f"http://127.0.0.1:{behind}"
        self._worker = worker
        self._turn = threading.Lock()
        self.killed: list[tuple[str, ...]] = []
        self.port = 0
        self.phase = "opening"

    @contextmanager
    def open(self) -> Iterator["Between"]:
        """Listens while the block runs."""
        between = self

        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                between.pass_on(self)

            do_GET = do_POST = do_PATCH = _pass_on  # noqa: N815 - the names that it calls

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """Has the tracker answer, and kills who asked where such a write comes first."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in request.headers.items() if k not in _OWN}
        headers |= {"Origin": self._behind, "Referer": f"{self._behind}/gate/"}
        answer = httpx.request(
            request.command, f"{self._behind}{request.path}", content=body, headers=headers
        )
        with self._turn:
            write = _kind_of(self.phase, request.command, request.path, body)
            if write is not None and write not in self.killed:
                self.killed.append(write)
                os.kill(self._worker(), signal.SIGKILL)
                request.close_connection = True
                return
        with suppress(ConnectionError):  # who asked may be dead by now
            request.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _HOPS:
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(answer.content)))
            request.end_headers()
            request.wfile.write(answer.content)


_OWN = {"Host", "Origin", "Referer", "Content-Length", "Connection", "Accept-Encoding"}
_HOPS = {"content-length", "transfer-encoding", "connection", "content-encoding"}


def _kind_of(phase: str, method: str, path: str, body: bytes) -> tuple[str, ...] | None:
    """Names what a write does, however often it comes; None for what only reads."""
    if method == "GET":
        return None
    return (phase, method, re.sub(r"\d+", "#", path), *sorted(json.loads(body)))
