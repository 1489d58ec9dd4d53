"""The connector for GitHub issues.

Our name for an issue stands in its text, in a mark that people do not see; a label says which
issues are ours. There are no locks, so what is about to be changed is read and compared first.
Without the right to push, GitHub drops labels and assignees without a word (GitHub, "REST API
endpoints for issues": Create an issue, Update an issue), so what was written is looked at, and
nothing is made where it could not be found again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx

from connectors.contract import (
    ConnectionConfig,
    Health,
    Hint,
    Manifest,
    Page,
    Remote,
    RemoteField,
    RemoteSchema,
    Scalar,
    Webhook,
)
from connectors.cursor import read_changes
from connectors.failures import Rejected
from connectors.github.door import open_door, page_of
from connectors.github.issues import Changed, Issues, remote
from connectors.github.marks import LONGEST, key_mark, name_and_text, with_name
from connectors.github.settings import MANIFEST, GithubConfig
from connectors.http import HttpConnector, clock_skew
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.secrets import read_secrets
from connectors.signatures import delivery_of, refuse_forged
from connectors.texts import cut
from connectors.understanding import understanding

_LONGEST_TITLE = 256
_FIELDS = {
    "title": RemoteField(name="title", title="Title", required=True),
    "text": RemoteField(name="text", title="Description"),
    "labels": RemoteField(name="labels", title="Labels", type="other"),
    "assignees": RemoteField(name="assignees", title="Assignees", type="other"),
    "milestone": RemoteField(name="milestone", title="Milestone", type="number"),
    "comments": RemoteField(name="comments", title="Comments", type="number", writable=False),
}
_CLOSED = ("completed", "not_planned", "duplicate")
_MOVES = {"open": ("completed", "not_planned"), **dict.fromkeys(_CLOSED, ("open",))}


class GithubConnector(HttpConnector):
    """Issues of one repository."""

    manifest: ClassVar[Manifest] = MANIFEST
    Config: ClassVar[type[ConnectionConfig]] = GithubConfig

    def __init__(
        self, config: GithubConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._webhook_secrets = read_secrets(config.webhook_secret)
        self._http = open_door(config, self._webhook_secrets, transport)
        self._issues = Issues(self._http, config)
        self._may_write = False

    async def check(self) -> Health:
        """Asks who we are, what we may do in the repository, and for GitHub's clock."""
        answered = await self._http.send("GET", "user")
        with understanding("GitHub", "our account"):
            account = str(answered.json()["login"])
        return Health(
            account=account,
            version=answered.headers.get("x-github-enterprise-version", ""),
            clock_skew=clock_skew(answered, datetime.now(UTC)),
            missing=await self._missing(),
        )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns what an issue looks like: a closed one shows why it was closed."""
        refuse_other_kinds(MANIFEST, kind)
        return RemoteSchema(
            kind=kind, fields=_FIELDS, statuses=("open", *_CLOSED), closed=_CLOSED, moves=_MOVES
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an issue by its number."""
        refuse_other_kinds(MANIFEST, kind)
        return await self._issues.read(ref)

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an issue by our name for it."""
        refuse_other_kinds(MANIFEST, kind)
        return await self._issues.named(external_id)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes an issue."""
        _refuse_unknown(patch)
        found = await self.find(kind, external_id)
        if found is None:
            await self._refuse_without_rights()
            content = self._written({"text": "", **patch}, external_id)
            content.setdefault("labels", [self._config.label])
            place = f"repos/{self._config.repository}/issues"
            made = await self._http.json("POST", place, json=content)
            return await self._read_back(made, content)
        refuse_changed(MANIFEST, found, expect)
        wanted = self._written(patch, external_id)
        content = {name: value for name, value in wanted.items() if not _shows(found, name, value)}
        if not found.fields["label"]:
            held = _several(found.fields["labels"])
            content.setdefault("labels", [*held, self._config.label])
        if not content:
            return found
        changed = await self._http.json("PATCH", self._issues.place(found.ref), json=content)
        return await self._read_back(changed, content)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Opens an issue, or closes it for a reason."""
        issue = await self.get(kind, ref)
        if issue.status == status:
            return issue
        refuse_changed(MANIFEST, issue, expect)
        reachable = _MOVES.get(issue.status, ("open",))
        if status not in reachable:
            msg = (
                f"GitHub: issue {ref} cannot be moved from {issue.status!r} to {status!r};"
                f" it can be moved to {', '.join(reachable)}"
            )
            raise Rejected(msg)
        closing = {"state": "closed", "state_reason": status}
        content = {"state": "open"} if status == "open" else closing
        await self._http.send("PATCH", self._issues.place(ref), json=content)
        moved = await self._issues.read(ref)
        if moved.status != status:
            msg = f"GitHub shows issue {ref} as {moved.status!r} after it was moved to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment; a mark that people do not see carries the key."""
        refuse_other_kinds(MANIFEST, kind)
        mark, place = key_mark(key), self._issues.place(ref, "/comments")
        path, asked = place, {"per_page": "100"}
        while path:
            rows, path = await page_of(self._http, path, asked if path == place else None)
            with understanding("GitHub", f"the comments of issue {ref}"):
                if any(mark in (one["body"] or "") for one in rows):
                    return
        body = cut(text, LONGEST, end=f"\n\n{mark}")
        await self._http.send("POST", place, json={"body": body})

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns issues of the repository that changed behind a cursor."""
        refuse_other_kinds(MANIFEST, kind)
        asked: list[Changed] = []

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            if not asked:
                asked.append(Changed(self._http, self._config, since))
            return await asked[0].next(size)

        return await read_changes(fetch, cursor, limit=limit, overlap=MANIFEST.overlap)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Believes what is signed with our secret; what is not about our issues says nothing.

        The signature has no time, and the delivery's identifier is not signed: a delivery that is
        played again is known by its content (GitHub, "Validating webhook deliveries").
        """
        if not self._webhook_secrets:
            msg = "GitHub: webhooks are refused until the connection's webhook_secret is set"
            raise Rejected(msg)
        refuse_forged("github", webhook, self._webhook_secrets, now=now)
        try:
            said = json.loads(webhook.body)
            issue = said.get("issue") or {}
            repository = str((said.get("repository") or {}).get("full_name", ""))
            number = issue.get("number")
        except (ValueError, AttributeError):
            msg = "GitHub: a signed webhook holds no JSON object; its content type must be JSON"
            raise Rejected(msg) from None
        ours = repository.lower() == self._config.repository.lower()
        if not ours or number is None or "pull_request" in issue:
            return ()
        return (Hint(kind="issue", ref=str(number), delivery=delivery_of("github", webhook)),)

    async def _missing(self) -> tuple[str, ...]:
        repository = await self._http.json("GET", f"repos/{self._config.repository}")
        with understanding("GitHub", "the repository"):
            faults = {
                "push": not repository["permissions"]["push"],
                "issues are switched off": not repository["has_issues"],
                "the repository is archived": bool(repository["archived"]),
            }
        return tuple(words for words, missing in faults.items() if missing)

    async def _refuse_without_rights(self) -> None:
        """Refuses to make what could not be found again, and so would be made once more."""
        if self._may_write:
            return
        missing = await self._missing()
        if missing:
            msg = (
                f"GitHub: no issue can be made in {self._config.repository}, there is missing:"
                f" {', '.join(missing)}"
            )
            raise Rejected(msg)
        self._may_write = True

    def _written(self, patch: Mapping[str, Scalar], name: str) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for field, value in patch.items():
            if field == "text":
                content["body"] = with_name(str(value or ""), name)
            elif field == "title":
                content["title"] = _title(value)
            elif field == "milestone":
                content["milestone"] = _milestone(value)
            else:
                content[field] = _several(value)
        if "labels" in content:
            content["labels"].append(self._config.label)
        return content

    async def _read_back(self, answer: Any, content: Mapping[str, Any]) -> Remote:
        """Reads an issue after it was written.

        Raises:
            Rejected: GitHub dropped some of what was written.
        """
        with understanding("GitHub", "what was written"):
            shown = remote(answer, self._config)
        dropped = [name for name, value in content.items() if not _shows(shown, name, value)]
        if not shown.fields["label"]:
            dropped.append(f"the label {self._config.label}")
        if dropped:
            msg = (
                f"GitHub did not take {', '.join(dropped)} of issue {shown.ref}; it drops labels,"
                " assignees and milestones that do not exist or that we may not set"
            )
            raise Rejected(msg)
        return await self._issues.read(shown.ref)


def _refuse_unknown(patch: Mapping[str, Scalar]) -> None:
    unknown = [name for name in patch if name not in _FIELDS or not _FIELDS[name].writable]
    if unknown:
        known = ", ".join(name for name, field in _FIELDS.items() if field.writable)
        msg = f"GitHub: an issue has no field {', '.join(unknown)} that can be set; it has {known}"
        raise Rejected(msg)


def _shows(issue: Remote, name: str, value: Any) -> bool:
    """Tells whether an issue shows what was or would be written."""
    shown = issue.fields
    match name:
        case "body":
            return name_and_text(value) == (issue.external_id, shown["text"])
        case "labels" | "assignees":
            # GitHub keeps the case in which a name was made first.
            held = {one.lower() for one in _several(shown[name])}
            wanted = {one.lower() for one in value}
            return held == wanted - {shown["label"].lower()}
        case _:
            return bool(shown[name] == value)


def _several(value: Scalar) -> list[str]:
    return [one for one in (part.strip() for part in str(value or "").split(",")) if one]


def _title(value: Scalar) -> str:
    title = " ".join(str(value or "").split())[:_LONGEST_TITLE]
    if not title:
        msg = "GitHub: an issue needs a title"
        raise Rejected(msg)
    return title


def _milestone(value: Scalar) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(str(value))
    except ValueError:
        msg = f"GitHub: a milestone goes by its number, and {value!r} is none"
        raise Rejected(msg) from None
