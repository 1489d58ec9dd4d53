"""Reading issues of a GitHub repository.

Lists are used, never the search, whose index is late. Pages are turned by time: by number, an
issue that changes meanwhile goes to the end and lets another one slip through. Pull requests are
issues too, and are left out (GitHub, "REST API endpoints for issues": List repository issues).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Remote
from connectors.failures import NotFound
from connectors.github.door import page_of
from connectors.github.marks import name_and_text
from connectors.github.settings import MANIFEST, GithubConfig
from connectors.http import HttpDoor
from connectors.understanding import understanding, version_of

_PAGE = 100
_BEGINNING = datetime.fromtimestamp(0, UTC)


class Changed:
    """The issues that changed since a moment, oldest first.

    Args:
        http: the way to GitHub.
        config: the settings.
        since: the moment.
        label: only those that carry it; empty for all.
    """

    def __init__(
        self, http: HttpDoor, config: GithubConfig, since: datetime, label: str = ""
    ) -> None:
        self._http = http
        self._label = label
        self._config = config
        self._since = since
        self._page = 1
        self._given: set[tuple[int, str]] = set()
        self._over = False

    async def next(self, size: int) -> Sequence[Remote]:
        """Returns the next ones; fewer than asked for only at the end."""
        found: list[Remote] = []
        while len(found) < size and not self._over:
            found += await self._turn()
        return found

    async def _turn(self) -> list[Remote]:
        asked = {
            "state": "all",
            "sort": "updated",
            "direction": "asc",
            "since": f"{self._since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "per_page": str(_PAGE),
            "page": str(self._page),
        }
        if self._label:
            asked["labels"] = self._label
        rows, following = await page_of(
            self._http, f"repos/{self._config.repository}/issues", asked
        )
        with understanding("GitHub", "a list of issues"):
            fresh = [row for row in rows if (row["number"], row["updated_at"]) not in self._given]
            self._given |= {(row["number"], row["updated_at"]) for row in rows}
            newest = max((_moment(row["updated_at"]) for row in rows), default=self._since)
            self._over = not following
            # A second in which more changed than a page holds is read by number, there is no
            # other way.
            self._page = self._page + 1 if newest <= self._since else 1
            self._since = max(newest, self._since)
            return [remote(row, self._config) for row in fresh if "pull_request" not in row]


class Issues:
    """The issues of one repository, by number and by our name.

    Args:
        http: the way to GitHub.
        config: the settings.
    """

    def __init__(self, http: HttpDoor, config: GithubConfig) -> None:
        self._http = http
        self._config = config
        self._names: dict[str, str] = {}
        self._known_until = _BEGINNING
        self._learning = asyncio.Lock()

    async def read(self, ref: str) -> Remote:
        """Reads an issue by its number.

        Raises:
            NotFound: there is none, or it is a pull request.
        """
        row = await self._http.json("GET", f"{self.place(ref)}")
        with understanding("GitHub", f"issue {ref}"):
            if "pull_request" in row:
                msg = f"GitHub: {ref} is a pull request, not an issue"
                raise NotFound(msg)
            issue = remote(row, self._config)
        # Also one whose label somebody has taken off, so that no list of ours shows it.
        self._names[issue.ref] = issue.external_id
        return issue

    async def named(self, name: str) -> Remote | None:
        """Looks for an issue by our name for it; the oldest where there are several.

        All of ours are listed once; later only what changed since.
        """
        async with self._learning:
            await self._learn()
        numbers = sorted((int(ref) for ref, held in self._names.items() if held == name))
        for number in numbers:
            try:
                issue = await self.read(str(number))
            except NotFound:
                continue  # it was deleted or moved to another repository
            if issue.external_id == name:
                return issue
        return None

    def place(self, ref: str, below: str = "") -> str:
        """Returns the path of an issue.

        Raises:
            NotFound: that is no number, so there is no such issue.
        """
        if not (ref.isascii() and ref.isdecimal()):
            msg = f"GitHub: {ref!r} is no number of an issue"
            raise NotFound(msg)
        return f"repos/{self._config.repository}/issues/{ref}{below}"

    async def _learn(self) -> None:
        first = self._known_until == _BEGINNING
        since = _BEGINNING if first else self._known_until - MANIFEST.overlap
        changed = Changed(self._http, self._config, since, self._config.label)
        while page := await changed.next(_PAGE):
            self._names.update({one.ref: one.external_id for one in page})
            newest = [one.updated_at for one in page if one.updated_at is not None]
            self._known_until = max([self._known_until, *newest])


def remote(row: Mapping[str, Any], config: GithubConfig) -> Remote:
    """Returns an issue as the contract has it."""
    name, text = name_and_text(row["body"])
    title = str(row["title"])
    labels = sorted(str(one["name"]) for one in row["labels"])
    ours = [one for one in labels if one.lower() == config.label.lower()]
    fields = {
        "title": title,
        "text": text,
        "label": "".join(ours),
        "labels": ", ".join(one for one in labels if one not in ours),
        "assignees": ", ".join(sorted(str(one["login"]) for one in row["assignees"])),
        "milestone": (row.get("milestone") or {}).get("number"),
        "comments": int(row["comments"]),
    }
    status = "open" if row["state"] == "open" else str(row.get("state_reason") or "completed")
    return Remote(
        kind="issue",
        ref=str(row["number"]),
        external_id=name,
        title=title,
        status=status,
        version=version_of(row["updated_at"], status, name, *fields.values()),
        updated_at=_moment(row["updated_at"]),
        actor=_actor(row),
        url=str(row["html_url"]),
        fields=fields,
    )


def _actor(row: Mapping[str, Any]) -> str:
    """Returns who changed an issue last, where it tells: who made it, or who just closed it."""
    if row["updated_at"] == row["created_at"]:
        return str((row["user"] or {}).get("login", ""))
    if row["updated_at"] == row["closed_at"]:
        return str((row.get("closed_by") or {}).get("login", ""))
    return ""


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)
