"""A Jira Cloud site that remembers, refuses, and is late, as its vendor describes it."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.contract import Webhook
from tests.simulators.jira_content import (
    ACCOUNT,
    EMAIL,
    FIELDS,
    ISSUE_TYPE,
    PROJECT,
    SITE,
    TOKEN,
    WORKFLOW,
    RefusedError,
    refuse_no_document,
    refuse_wrong,
    status_named,
    with_fields,
    written,
)
from tests.simulators.jira_index import Index, WrongQuestionError

Answer = tuple[int, Any]


class JiraSite(httpx.AsyncBaseTransport):
    """One site with one project, and the account of the integration.

    Args:
        zone: the account's time zone.
        lag: how many questions later a change shows in answers to questions.
        missing: rights in the project that the account has not.
        asks: fields for which the way to Done asks, e.g. resolution.

    Attributes:
        refusals: answers that the next requests get instead of their own.
    """

    def __init__(
        self,
        *,
        zone: str = "Europe/Berlin",
        lag: int = 0,
        missing: frozenset[str] = frozenset(),
        asks: tuple[str, ...] = (),
    ) -> None:
        self._asks = asks
        self.index = Index(zone, lag)
        self.refusals: list[httpx.Response] = []
        self._missing = missing
        self._issues: dict[str, dict[str, Any]] = {}
        self._comments: dict[str, list[dict[str, Any]]] = {}
        self._last = datetime.fromtimestamp(0, UTC)
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            (method, re.compile(f"^/rest/api/3/{path}$"), answer)
            for method, path, answer in (
                ("GET", "myself", self._myself),
                ("GET", "serverInfo", self._server_info),
                ("GET", "mypermissions", self._permissions),
                ("GET", "field", lambda request: (200, FIELDS)),
                ("GET", f"project/{PROJECT}/statuses", self._statuses),
                ("GET", "search/jql", self._search),
                ("POST", "issue", self._create),
                ("POST", "issue/bulkfetch", self._bulk_fetch),
                ("GET", "issue/([^/]+)", self._get),
                ("PUT", "issue/([^/]+)", self._edit),
                ("GET", "issue/([^/]+)/transitions", self._transitions),
                ("POST", "issue/([^/]+)/transitions", self._transition),
                ("GET", "issue/([^/]+)/comment", self._list_comments),
                ("POST", "issue/([^/]+)/comment", self._add_comment),
            )
        ]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        login = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            return httpx.Response(401, text="Client must be authenticated to access this resource.")
        if self.refusals:
            return self.refusals.pop(0)
        try:
            code, content = self._answer(request)
        except RefusedError as refused:
            code, content = refused.answer
        headers = {"Date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}"}
        if code == 204:
            return httpx.Response(code, headers=headers)
        return httpx.Response(code, json=content, headers=headers)

    def change(self, key: str, *, status: str = "", title: str = "") -> None:
        """Changes an issue as a person does on the site."""
        issue = self._issue(key)
        fields = issue["fields"]
        fields["summary"] = title or fields["summary"]
        if status:
            fields["status"] = status_named(status)
        self._touch(issue, "people-1")

    def delete(self, key: str) -> None:
        """Deletes an issue; the index may still know it."""
        del self._issues[key]

    def make(self, fields: dict[str, Any], *, ago: timedelta = timedelta()) -> str:
        """Makes an issue without being asked over HTTP, also as if some time ago; tells its key."""
        at, number = written(self._now() - ago), len(self._issues) + 1
        key = f"{PROJECT}-{number}"
        self._issues[key] = {
            "id": str(10000 + number),
            "key": key,
            "self": f"{SITE}/rest/api/3/issue/{10000 + number}",
            "histories": [],
            "fields": {
                "description": None,
                "labels": [],
                "status": status_named("To Do"),
                "project": {"id": "10000", "key": PROJECT},
                "creator": {"accountId": ACCOUNT},
                "created": at,
                "updated": at,
                **fields,
            },
        }
        self._comments[key] = []
        self.index.put(deepcopy(self._issues[key]))
        return key

    def said(self, key: str) -> list[dict[str, Any]]:
        """Returns the comments of an issue, oldest first."""
        return [one["body"] for one in self._comments[key]]

    def say(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Adds a comment without being asked over HTTP."""
        at = written(self._now())
        who = {"accountId": ACCOUNT}
        number = str(20000 + len(self._comments[key]))
        made = {"id": number, "author": who, "body": body, "created": at, "updated": at}
        self._comments[key].append(made)
        self._issues[key]["fields"]["updated"] = at
        self.index.put(deepcopy(self._issues[key]))
        return made

    def delivery(self, key: str, secret: str, event: str = "jira:issue_updated") -> Webhook:
        """Makes a webhook as an administrator has it sent, signed with a secret."""
        content = {
            "timestamp": int(self._now().timestamp() * 1000),
            "webhookEvent": event,
            "issue": {"id": "1", "key": key, "fields": {"summary": "Blöcker"}},
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-hub-signature": f"sha256={signature}",
            "x-atlassian-webhook-identifier": hashlib.sha256(body).hexdigest(),
        }
        return Webhook(url="https://sluice.example.com/webhooks/jira", headers=headers, body=body)

    def _answer(self, request: httpx.Request) -> Answer:
        for method, path, answer in self._routes:
            named = path.match(request.url.path)
            if named and method == request.method:
                return answer(request, *named.groups())
        raise RefusedError(404, "dead link")

    def _now(self) -> datetime:
        """The present moment in milliseconds, never the same twice."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._last = max(now, self._last + timedelta(milliseconds=1))
        return self._last

    def _myself(self, request: httpx.Request) -> Answer:
        zone = str(self.index.zone)
        return 200, {"accountId": ACCOUNT, "displayName": "Sluice", "timeZone": zone}

    def _server_info(self, request: httpx.Request) -> Answer:
        return 200, {"baseUrl": SITE, "version": "1001.0.0-SNAPSHOT", "deploymentType": "Cloud"}

    def _permissions(self, request: httpx.Request) -> Answer:
        asked = request.url.params["permissions"].split(",")
        return 200, {
            "permissions": {
                one: {"key": one, "havePermission": one not in self._missing} for one in asked
            }
        }

    def _statuses(self, request: httpx.Request) -> Answer:
        task = {"id": "10001", "name": ISSUE_TYPE, "subtask": False}
        return 200, [{**task, "self": SITE, "statuses": [status_named(one) for one in WORKFLOW]}]

    def _search(self, request: httpx.Request) -> Answer:
        asked = request.url.params
        try:
            rows, following = self.index.ask(
                asked["jql"], int(asked.get("maxResults", 50)), asked.get("nextPageToken", "")
            )
        except WrongQuestionError as wrong:
            raise RefusedError(400, str(wrong)) from None
        shown = [with_fields(row, asked.get("fields", "id")) for row in rows]
        return 200, {"issues": shown, "isLast": not following} | (
            {"nextPageToken": following} if following else {}
        )

    def _bulk_fetch(self, request: httpx.Request) -> Answer:
        asked = json.loads(request.content)
        keys = asked["issueIdsOrKeys"]
        if not 0 < len(keys) <= 100:
            raise RefusedError(400, "You can request up to 100 issues.")
        found = [self._issues[key] for key in keys if key in self._issues]
        fields = ",".join(asked["fields"])
        return 200, {"issues": [with_fields(one, fields) for one in found], "issueErrors": []}

    def _get(self, request: httpx.Request, key: str) -> Answer:
        asked = request.url.params
        issue = self._issue(key)
        shown = with_fields(issue, asked.get("fields", "*all"))
        if "changelog" in asked.get("expand", ""):
            shown["changelog"] = {"histories": list(reversed(issue["histories"]))}
        return 200, shown

    def _create(self, request: httpx.Request) -> Answer:
        given = json.loads(request.content)["fields"]
        if given.pop("project", None) != {"key": PROJECT}:
            raise RefusedError(400, project="valid project is required")
        if given.pop("issuetype", None) != {"name": ISSUE_TYPE}:
            raise RefusedError(400, issuetype="Specify a valid issue type")
        if not given.get("summary"):
            raise RefusedError(400, summary="You must specify a summary of the issue.")
        refuse_wrong(given)
        key = self.make(given)
        return 201, {name: self._issues[key][name] for name in ("id", "key", "self")}

    def _edit(self, request: httpx.Request, key: str) -> Answer:
        issue = self._issue(key)
        given = json.loads(request.content)["fields"]
        refuse_wrong(given)
        issue["fields"].update(given)
        self._touch(issue, ACCOUNT)
        return 204, None

    def _transitions(self, request: httpx.Request, key: str) -> Answer:
        now = self._issue(key)["fields"]["status"]["name"]
        moves: list[dict[str, Any]] = [
            {"id": number, "name": f"to {to}", "to": status_named(to)}
            for number, to in WORKFLOW[now].items()
        ]
        if request.url.params.get("expand") == "transitions.fields":
            for move in moves:
                move["fields"] = self._asked_for(move["to"]["name"])
        return 200, {"transitions": moves}

    def _transition(self, request: httpx.Request, key: str) -> Answer:
        issue = self._issue(key)
        asked = json.loads(request.content)
        to = WORKFLOW[issue["fields"]["status"]["name"]].get(asked["transition"]["id"])
        if to is None:
            raise RefusedError(400, "It seems that you have tried to perform an illegal move.")
        given = asked.get("fields", {})
        lacking = {one: "Field is required." for one in self._asked_for(to) if one not in given}
        if lacking:
            raise RefusedError(400, **lacking)
        issue["fields"] |= {**given, "status": status_named(to)}
        self._touch(issue, ACCOUNT)
        return 204, None

    def _asked_for(self, status: str) -> dict[str, Any]:
        asked = self._asks if status == "Done" else ()
        return {
            one: {
                "key": one,
                "name": one.title(),
                "operations": ["set"],
                "required": True,
                "schema": {"type": one},
            }
            for one in asked
        }

    def _list_comments(self, request: httpx.Request, key: str) -> Answer:
        self._issue(key)
        asked = request.url.params
        rows = list(self._comments[key])
        if asked.get("orderBy") == "-created":
            rows.reverse()
        start, size = int(asked.get("startAt", 0)), min(int(asked.get("maxResults", 100)), 100)
        page = rows[start : start + size]
        return 200, {"comments": page, "startAt": start, "maxResults": size, "total": len(rows)}

    def _add_comment(self, request: httpx.Request, key: str) -> Answer:
        self._issue(key)
        given = json.loads(request.content)
        refuse_no_document("comment", given["body"])
        return 201, self.say(key, given["body"])

    def _issue(self, key: str) -> dict[str, Any]:
        if key not in self._issues:
            words = "Issue does not exist or you do not have permission to see it."
            raise RefusedError(404, words)
        return self._issues[key]

    def _touch(self, issue: dict[str, Any], who: str) -> None:
        at = written(self._now())
        issue["fields"]["updated"] = at
        issue["histories"].append({"id": "1", "created": at, "author": {"accountId": who}})
        self.index.put(deepcopy(issue))
