"""A GitHub repository that remembers, turns pages, and drops silently what one may not set."""

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

API, REPOSITORY, LOGIN, TOKEN = "https://api.github.test", "example/ops", "sluice-bot", "ghp_t0ken"

Answer = tuple[int, Any]


class RefusedError(Exception):
    """A request is answered with a message and the faults of fields."""

    def __init__(self, code: int, message: str, **fields: str) -> None:
        super().__init__()
        errors = [{"resource": "Issue", "field": f, "code": "invalid", "message": words}
                  for f, words in fields.items()]  # fmt: skip
        more = {"errors": errors} if errors else {}
        self.answer = (code, {"message": message, "documentation_url": "https://docs", **more})


class GithubRepository(httpx.AsyncBaseTransport):
    """One repository, and the account of the integration.

    Args:
        may_push: whether the account may push.
        has_issues: whether the repository has issues at all.

    Attributes:
        refusals: answers that the next requests get instead of their own.
        between_pages: is called before each page of a list but the first.
        requests: how many were answered.
    """

    def __init__(self, *, may_push: bool = True, has_issues: bool = True) -> None:
        self.refusals: list[httpx.Response] = []
        self.between_pages: Callable[[], None] = lambda: None
        self.requests = 0
        self._may_push = may_push
        self._has_issues = has_issues
        self._issues: dict[int, dict[str, Any]] = {}
        self._comments: dict[int, list[dict[str, Any]]] = {}
        self._deliveries = 0
        issue = f"repos/{REPOSITORY}/issues/(\\d+)"
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            (method, re.compile(f"^/{path}$"), answer)
            for method, path, answer in (
                ("GET", "user", lambda request: (200, _user(LOGIN))),
                ("GET", f"repos/{REPOSITORY}", self._repository),
                ("GET", f"repos/{REPOSITORY}/issues", self._list),
                ("POST", f"repos/{REPOSITORY}/issues", self._create),
                ("GET", issue, self._get),
                ("PATCH", issue, self._update),
                ("GET", f"{issue}/comments", self._list_comments),
                ("POST", f"{issue}/comments", self._add_comment),
            )
        ]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        self.requests += 1
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"message": "Bad credentials", "status": "401"})
        if self.refusals:
            return self.refusals.pop(0)
        headers = {
            "Date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}",
            "x-ratelimit-remaining": "4999",
        }
        try:
            code, content = self._answer(request)
        except RefusedError as refused:
            code, content = refused.answer
        if isinstance(content, _Page):
            headers |= {"Link": content.link} if content.link else {}
            content = content.rows
        return httpx.Response(code, json=content, headers=headers)

    def make(
        self,
        title: str,
        body: str = "",
        labels: tuple[str, ...] = (),
        *,
        ago: timedelta = timedelta(),
        pull_request: bool = False,
    ) -> int:
        """Makes an issue without being asked over HTTP, also as if some time ago."""
        number, at = len(self._issues) + 1, _written(datetime.now(UTC) - ago)
        place = f"{API}/repos/{REPOSITORY}/issues/{number}"
        page = f"https://github.test/{REPOSITORY}/issues/{number}"
        self._issues[number] = {
            "id": 1000 + number,
            "node_id": f"I_{number}",
            "number": number,
            "url": place,
            "repository_url": f"{API}/repos/{REPOSITORY}",
            "labels_url": f"{place}/labels{{/name}}",
            "comments_url": f"{place}/comments",
            "events_url": f"{place}/events",
            "html_url": page,
            "state": "open",
            "state_reason": None,
            "title": title,
            "body": body or None,
            "user": _user(LOGIN),
            "labels": [_label(one) for one in labels],
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "locked": False,
            "comments": 0,
            "closed_at": None,
            "closed_by": None,
            "created_at": at,
            "updated_at": at,
            "author_association": "MEMBER",
        }
        if pull_request:
            links = dict.fromkeys(("url", "html_url", "diff_url", "patch_url"), place)
            self._issues[number]["pull_request"] = links
        self._comments[number] = []
        return number

    def change(self, number: int, **values: Any) -> None:
        """Changes an issue as a person does on the site."""
        self._issues[number] |= {**values, "updated_at": _written(datetime.now(UTC))}

    def delete(self, number: int) -> None:
        """Deletes an issue; its number is not given again."""
        self._issues[number] = {"deleted": True}

    def transfer(self, number: int) -> None:
        """Transfers an issue to another repository."""
        self._issues[number] = {"deleted": True, "transferred": True}

    def said(self, number: int) -> list[str]:
        """Returns the comments of an issue, oldest first."""
        return [one["body"] for one in self._comments[number]]

    def say(self, number: int, body: str) -> dict[str, Any]:
        """Adds a comment without being asked over HTTP."""
        issue, at = self._issues[number], _written(datetime.now(UTC))
        made = {
            "id": 5000 + len(self._comments[number]),
            "node_id": "IC_1",
            "url": f"{API}/repos/{REPOSITORY}/issues/comments/1",
            "html_url": issue["html_url"],
            "issue_url": issue["url"],
            "user": _user(LOGIN),
            "body": body,
            "created_at": at,
            "updated_at": at,
            "author_association": "MEMBER",
        }
        self._comments[number].append(made)
        issue["comments"] += 1
        issue["updated_at"] = at
        return made

    def delivery(self, secret: str, **content: Any) -> Webhook:
        """Makes a webhook as the repository sends it, signed with a secret."""
        self._deliveries += 1
        said = {
            "action": "closed",
            "issue": {"number": 1, "title": "Blöcker", "comments": self._deliveries},
            "repository": {"full_name": REPOSITORY},
            "sender": {"login": "kim"},
            **content,
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": "issues",
            "x-github-delivery": f"72d3162e-cc78-11e3-81ab-{self._deliveries:012d}",
            "x-hub-signature-256": f"sha256={signature}",
        }
        return Webhook(url="https://sluice.example.com/webhooks/ops", headers=headers, body=body)

    def _answer(self, request: httpx.Request) -> Answer:
        for method, path, answer in self._routes:
            named = path.match(request.url.path)
            if named and method == request.method:
                return answer(request, *named.groups())
        raise RefusedError(404, "Not Found")

    def _repository(self, request: httpx.Request) -> Answer:
        return 200, {
            "id": 1,
            "full_name": REPOSITORY,
            "has_issues": self._has_issues,
            "archived": False,
            "permissions": {"admin": False, "push": self._may_push, "pull": True},
        }

    def _list(self, request: httpx.Request) -> Answer:
        asked = request.url.params
        if int(asked.get("page", 1)) > 1:
            self.between_pages()
        rows = [one for one in self._issues.values() if "deleted" not in one]
        if asked.get("state", "open") != "all":
            rows = [one for one in rows if one["state"] == asked.get("state", "open")]
        if "since" in asked:
            rows = [one for one in rows if one["updated_at"] >= asked["since"]]
        if "labels" in asked:
            wanted = {one.lower() for one in asked["labels"].split(",")}
            rows = [one for one in rows if wanted <= {lab["name"].lower() for lab in one["labels"]}]
        by = f"{asked.get('sort', 'created')}_at"
        rows.sort(key=lambda one: one[by], reverse=asked.get("direction", "desc") == "desc")
        return 200, _Page(request, rows)

    def _create(self, request: httpx.Request) -> Answer:
        if not self._has_issues:
            raise RefusedError(410, "Issues has been disabled in this repository.")
        given = json.loads(request.content)
        if not given.get("title"):
            raise RefusedError(422, "Validation Failed", title="can't be blank")
        _refuse_long(given)
        number = self.make(given["title"], given.get("body", ""))
        self._put(self._issues[number], given)
        return 201, deepcopy(self._issues[number])

    def _get(self, request: httpx.Request, number: str) -> Answer:
        return 200, deepcopy(self._issue(number))

    def _update(self, request: httpx.Request, number: str) -> Answer:
        issue = self._issue(number)
        given = json.loads(request.content)
        _refuse_long(given)
        issue |= {name: given[name] for name in ("title", "body") if name in given}
        self._put(issue, given)
        at = _written(datetime.now(UTC))
        state = given.get("state", issue["state"])
        if state != issue["state"]:
            # A reason without a change of the state is ignored, as GitHub says.
            closed = state == "closed"
            issue["state"] = state
            issue["state_reason"] = given.get("state_reason", "completed") if closed else "reopened"
            issue["closed_at"] = at if closed else None
            issue["closed_by"] = _user(LOGIN) if closed else None
        issue["updated_at"] = at
        return 200, deepcopy(issue)

    def _put(self, issue: dict[str, Any], given: dict[str, Any]) -> None:
        """Sets what needs the right to push, and drops without a word what is not known."""
        if not self._may_push:
            return
        if "labels" in given:
            issue["labels"] = [_label(one) for one in dict.fromkeys(given["labels"])]
        if "assignees" in given:
            known = [one for one in given["assignees"] if one.lower() in {"kim", "olga"}]
            issue["assignees"] = [_user(one) for one in known]
        if "milestone" in given:
            number = given["milestone"]
            issue["milestone"] = number and {"number": number, "title": "spring"}

    def _list_comments(self, request: httpx.Request, number: str) -> Answer:
        self._issue(number)
        return 200, _Page(request, self._comments[int(number)])

    def _add_comment(self, request: httpx.Request, number: str) -> Answer:
        self._issue(number)
        given = json.loads(request.content)
        _refuse_long(given)
        return 201, self.say(int(number), given["body"])

    def _issue(self, number: str) -> dict[str, Any]:
        issue = self._issues.get(int(number))
        if issue is None:
            raise RefusedError(404, "Not Found")
        if "transferred" in issue:
            raise RefusedError(301, "Moved Permanently")
        if "deleted" in issue:
            raise RefusedError(410, "This issue was deleted")
        return issue


class _Page:
    """One page of a list, and the header that names the next."""

    def __init__(self, request: httpx.Request, rows: list[dict[str, Any]]) -> None:
        asked = request.url.params
        size, page = min(int(asked.get("per_page", 30)), 100), int(asked.get("page", 1))
        self.rows = deepcopy(rows[(page - 1) * size : page * size])
        following = request.url.copy_set_param("page", str(page + 1))
        self.link = f'<{following}>; rel="next"' if len(rows) > page * size else ""


def _refuse_long(given: dict[str, Any]) -> None:
    if len(given.get("title", "x")) > 256:
        raise RefusedError(422, "Validation Failed", title="title is too long (maximum is 256)")
    if len(given.get("body") or "") > 65_536:
        words = "body is too long (maximum is 65536 characters)"
        raise RefusedError(422, "Validation Failed", body=words)


def _user(login: str) -> dict[str, Any]:
    place = f"{API}/users/{login}"
    names = ("followers", "following", "gists", "starred", "subscriptions", "organizations")
    urls = {f"{name}_url": f"{place}/{name}" for name in (*names, "repos", "events")}
    return {
        "login": login,
        "id": 1,
        "node_id": "U_1",
        "avatar_url": place,
        "gravatar_id": "",
        "url": place,
        "html_url": place,
        "received_events_url": place,
        "type": "User",
        "site_admin": False,
        **urls,
    }


def _label(name: str) -> dict[str, Any]:
    return {"id": 1, "node_id": "LA_1", "url": API, "name": name, "description": None,
            "color": "ededed", "default": False}  # fmt: skip


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
