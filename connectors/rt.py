"""Request Tracker: tickets through REST2 (RT 5).

A ticket's ETag is its last transaction, and a change with an older one is refused; two at the very
same moment still both come through. What RT does not do it answers with 200 and a list of messages,
an illegal status too: what the ticket shows afterwards counts. Each call costs RT a fifth of a
second, for it keeps tokens as bcrypt.

Sources: RT 5 documentation, "RT::REST2" and "Query Builder" (TicketSQL, TransactionSQL).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

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
from connectors.failures import AuthFailed, Conflict, NotFound, Rejected
from connectors.http import HttpConnector, HttpDoor, clock_skew, segment
from connectors.refusals import differing, refuse_changed, refuse_other_kinds, refuse_unkept
from connectors.secrets import SecretRef, read_secret
from connectors.understanding import understanding, version_of

_FIELDS = "Subject,Status,LastUpdated,LastUpdatedBy,Owner,Priority,Queue,CustomFields"
_QUEUE = {"fields[Queue]": "Name"}
_LONGEST_SUBJECT = 200
"""RT cuts a longer one without a word."""

_CUSTOM = "CF."
"""What the names of custom fields begin with, as in TicketSQL."""


class RtConfig(ConnectionConfig):
    """Where a Request Tracker is and who we are there.

    Attributes:
        url: its address, e.g. https://rt.example.com
        token: where an auth token of the integration's own user lies.
        queue: the name of the queue in which new tickets are made.
        external_id: the name of the custom field that holds our name for a ticket; it must be
            there for the queue.
        statuses: the statuses of the queue's lifecycle, which REST2 does not tell.
        closed: those of them that mean done.
        message: whether what we have to say is a comment, which colleagues see, or
            correspondence, which is mailed to who asked too.
    """

    url: Address
    token: SecretRef
    queue: str = "General"
    external_id: str = "External ID"
    statuses: tuple[str, ...] = ("new", "open", "stalled", "resolved", "rejected", "deleted")
    closed: tuple[str, ...] = ("resolved", "rejected", "deleted")
    message: Literal["comment", "correspond"] = "comment"


class RtConnector(HttpConnector):
    """Tickets of one Request Tracker."""

    manifest: ClassVar[Manifest] = Manifest(
        name="rt",
        title="Request Tracker",
        api="rest 2.0",
        kinds=("ticket",),
        can=frozenset({"describe", "find", "upsert", "transition", "comment", "changes"}),
        overlap=timedelta(seconds=2),
        lock=True,
    )
    Config: ClassVar[type[ConnectionConfig]] = RtConfig

    def __init__(
        self, config: RtConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._root = config.url.rstrip("/")
        self._token = read_secret(config.token)
        self._http = HttpDoor(
            "Request Tracker",
            f"{self._root}/REST/2.0/",
            headers={"Authorization": f"token {self._token}"},
            secrets=frozenset({self._token}),
            transport=transport,
        )
        self._custom_fields: tuple[str, ...] = ()

    async def check(self) -> Health:
        """Asks for the version and for our own user, whose number is in the token."""
        response = await self._http.send("GET", "rt")
        with understanding("Request Tracker", "its version"):
            version = str(response.json()["Version"])
        parts = self._token.split("-")
        if len(parts) != 3:
            msg = "Request Tracker: the token is none of RT 5: it reads 1-<user>-<secret>"
            raise AuthFailed(msg)
        user = await self._http.json("GET", f"user/{segment(parts[1])}")
        with understanding("Request Tracker", "our own user"):
            account = str(user["Name"])
        skew = clock_skew(response, datetime.now(UTC))
        return Health(account=account, version=version, clock_skew=skew)

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns a ticket's fields with the queue's custom ones; statuses as settings tell."""
        self._refuse_other_kinds(kind)
        await self._know_custom_fields()
        names = ["Owner", *(f"{_CUSTOM}{name}" for name in self._custom_fields)]
        fields = [
            RemoteField(name="Subject", required=True),
            RemoteField(name="Priority", type="number"),
            *(RemoteField(name=name) for name in names),
        ]
        return RemoteSchema(
            kind=kind,
            fields={one.name: one for one in fields},
            statuses=self._config.statuses,
            closed=self._config.closed,
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a ticket; of one that was merged, the ticket that it was merged into."""
        ticket, _ = await self._read(kind, ref)
        return ticket

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a ticket by our name for it; the oldest where there are several."""
        self._refuse_other_kinds(kind)
        field = f"CF.{{{self._config.external_id}}}"
        asked = {"query": f"{_quoted(field)} = {_quoted(external_id)}", "orderby": "id"}
        # Some databases compare without regard to case.
        rows = await self._list({**asked, "per_page": "100"})
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
        """Makes or changes a ticket; `text` becomes the first message of a new one."""
        content = _named(patch)
        if len(content.get("Subject", "")) > _LONGEST_SUBJECT:
            msg = f"Request Tracker keeps {_LONGEST_SUBJECT} letters of a subject; shorten it"
            raise Rejected(msg)
        found = await self.find(kind, external_id)
        if found is not None:
            return await self._change(kind, found.ref, content, expect)
        await self._know_custom_fields()
        if self._config.external_id not in self._custom_fields:
            msg = (
                f"Request Tracker: queue {self._config.queue!r} has no custom field"
                f" {self._config.external_id!r} that our user sees, to keep our name in"
            )
            raise Rejected(msg)
        content[f"{_CUSTOM}{self._config.external_id}"] = external_id
        new: dict[str, Any] = {"Queue": self._config.queue, **_written(content)}
        if patch.get("text"):
            new |= {"Content": str(patch["text"]), "ContentType": "text/plain"}
        made = await self._http.json("POST", "ticket", json=new)
        with understanding("Request Tracker", "a new ticket"):
            ref = str(made["id"])
        ticket = await self.get(kind, ref)
        refuse_unkept(self.manifest, ticket, content)
        return ticket

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves a ticket to a status."""
        return await self._change(kind, ref, {"Status": status}, expect)

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a message; its subject carries the key's digest, by which it is found again."""
        ticket = await self.get(kind, ref)
        # Signs such as brackets would make RT take the query for JSON and fail.
        mark = f"sluice-{version_of(key)}"
        query = (
            f"ObjectType = 'RT::Ticket' AND ObjectId = {ticket.ref}"
            f" AND Type = {_quoted(self._config.message.title())} AND Data LIKE {_quoted(mark)}"
        )
        found = await self._http.json("GET", "transactions", params={"query": query})
        with understanding("Request Tracker", f"the messages of ticket {ref}"):
            if int(found["count"]) > 0:
                return
        message = {"Subject": mark, "Content": text, "ContentType": "text/plain"}
        path = f"ticket/{ticket.ref}/{self._config.message}"
        await self._http.send("POST", path, json=message)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns tickets that changed behind a cursor, of all queues; deleted ones are gone."""
        self._refuse_other_kinds(kind)

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            return await self._list(
                {
                    # Without its zone it would be read as a time of our user's zone.
                    "query": f"LastUpdated >= '{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'",
                    "orderby": ["LastUpdated", "id"],
                    "per_page": str(size),
                    "page": str(offset // size + 1),
                }
            )

        return await read_changes(fetch, cursor, limit=limit, overlap=self.manifest.overlap)

    async def _change(
        self, kind: str, ref: str, content: dict[str, str], expect: str | None
    ) -> Remote:
        ticket, etag = await self._read(kind, ref)
        refuse_changed(self.manifest, ticket, expect)
        news = differing(ticket, content)
        if not news:
            return ticket
        try:
            said = await self._http.json(
                "PUT", f"ticket/{ticket.ref}", headers={"If-Match": etag}, json=_written(news)
            )
        except Conflict as error:
            raise Conflict(str(error), await self.get(kind, ticket.ref)) from None
        changed = await self.get(kind, ticket.ref)
        words = " ".join(map(str, said or ()))
        refuse_unkept(self.manifest, changed, news, before=ticket, said=words)
        return changed

    async def _read(self, kind: str, ref: str) -> tuple[Remote, str]:
        self._refuse_other_kinds(kind)
        if not ref.isdecimal():
            msg = f"Request Tracker: {ref!r} is no ticket's number"
            raise NotFound(msg)
        response = await self._http.send("GET", f"ticket/{ref}", params=_QUEUE)
        with understanding("Request Tracker", f"ticket {ref}"):
            return self._ticket(response.json()), response.headers["etag"]

    async def _list(self, asked: Mapping[str, str | list[str]]) -> list[Remote]:
        params = {**asked, **_QUEUE, "fields": _FIELDS}
        answer = await self._http.json("GET", "tickets", params=params)
        with understanding("Request Tracker", "a list of tickets"):
            return [self._ticket(row) for row in answer["items"]]

    def _ticket(self, row: dict[str, Any]) -> Remote:
        custom = {one["name"]: ", ".join(map(str, one["values"])) for one in row["CustomFields"]}
        title, status = row["Subject"] or "", row["Status"]
        changed = datetime.fromisoformat(row["LastUpdated"])
        fields = {
            "Subject": title,
            "Status": status,
            "Owner": row["Owner"]["id"],
            "Priority": row["Priority"],
            "Queue": row["Queue"]["Name"],
            **{f"{_CUSTOM}{name}": value for name, value in custom.items()},
        }
        return Remote(
            kind="ticket",
            ref=str(row["id"]),
            external_id=custom.get(self._config.external_id, ""),
            title=title,
            status=status,
            version=version_of(changed, *fields.items()),
            updated_at=changed,
            actor=row["LastUpdatedBy"]["id"],
            url=f"{self._root}/Ticket/Display.html?id={row['id']}",
            fields=fields,
        )

    async def _know_custom_fields(self) -> None:
        if self._custom_fields:
            return
        queue = await self._http.json("GET", f"queue/{segment(self._config.queue)}")
        with understanding("Request Tracker", f"queue {self._config.queue}"):
            self._custom_fields = tuple(one["name"] for one in queue["TicketCustomFields"])

    def _refuse_other_kinds(self, kind: str) -> None:
        refuse_other_kinds(self.manifest, kind)


def _quoted(text: str) -> str:
    """Writes a text for a query, where it means nothing but itself."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _named(patch: Mapping[str, Scalar]) -> dict[str, str]:
    """Returns what to write under the names that RT has, as texts, which it shows everything as."""
    names = {"title": "Subject"}
    return {
        names.get(name, name): "" if value is None else str(value)
        for name, value in patch.items()
        if name != "text"
    }


def _written(content: Mapping[str, str]) -> dict[str, Any]:
    """Returns fields as REST2 takes them: custom ones apart."""
    plain = {name: value for name, value in content.items() if not name.startswith(_CUSTOM)}
    custom = {n.removeprefix(_CUSTOM): v for n, v in content.items() if n.startswith(_CUSTOM)}
    return {**plain, "CustomFields": custom} if custom else plain
