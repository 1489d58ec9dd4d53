"""Roundup: issues of a tracker through its REST interface (Roundup 2.x, interface version 1).

Writes need the ETag of what was read, so a change by somebody else in between is never
overwritten. Searching for text finds parts of words, so what is found is compared whole. A user
of its own is recommended: what it wrote is then recognised by its name.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from connectors.address import Address
from connectors.contract import (
    ConnectionConfig,
    Health,
    Manifest,
    Page,
    Remote,
    RemoteField,
    RemoteSchema,
    Scalar,
)
from connectors.cursor import read_changes
from connectors.failures import Conflict, ConnectorError, NotFound, Rejected
from connectors.http import HttpConnector, HttpDoor, segment
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.secrets import SecretRef, read_secret
from connectors.understanding import understanding, version_of

_TIME = "%Y-%m-%d.%H:%M:%S"
_FIELDS = "title,status,activity,actor,external_id,messages,assignedto,priority"
_TRIES = 3


class RoundupConfig(ConnectionConfig):
    """Where a tracker is and who we are there.

    Attributes:
        url: the tracker's address, e.g. https://tracker.example.com/support/
        user: the integration's own user.
        password: where its password lies.
        external_id: the property of an issue that holds our name for it.
        closed: the statuses that mean done.
    """

    url: Address
    user: str
    password: SecretRef
    external_id: str = "external_id"
    closed: tuple[str, ...] = ("resolved", "done-cbb")


class RoundupConnector(HttpConnector):
    """Issues of one Roundup tracker."""

    manifest: ClassVar[Manifest] = Manifest(
        name="roundup",
        title="Roundup",
        api="rest 1",
        kinds=("issue",),
        can=frozenset({"describe", "find", "upsert", "transition", "comment", "changes"}),
        overlap=timedelta(seconds=2),
        lock=True,
    )
    Config: ClassVar[type[ConnectionConfig]] = RoundupConfig

    def __init__(
        self, config: RoundupConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._root = config.url.rstrip("/")
        password = read_secret(config.password)
        place = urlsplit(self._root)
        self._http = HttpDoor(
            "Roundup",
            f"{self._root}/rest/data/",
            auth=(config.user, password),
            secrets=frozenset({password}),
            # Its guard against forged requests of browsers asks every client for these three.
            headers={
                "X-Requested-With": "rest",
                "Origin": f"{place.scheme}://{place.netloc}",
                "Referer": f"{self._root}/",
            },
            classify=_classify,
            transport=transport,
        )
        self._statuses: dict[str, str] = {}

    async def check(self) -> Health:
        """Asks for our own user."""
        response = await self._http.send("GET", "user", params={"username": self._config.user})
        with understanding("Roundup", "our own user"):
            rows = response.json()["data"]["collection"]
        if not rows:
            msg = f"Roundup has no user {self._config.user!r} that it shows us"
            raise NotFound(msg)
        return Health(account=self._config.user)

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns an issue's properties and the tracker's statuses; it knows no forbidden moves."""
        await self._know_statuses()
        properties = ("title", "assignedto", "priority", "keyword", self._config.external_id)
        return RemoteSchema(
            kind=_issue(kind),
            fields={name: RemoteField(name=name, required=name == "title") for name in properties},
            statuses=tuple(self._statuses.values()),
            closed=self._config.closed,
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an issue."""
        remote, _ = await self._read(_issue(kind), ref)
        return remote

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an issue by our name for it; the oldest where there are several."""
        rows = await self._list(
            _issue(kind), {self._config.external_id: external_id, "@sort": "id"}
        )
        return next((one for one in rows if one.external_id == external_id), None)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes an issue; `text` becomes its first message."""
        content = {name: value for name, value in patch.items() if name != "text"}
        found = await self.find(kind, external_id)
        if found is None:
            content[self._config.external_id] = external_id
            made = await self._http.json("POST", _issue(kind), json=content)
            with understanding("Roundup", "a new issue"):
                ref = str(made["data"]["id"])
            if patch.get("text"):
                await self.comment(kind, ref, str(patch["text"]), key=key)
            return await self.get(kind, ref)
        return await self._change(kind, found.ref, content, expect)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an issue to a status."""
        await self._know_statuses()
        if status not in self._statuses.values():
            known = ", ".join(self._statuses.values())
            msg = f"Roundup has no status {status!r} for issue {ref}; it has {known}"
            raise Rejected(msg)
        moved = await self._change(kind, ref, {"status": status}, expect)
        if moved.status != status:
            msg = f"Roundup shows issue {ref} as {moved.status!r} after it was moved to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a message; its last line carries the key, by which it is found again."""
        mark = f"[{key}]"
        for _ in range(_TRIES):
            issue, etag = await self._read(_issue(kind), ref)
            if await self._has_message(issue, mark):
                return
            made = await self._http.json(
                "POST", "msg", json={"content": f"{text}\n\n{mark}", "author": self._config.user}
            )
            with understanding("Roundup", "a new message"):
                message = made["data"]["id"]
            try:
                await self._http.send(
                    "PATCH",
                    f"{kind}/{segment(ref)}",
                    headers={"If-Match": etag},
                    json={"@op": "add", "messages": message},
                )
            except Conflict:
                continue
            return
        msg = f"Roundup issue {ref} changes too often for a message to be added"
        raise Conflict(msg)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns issues with activity behind a cursor."""

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            return await self._list(
                _issue(kind),
                {
                    "activity": f"{since.astimezone(UTC):{_TIME}};",
                    "@sort": "activity,id",
                    "@page_size": str(size),
                    "@page_index": str(offset // size + 1),
                },
            )

        return await read_changes(fetch, cursor, limit=limit, overlap=self.manifest.overlap)

    async def _change(
        self, kind: str, ref: str, content: dict[str, Any], expect: str | None
    ) -> Remote:
        issue, etag = await self._read(_issue(kind), ref)
        refuse_changed(self.manifest, issue, expect)
        if all(issue.fields.get(name) == value for name, value in content.items()):
            return issue
        try:
            await self._http.send(
                "PATCH", f"{kind}/{segment(ref)}", headers={"If-Match": etag}, json=content
            )
        except Conflict as error:
            raise Conflict(str(error), await self.get(kind, ref)) from None
        return await self.get(kind, ref)

    async def _read(self, kind: str, ref: str) -> tuple[Remote, str]:
        await self._know_statuses()
        response = await self._http.send(
            "GET", f"{kind}/{segment(ref)}", params={"@fields": _FIELDS, "@verbose": "2"}
        )
        with understanding("Roundup", f"issue {ref}"):
            data = response.json()["data"]
            return self._remote({"id": data["id"], **data["attributes"]}), str(data["@etag"])

    async def _list(self, kind: str, params: dict[str, str]) -> list[Remote]:
        await self._know_statuses()
        asked = {"@fields": _FIELDS, "@verbose": "2", **params}
        answer = await self._http.json("GET", kind, params=asked)
        with understanding("Roundup", "a list of issues"):
            return [self._remote(row) for row in answer["data"]["collection"]]

    def _remote(self, row: dict[str, Any]) -> Remote:
        status = row.get("status") or {}
        actor = row.get("actor") or {}
        status_name = self._statuses.get(str(status.get("id", "")), "")
        title, external = row.get("title") or "", row.get(self._config.external_id) or ""
        messages = [str(one["id"]) for one in row.get("messages") or ()]
        # A reference is read as the name by which it can be written.
        named = {
            "assignedto": (row.get("assignedto") or {}).get("username"),
            "priority": (row.get("priority") or {}).get("name"),
        }
        return Remote(
            kind="issue",
            ref=str(row["id"]),
            external_id=external,
            title=title,
            status=status_name,
            version=version_of(
                row["activity"], title, status_name, external, *named.values(), *messages
            ),
            updated_at=datetime.strptime(row["activity"], _TIME).replace(tzinfo=UTC),
            actor=actor.get("username", ""),
            url=f"{self._root}/issue{row['id']}",
            fields={"title": title, "status": status_name, **named, "messages": messages},
        )

    async def _has_message(self, issue: Remote, mark: str) -> bool:
        for message in reversed(issue.fields["messages"]):
            found = await self._http.json("GET", f"msg/{message}/content")
            with understanding("Roundup", f"message {message}"):
                if mark in str(found["data"]["data"]):
                    return True
        return False

    async def _know_statuses(self) -> None:
        if self._statuses:
            return
        answer = await self._http.json(
            "GET", "status", params={"@fields": "name", "@sort": "order"}
        )
        with understanding("Roundup", "its statuses"):
            self._statuses = {str(r["id"]): r["name"] for r in answer["data"]["collection"]}


def _issue(kind: str) -> str:
    refuse_other_kinds(RoundupConnector.manifest, kind)
    return kind


def _classify(response: httpx.Response) -> ConnectorError | None:
    # A wrong property or value is answered 400, but a title that is missing too with 409.
    if response.status_code == 403:
        return Rejected(f"Roundup does not let our user do that: {response.text[:300]}")
    return None
