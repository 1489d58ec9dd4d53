"""A ServiceNow instance, as much of it as the Table API shows: rows, journals, choices, ACLs.

It is no kinder than the real one. A condition that it does not understand is left out of a query,
texts are cut to the length in the dictionary, fields that may not be written stay as they are
without a word, and rows that may not be read are taken out after the page was cut.

Sources: "Table API"; KB0534905 "Table API FAQs"; KB3047115 "Empty or Incomplete Results";
"Operators available for filters and queries"; "Inbound REST API rate limiting".
"""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx

from tests.simulators.servicenow_query import matching
from tests.simulators.servicenow_tables import BOOKS, LENGTHS, READ_ONLY, STATES, Row

TIME = "%Y-%m-%d %H:%M:%S"
USER, PASSWORD = "sluicegate", "S3rvice-Now!"
CLIENT, CLIENT_SECRET = "0f1e2d3c", "cl13nt-s3cret"
_TOKEN = "t0ken-of-the-client"
_JOURNALS = ("work_notes", "comments")


class ServiceNow(httpx.AsyncBaseTransport):
    """One instance with an incident table.

    Attributes:
        rows: every row by table and sys_id.
        hidden: sys_ids of rows that our user may not read.
        forbidden: tables that our user may not read at all.
        read_only: fields of an incident that stay as they are, whatever is written.
        data_policy: fields that an incident needs to be resolved.
        states: the choices of an incident's state, value by label.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        states: dict[str, str] = STATES,
    ) -> None:
        self._clock = clock
        self._made = 0
        self.states = states
        self.hidden: set[str] = set()
        self.forbidden: set[str] = set()
        self.read_only = set(READ_ONLY)
        self.data_policy: tuple[str, ...] = ()
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in ("incident", *BOOKS)}
        for name, made in BOOKS.items():
            for row in made:
                self._insert(name, dict(row), "system")
        for label, value in states.items():
            choice = {"name": "incident", "element": "state", "value": value, "label": label}
            self._insert("sys_choice", {**choice, "language": "en", "inactive": "false"}, "system")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        await request.aread()
        if request.url.path == "/oauth_token.do":
            return self._grant(request)
        if not self._knows(request.headers.get("authorization", "")):
            return _no(401, "User Not Authenticated", "Required to provide Auth information")
        match request.url.path.strip("/").split("/"):
            case ["api", "now", "table", table]:
                if table not in self.rows:
                    return _no(400, f"Invalid table {table}", None)
                if table in self.forbidden:
                    detail = "ACL Exception Query Failed due to security constraints"
                    return _no(403, "User Not Authorized", detail)
                if request.method == "POST":
                    return self._post(table, json.loads(request.content))
                return self._list(table, request.url.params)
            case ["api", "now", "table", table, sys_id]:
                row = self.rows.get(table, {}).get(sys_id)
                if row is None or sys_id in self.hidden:
                    detail = "Record doesn't exist or ACL restricts the record retrieval"
                    return _no(404, "No Record found", detail)
                if request.method == "PATCH":
                    return self._patch(table, row, json.loads(request.content))
                return httpx.Response(200, json={"result": dict(row)})
        return _no(400, "Requested URI does not represent any resource", request.url.path)

    def put(self, table: str, row: Row) -> None:
        """Lets a row be as it is given: how imports and other people's work come in."""
        self.rows[table][row["sys_id"]] = row

    def write(self, sys_id: str, **changes: str) -> None:
        """Lets somebody else change an incident."""
        row = self.rows["incident"][sys_id]
        row |= changes
        row["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
        row["sys_updated_on"], row["sys_updated_by"] = self._clock().strftime(TIME), "kim"

    def _grant(self, request: httpx.Request) -> httpx.Response:
        asked = {name: one[0] for name, one in parse_qs(request.content.decode()).items()}
        wanted = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
        }
        if asked != wanted:
            return httpx.Response(
                401, json={"error": "access_denied", "error_description": "access_denied"}
            )
        token = {"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 1799}
        return httpx.Response(200, json={**token, "scope": "useraccount"})

    def _knows(self, authorization: str) -> bool:
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return authorization in (f"Basic {basic}", f"Bearer {_TOKEN}")

    def _list(self, table: str, asked: httpx.QueryParams) -> httpx.Response:
        query = asked.get("sysparm_query", "").replace(
            "javascript:gs.getUserID()", self._user()["sys_id"]
        )
        found = matching(list(self.rows[table].values()), query)
        start, limit = int(asked.get("sysparm_offset", 0)), int(asked.get("sysparm_limit", 10_000))
        page = [one for one in found[start : start + limit] if one["sys_id"] not in self.hidden]
        named = asked.get("sysparm_fields", "").split(",")
        shown = [{f: one[f] for f in named if f in one} if named != [""] else one for one in page]
        return httpx.Response(
            200, json={"result": shown}, headers={"X-Total-Count": str(len(found))}
        )

    def _post(self, table: str, content: dict[str, Any]) -> httpx.Response:
        content = {"state": self.states["New"], **content}
        return httpx.Response(201, json={"result": self._insert(table, content, USER)})

    def _insert(self, table: str, content: dict[str, Any], actor: str) -> Row:
        self._made += 1
        now = self._clock().strftime(TIME)
        row = {
            "sys_id": hashlib.md5(f"{table}{self._made}".encode()).hexdigest(),
            "sys_created_on": now,
            "sys_created_by": actor,
            "sys_updated_on": now,
            "sys_updated_by": actor,
            "sys_mod_count": "0",
        }
        if table == "incident":
            row |= {"number": f"INC{self._made:07}", **dict.fromkeys(LENGTHS, "")}
            journal, content = self._fitting(content)
            row |= content
            self._note(row["sys_id"], journal, actor)
        else:
            row |= content
        self.rows[table][row["sys_id"]] = row
        return dict(row)

    def _patch(self, table: str, row: Row, content: dict[str, Any]) -> httpx.Response:
        if content.get("state") == self.states.get("Resolved"):
            missing = [one for one in self.data_policy if not (row | content).get(one)]
            if missing:
                detail = f"Data Policy Exception: these are mandatory: {', '.join(missing)}"
                return _no(403, "Operation Failed", detail)
        journal, content = self._fitting(content)
        if row.get("state") == self.states.get("Closed"):
            journal, content = {}, {}  # an ACL keeps closed incidents as they are, without a word
        changed = {name: value for name, value in content.items() if row.get(name) != value}
        if changed or journal:
            row |= changed
            self._note(row["sys_id"], journal, USER)
            row["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
            row["sys_updated_on"], row["sys_updated_by"] = self._clock().strftime(TIME), USER
        return httpx.Response(200, json={"result": dict(row)})

    def _fitting(self, content: dict[str, Any]) -> tuple[Row, Row]:
        """Returns what goes to the journal and what to the row, cut to its length."""
        written = {
            name: str(value)[: LENGTHS[name]]
            for name, value in content.items()
            if name in LENGTHS and name not in self.read_only
        }
        journal = {name: written.pop(name) for name in _JOURNALS if written.get(name)}
        return journal, {name: one for name, one in written.items() if name not in _JOURNALS}

    def _note(self, sys_id: str, journal: Row, actor: str) -> None:
        for element, value in journal.items():
            entry = {"name": "incident", "element_id": sys_id, "element": element, "value": value}
            self._insert("sys_journal_field", entry, actor)

    def _user(self) -> Row:
        return next(one for one in self.rows["sys_user"].values() if one["user_name"] == USER)


def _no(code: int, message: str, detail: str | None) -> httpx.Response:
    error = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return httpx.Response(code, json=error)
