"""Finding and reading issues of a Jira project.

An issue is read from what Jira keeps; questions are answered from an index that is late by seconds,
at times by minutes (Atlassian, "Search After Write with Search And Reconcile"). So what the index
knows is read again before it counts, and what it does not know yet is looked for among the newest
keys, which a project gives out in order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connectors.contract import Remote
from connectors.failures import NotFound
from connectors.http import READS, HttpDoor, segment
from connectors.jira.fields import shown
from connectors.jira.jql import quoted, wall_minute
from connectors.jira.settings import LABELS, JiraConfig
from connectors.understanding import understanding, version_of

MARK = "sluice-"
"""How a label begins that is our name for an issue."""

_FIELDS = "*navigable,description"
_ABREAST = timedelta(seconds=2)
_AROUND = 50
"""How many keys before and behind the newest known one may be missing from the index."""


class Issues:
    """The issues of one project.

    Args:
        http: the way to the site.
        config: the settings.
    """

    def __init__(self, http: HttpDoor, config: JiraConfig) -> None:
        self._http = http
        self._config = config

    async def read(self, ref: str) -> Remote:
        """Reads an issue by its key.

        Raises:
            NotFound: there is none, or it is in a project that is not ours.
        """
        asked = {"fields": _FIELDS, "expand": "changelog"}
        row = await self._http.json("GET", f"issue/{segment(ref)}", params=asked)
        with understanding("Jira", f"issue {ref}"):
            issue = self._remote(row)
            project = row["fields"]["project"]["key"]
        if project != self._config.project:
            msg = f"Jira: issue {ref} is in project {project}, not in {self._config.project}"
            raise NotFound(msg)
        return issue

    async def named(self, name: str) -> Remote | None:
        """Looks for an issue by our name for it; the oldest where there are several."""
        rows = await self._ask(f"{self._naming(name)} ORDER BY created ASC")
        for row in rows:
            with understanding("Jira", "an answer to a question"):
                key = str(row["key"])
            try:
                issue = await self.read(key)
            except NotFound:
                continue  # it was deleted, and the index does not know yet
            if issue.external_id == name:
                return issue
        return await self._among_newest(name)

    async def changed(self, since: datetime) -> "Changed":
        """Returns the issues changed since a moment, to be read page by page."""
        me = await self._http.json("GET", "myself")
        with understanding("Jira", "our account's time zone"):
            zone = ZoneInfo(me["timeZone"])
        # Asked each time: somebody may set the account to another zone.
        minute = wall_minute(since, zone)
        return Changed(
            self, f'{self._ours()} AND updated >= "{minute}" ORDER BY updated ASC, key ASC'
        )

    async def page(self, jql: str, size: int, token: str | None) -> tuple[list[Remote], str | None]:
        """Returns some answers to a question, as the index has them, and where to go on."""
        asked = {"jql": jql, "fields": _FIELDS, "maxResults": str(size)}
        answer = await self._http.json(
            "GET", "search/jql", params=asked | ({"nextPageToken": token} if token else {})
        )
        with understanding("Jira", "an answer to a question"):
            rows = [self._remote(row) for row in answer["issues"]]
            return rows, None if answer.get("isLast", True) else str(answer["nextPageToken"])

    def _ours(self) -> str:
        return f"project = {quoted(self._config.project)}"

    def _naming(self, name: str) -> str:
        if self._config.external_id == LABELS:
            return f"{self._ours()} AND labels = {quoted(name)}"
        number = self._config.external_id.removeprefix("customfield_")
        phrase = quoted(name)  # in quotation marks within the string: the words in this order
        return f"{self._ours()} AND cf[{number}] ~ {quoted(phrase)}"

    async def _ask(self, jql: str, size: int = 50) -> list[dict[str, Any]]:
        asked = {"jql": jql, "fields": "created", "maxResults": str(size)}
        answer = await self._http.json("GET", "search/jql", params=asked)
        with understanding("Jira", "an answer to a question"):
            return list(answer["issues"])

    async def _among_newest(self, name: str) -> Remote | None:
        newest = await self._ask(f"{self._ours()} ORDER BY key DESC", size=1)
        with understanding("Jira", "its newest issue"):
            number = _number(newest[0]) if newest else 0
        first, last = max(1, number - _AROUND + 1), number + _AROUND
        while True:
            rows = await self._keyed(range(first, last + 1))
            with understanding("Jira", "its newest issues"):
                fits = [one for one in rows if self._name_of(one["fields"]) == name]
                highest = max(map(_number, rows), default=0)
            if fits:
                return await self.read(str(fits[0]["key"]))
            if highest <= last - _AROUND:
                return None
            first, last = last + 1, last + 2 * _AROUND

    async def _keyed(self, numbers: range) -> list[dict[str, Any]]:
        keys = [f"{self._config.project}-{number}" for number in numbers]
        asked = {"issueIdsOrKeys": keys, "fields": [self._config.external_id]}
        answer = await self._http.json("POST", "issue/bulkfetch", json=asked, extensions=READS)
        with understanding("Jira", "its newest issues"):
            # An issue that was moved away answers to its old key, but shows its new one.
            return [one for one in answer["issues"] if one["key"] in keys]

    def _name_of(self, fields: Mapping[str, Any]) -> str:
        held = fields.get(self._config.external_id)
        if self._config.external_id == LABELS:
            return next((one for one in held or () if one.startswith(MARK)), "")
        return str(held or "")

    def _remote(self, row: Mapping[str, Any]) -> Remote:
        fields = row["fields"]
        name = self._name_of(fields)
        values = {one: shown(value) for one, value in fields.items()}
        values[LABELS] = shown([one for one in fields.get(LABELS) or () if one != name])
        title, status = str(fields["summary"]), str(fields["status"]["name"])
        text = values.get("description") or ""
        return Remote(
            kind="issue",
            ref=str(row["key"]),
            external_id=name,
            title=title,
            status=status,
            version=version_of(fields["updated"], title, status, text, name, values[LABELS]),
            updated_at=_moment(fields["updated"]),
            actor=_actor(row),
            url=f"{self._config.url.rstrip('/')}/browse/{quote(str(row['key']))}",
            fields={**values, "title": title, "text": text},
        )


class Changed:
    """Pages of changed issues: Jira hands on a token, the cursor counts issues."""

    def __init__(self, issues: Issues, jql: str) -> None:
        self._issues = issues
        self._jql = jql
        self._token: str | None = None
        self._over = False

    async def next(self, size: int) -> Sequence[Remote]:
        """Returns the next ones; fewer than asked for only at the end."""
        found: list[Remote] = []
        while len(found) < size and not self._over:
            rows, self._token = await self._issues.page(self._jql, size - len(found), self._token)
            found += rows
            self._over = self._token is None
        return found


def _actor(row: Mapping[str, Any]) -> str:
    """Returns who changed an issue last, where its history tells; comments are no part of it."""
    fields = row["fields"]
    history = (row.get("changelog") or {}).get("histories") or ()
    changes = [
        (_moment(one["created"]), (one.get("author") or {}).get("accountId")) for one in history
    ]
    changes.append((_moment(fields["created"]), (fields.get("creator") or {}).get("accountId")))
    at, who = max(changes, key=lambda one: one[0])
    return str(who or "") if _moment(fields["updated"]) - at <= _ABREAST else ""


def _number(row: Mapping[str, Any]) -> int:
    return int(row["key"].rpartition("-")[2])


def _moment(written: str) -> datetime:
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%f%z")
