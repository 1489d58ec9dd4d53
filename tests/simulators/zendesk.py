"""A Zendesk account: tickets, their comments and audits, the export and a late search.

Sources: "Tickets", "Ticket Comments", "Ticket Audits", "Incremental Exports", "Search", "Ticketing
introduction" (idempotency), "About native system ticket rules", "About ticket archiving". What an
account does without a word, this one does too: names of fields that it does not know are left out,
and so is a way back to new.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

USER, TOKEN = "sluice@example.com", "z3ndesk-t0ken"
US, AGENT = 900, 901
TEAM = 77
_PAGE = 100
_SETTLED = timedelta(minutes=1)
_INDEXED = timedelta(minutes=3)
_PRIORITIES = ("urgent", "high", "normal", "low")
_WRITTEN = ("subject", "priority", "type", "status", "assignee_id", "group_id", "due_at",
            "problem_id", "external_id", "tags")  # fmt: skip

Ticket = dict[str, Any]
Rule = Callable[[Ticket], None]


class Clock:
    """The account's time, which never stands still and can be moved on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def move(self, by: timedelta) -> None:
        self._ahead += by


class Zendesk(httpx.AsyncBaseTransport):
    """One account.

    Attributes:
        clock: its time.
        tickets: its tickets by number.
        archived: numbers of those that lists leave out.
        role: what our user may do.
        assigns: whether who solves a ticket that nobody has becomes its assignee.
        rule: what a trigger does to a ticket that was written.
        asked: what came with the idempotency keys: key and ticket.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.tickets: dict[int, Ticket] = {}
        self.archived: set[int] = set()
        self.role = "admin"
        self.assigns = True
        self.rule: Rule = lambda ticket: None
        self.asked: dict[str, int] = {}
        self._comments: dict[int, list[dict[str, Any]]] = {}
        self._audits: dict[int, list[dict[str, Any]]] = {}
        self._changed: dict[int, datetime] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        await request.aread()
        response = self._answer(request)
        response.headers["X-Rate-Limit"] = "700"
        response.headers["X-Rate-Limit-Remaining"] = "699"
        return response

    def comments(self, number: int) -> list[str]:
        """Returns the texts of a ticket's comments."""
        return [one["body"] for one in self._comments[number]]

    def is_public(self, number: int) -> list[bool]:
        """Tells which of a ticket's comments whoever asked can see."""
        return [one["public"] for one in self._comments[number]]

    def write(self, number: int, author: int = AGENT, **changes: Any) -> None:
        """Lets somebody else change a ticket."""
        self._save(self.tickets[number], changes, None, author)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if not self._knows(request.headers.get("authorization", "")):
            return httpx.Response(401, json={"error": "Couldn't authenticate you"})
        match (request.method, *request.url.path.removeprefix("/api/v2/").split("/")):
            case ("GET", "users", "me"):
                user = {"id": US, "name": "Sluicegate", "email": USER, "role": self.role}
                return httpx.Response(200, json={"user": user})
            case ("GET", "ticket_fields"):
                return httpx.Response(200, json={"ticket_fields": _FIELDS})
            case ("GET", "tickets"):
                return self._list(query["external_id"])
            case ("GET", "search"):
                return self._search(query["query"])
            case ("GET", "incremental", "tickets", "cursor"):
                return self._export(query)
            case ("POST", "tickets"):
                return self._create(request)
            case (method, "tickets", number, *rest) if int(number) in self.tickets:
                ticket = self.tickets[int(number)]
                if method == "PUT":
                    return self._update(ticket, json.loads(request.content)["ticket"])
                if rest:
                    held = self._comments if rest == ["comments"] else self._audits
                    return _page(rest[0], held[int(number)], query)
                return httpx.Response(200, json={"ticket": ticket})
        return httpx.Response(404, json={"error": "RecordNotFound", "description": "Not found"})

    def _knows(self, authorization: str) -> bool:
        basic = base64.b64encode(f"{USER}/token:{TOKEN}".encode()).decode()
        return authorization in (f"Basic {basic}", f"Bearer {TOKEN}")

    def _list(self, external_id: str) -> httpx.Response:
        found = [
            one
            for number, one in self.tickets.items()
            if _same(one["external_id"], external_id) and number not in self.archived
        ]
        return httpx.Response(200, json={"tickets": found})

    def _search(self, query: str) -> httpx.Response:
        name = query.removeprefix('type:ticket external_id:"').removesuffix('"')
        late = self.clock.now() - _INDEXED
        found = [
            {**one, "result_type": "ticket"}
            for number, one in self.tickets.items()
            if _same(one["external_id"], name) and self._changed[number] <= late
        ]
        pages = {"next_page": None, "previous_page": None, "facets": None}
        return httpx.Response(200, json={"results": found, "count": len(found), **pages})

    def _export(self, query: httpx.QueryParams) -> httpx.Response:
        until = self.clock.now() - _SETTLED
        if "cursor" in query:
            at, number = json.loads(base64.b64decode(query["cursor"]))
        else:
            at, number = float(query["start_time"]), 0
            if at > until.timestamp():
                return _invalid(
                    "start_time", "Too recent start_time. Use one older than 60 seconds"
                )
        changed = sorted((when.timestamp(), n) for n, when in self._changed.items())
        ready = [one for one in changed if (at, number) < one and one[0] <= until.timestamp()]
        page = ready[: int(query.get("per_page", 1000))]
        behind = base64.b64encode(json.dumps(page[-1] if page else (at, number)).encode()).decode()
        answer = {
            "tickets": [self.tickets[n] for _, n in page],
            "after_cursor": behind,
            "after_url": None,
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(page) == len(ready),
        }
        return httpx.Response(200, json=answer)

    def _create(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["ticket"]
        key = request.headers.get("idempotency-key", "")
        if key in self.asked:
            ticket = self.tickets[self.asked[key]]
            return httpx.Response(
                201, json={"ticket": ticket}, headers={"x-idempotency-lookup": "hit"}
            )
        source = asked.get("via_followup_source_id")
        if source is not None and self.tickets[source]["status"] != "closed":
            return _invalid("base", f"{source} is not closed")
        number = len(self.tickets) + 1
        now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        ticket = {
            "id": number,
            "url": f"https://desk.test/api/v2/tickets/{number}.json",
            **dict.fromkeys(_WRITTEN),
            "status": "new",
            "tags": [],
            "description": asked["comment"]["body"],
            "requester_id": US,
            "submitter_id": US,
            "created_at": now,
            "updated_at": now,
            "custom_fields": [{"id": TEAM, "value": ""}],
            "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}},
        }
        if source is not None:
            ticket["via"]["source"] = {"from": {"ticket_id": source}, "to": {}, "rel": "follow_up"}
        self.tickets[number] = ticket
        self._comments[number], self._audits[number] = [], []
        self._save(ticket, asked, asked["comment"], US)
        if key:
            self.asked[key] = number
        return httpx.Response(
            201,
            json={"ticket": ticket},
            headers={"x-idempotency-lookup": "miss", "Location": ticket["url"]},
        )

    def _update(self, ticket: Ticket, asked: dict[str, Any]) -> httpx.Response:
        if ticket["status"] == "closed":
            return _invalid("status", "Status: closed prevents ticket update")
        if asked.get("safe_update") and asked["updated_stamp"] != ticket["updated_at"]:
            words = "Safe Update prevented the update due to outdated ticket data"
            return httpx.Response(409, json={"error": "UpdateConflict", "description": words})
        if asked.get("priority", "low") not in _PRIORITIES:
            return _invalid("priority", "Priority: is not one of those allowed")
        status = asked.get("status", ticket["status"])
        if status in ("solved", "closed") and not (ticket | asked).get("assignee_id"):
            if not self.assigns:
                return _invalid("base", "Assignee: is required when solving a ticket")
            asked = {**asked, "assignee_id": US}
        self._save(ticket, asked, asked.get("comment"), US)
        audit = dict(self._audits[ticket["id"]][-1], via=ticket["via"])
        return httpx.Response(200, json={"ticket": ticket, "audit": audit})

    def _save(
        self, ticket: Ticket, asked: dict[str, Any], comment: dict[str, Any] | None, author: int
    ) -> None:
        before = json.dumps(ticket)
        changes = {name: asked[name] for name in _WRITTEN if name in asked}
        if changes.get("status") == "new":
            del changes["status"]  # once another, it is never new again
        ticket |= changes
        for one in asked.get("custom_fields", ()):
            ticket["custom_fields"] = [
                one if one["id"] == known["id"] else known for known in ticket["custom_fields"]
            ]
        self.rule(ticket)
        if comment is None and json.dumps(ticket) == before:
            return
        now, number = self.clock.now(), ticket["id"]
        ticket["updated_at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._changed[number] = now
        made = {"author_id": author, "created_at": ticket["updated_at"]}
        if comment is not None:
            said = {"id": len(self._comments[number]) + 1, "type": "Comment", **made, **comment}
            self._comments[number].append(said)
        events = [{"type": "Change", "field_name": name} for name in changes]
        audit = {"id": len(self._audits[number]) + 1, "ticket_id": number, "events": events}
        self._audits[number].append({**audit, **made, "via": {"channel": "api"}})


def _same(has: str | None, asked: str) -> bool:
    """Compares names as a kinder system would: what is found must be compared again."""
    return (has or "").lower() == asked.lower()


def _page(name: str, held: list[dict[str, Any]], query: httpx.QueryParams) -> httpx.Response:
    ordered = held[::-1] if query.get("sort_order") == "desc" else held
    page = int(query.get("page", 1))
    shown = ordered[(page - 1) * _PAGE : page * _PAGE]
    after = f"https://desk.test/next?page={page + 1}" if len(ordered) > page * _PAGE else None
    return httpx.Response(200, json={name: shown, "count": len(held), "next_page": after})


def _invalid(field: str, words: str) -> httpx.Response:
    details = {field: [{"description": words}]}
    return httpx.Response(
        422,
        json={
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": details,
        },
    )


def _field(number: int, kind: str, title: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "title": title, "active": True, **more}


_FIELDS = [
    _field(1, "subject", "Subject"),
    _field(2, "description", "Description"),
    _field(
        3,
        "priority",
        "Priority",
        system_field_options=[{"name": one.title(), "value": one} for one in _PRIORITIES],
    ),
    _field(4, "status", "Status", sub_type_id=1),
    _field(5, "assignee", "Assignee"),
    _field(TEAM, "text", "Team"),
    _field(78, "checkbox", "Old", active=False),
]
