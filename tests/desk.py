"""A small help desk with a REST interface of its own making, for connectors by manifest.

A real HTTP server with state: tickets with a lock by ETag and a workflow, comments, campaigns
that run in per cents, and habits that real systems have: it finds parts of names, pages its
lists, rounds its times to seconds, and says no to an illegal move with a polite 200.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.contract import Webhook
from connectors.signatures import standard_signature

STATES = {1: "new", 2: "working", 3: "done"}
LARGEST_LIMIT = 3
"""Rows of a page, however many are asked for: every list in a test has several."""


class Desk:
    """What the help desk knows.

    Attributes:
        key: what must be in the header Authorization, or X-Desk-Key.
        requests: every request line, oldest first.
    """

    def __init__(self, key: str = "Bearer k3y") -> None:
        self.key = key
        self.requests: list[str] = []
        self.tickets: dict[int, dict[str, Any]] = {}
        self.campaigns = {7: {"id": 7, "name": "Spring mailing", "state": "draft", "percent": 0}}
        self.lock = threading.Lock()

    def answer(self, method: str, target: str, headers: Any, body: Any) -> tuple[int, Any]:
        """Returns the status and content that answer a request."""
        self.requests.append(f"{method} {target}")
        if self.key not in (headers.get("Authorization"), headers.get("X-Desk-Key")):
            return 401, {"error": "who are you?"}
        split = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        match [method, *split.path.removeprefix("/api/").split("/")]:
            case ["GET", "me"]:
                return 200, {"user": {"login": "sluice"}, "desk": {"version": "3.1"}}
            case ["GET", "tickets"]:
                return 200, self._listed(query)
            case ["POST", "tickets"]:
                return 201, {"ticket": self._made(body["ticket"])}
            case ["GET", "campaigns"]:
                rows = [one for one in self.campaigns.values() if one["name"] == query["name"]]
                return 200, {"campaigns": rows}
            case ["POST", "campaigns", ref, "stop" | "run" as action]:
                return self._told(int(ref), action, body)
            case [_, "tickets", ref, *rest] if ref.isdecimal() and int(ref) in self.tickets:
                return self._one(method, self.tickets[int(ref)], rest, headers, body)
        return 404, {"error": f"there is no {split.path}"}

    def _one(
        self, method: str, ticket: dict[str, Any], rest: list[str], headers: Any, body: Any
    ) -> tuple[int, Any]:
        match [method, *rest]:
            case ["GET"]:
                return 200, {"ticket": ticket}
            case ["PATCH"]:
                if headers.get("If-Match") != ticket["etag"]:
                    return 412, {"error": "somebody else was first"}
                self._change(ticket, body["ticket"])
                return 200, {}
            case ["POST", "state"]:
                if body["state"] not in STATES or body["state"] < ticket["state"]:
                    return 200, {"ok": False, "code": "ILLEGAL_STATE", "words": "not from here"}
                self._change(ticket, {"state": body["state"]})
                return 200, {"ok": True}
            case ["GET", "comments"]:
                return 200, {"comments": ticket["comments"]}
            case ["POST", "comments"]:
                if len(body["text"]) > 5_000:
                    return 422, {"error": "a comment has at most 5,000 letters"}
                self._change(ticket, {"comments": [*ticket["comments"], {"text": body["text"]}]})
                return 201, {}
        return 405, {"error": "nobody can do that"}

    def _made(self, content: dict[str, Any]) -> dict[str, Any]:
        number = len(self.tickets) + 1
        ticket = {"id": number, "state": 1, "comments": [], "number": 0, "priority": "normal"}
        self._change(ticket, content)
        self.tickets[number] = ticket
        return ticket

    def _change(self, ticket: dict[str, Any], content: dict[str, Any]) -> None:
        ticket.update(content)
        ticket["number"] += 1
        ticket["etag"] = f'W/"{ticket["id"]}-{ticket["number"]}"'
        ticket["changed"] = {
            "at": datetime.now(UTC).replace(microsecond=0).isoformat(),
            "by": "sluice",
        }

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        rows = [
            one
            for one in self.tickets.values()
            if query.get("name", "") in one.get("external", "")
            and one["changed"]["at"] >= query.get("changed_since", "").replace("Z", "+00:00")
        ]
        rows.sort(key=lambda one: (one["changed"]["at"], one["id"]))
        start, size = int(query.get("offset", 0)), int(query.get("limit", LARGEST_LIMIT))
        return {"tickets": rows[start : start + min(size, LARGEST_LIMIT)], "total": len(rows)}

    def _told(self, number: int, action: str, body: Any) -> tuple[int, Any]:
        percent = body["percent"] if action == "run" else 0
        state = "running" if action == "run" else "stopped"
        self.campaigns[number].update(state=state, percent=percent)
        return 200, {}


@contextmanager
def serving(answer: Callable[[str, str, Any, Any], tuple[int, Any]]) -> Iterator[str]:
    """Serves a function from method, target, headers and content; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = answer(self.command, self.path, self.headers, raw)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = _serve  # noqa: N815  (so http.server calls them)

        def log_message(self, *_: object) -> None:
            """Says nothing: what was asked is known."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving_desk(desk: Desk) -> Iterator[str]:
    """Serves a help desk; gives the address of its interface."""

    def answer(method: str, target: str, headers: Any, raw: bytes) -> tuple[int, Any]:
        with desk.lock:
            return desk.answer(method, target, headers, json.loads(raw) if raw else None)

    with serving(answer) as address:
        yield f"{address}/api"


def standard_delivery(secret: str, moment: datetime) -> Webhook:
    """Returns a webhook about ticket 1, signed as Standard Webhooks has it; each is another."""
    body = json.dumps({"type": "issue", "object": {"id": 1}}).encode()
    name, sent = f"msg_{uuid.uuid4()}", str(int(moment.timestamp()))
    headers = {
        "webhook-id": name,
        "webhook-timestamp": sent,
        "webhook-signature": standard_signature(secret, name, sent, body),
    }
    return Webhook(headers=headers, body=body)
