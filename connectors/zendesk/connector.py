"""The connector for Zendesk: what the contract asks, said in tickets."""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

from connectors.contract import (
    ConnectionConfig,
    Connector,
    Health,
    Hint,
    Manifest,
    Page,
    Remote,
    RemoteSchema,
    Scalar,
    Webhook,
)
from connectors.cursor import cursor_behind, place_of
from connectors.failures import Conflict, Rejected
from connectors.http import HttpDoor
from connectors.refusals import refuse_changed, refuse_other_kinds, refuse_unkept
from connectors.secrets import read_secret, read_secrets
from connectors.texts import cut
from connectors.understanding import understanding
from connectors.zendesk.fields import (
    CLOSED,
    DONE,
    STATUSES,
    as_ticket,
    described,
    moves_of,
    named,
    remote_of,
)
from connectors.zendesk.hooks import hints_of
from connectors.zendesk.settings import MANIFEST, ZendeskConfig
from connectors.zendesk.tickets import TicketApi, meaning
from measures.digest import digest

_LONGEST_COMMENT = 15_000
"""Letters; a comment is known to take 64 KiB, of which a letter may need four bytes."""

_SURELY_PAST = timedelta(minutes=5)
"""The export refuses to begin less than a minute ago, by a clock that is not ours."""


class ZendeskConnector(Connector):
    """Tickets of one account."""

    manifest: ClassVar[Manifest] = MANIFEST
    Config: ClassVar[type[ConnectionConfig]] = ZendeskConfig

    def __init__(
        self, config: ZendeskConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._root = config.url.rstrip("/")
        token = read_secret(config.token)
        self._webhook_secrets = read_secrets(config.webhook_secret)
        bearer = {} if config.user else {"Authorization": f"Bearer {token}"}
        self._api = TicketApi(
            HttpDoor(
                "Zendesk",
                f"{self._root}/api/v2/",
                headers={"Accept": "application/json", **bearer},
                auth=(f"{config.user}/token", token) if config.user else None,
                secrets=frozenset({token, *self._webhook_secrets}),
                classify=meaning,
                transport=transport,
            )
        )
        self._ourselves: dict[str, str] = {}

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._api.aclose()

    async def check(self) -> Health:
        """Asks for our own user, and whether its role may do what the connector does."""
        user, skew = await self._api.ourselves()
        with understanding("Zendesk", "our own user"):
            role, account = str(user["role"]), _account(user)
        missing = {
            "admin": (),
            "agent": ("read the incremental export: role admin",),
        }.get(role, ("work on tickets: role agent", "read the incremental export: role admin"))
        return Health(account=account, clock_skew=skew, missing=missing)

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns the fields of the account's tickets and their statuses."""
        refuse_other_kinds(MANIFEST, kind)
        rows = await self._api.fields()
        with understanding("Zendesk", "its fields"):
            fields, statuses = described(rows)
        return RemoteSchema(
            kind=kind, fields=fields, statuses=statuses, closed=DONE, moves=moves_of(statuses)
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a ticket, and who changed it last."""
        refuse_other_kinds(MANIFEST, kind)
        ticket = await self._api.ticket(ref)
        return self._remote(ticket, actor=await self._name_of(await self._api.last_author(ref)))

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a ticket by our name for it: the oldest one that is not closed, or the newest.

        Who changed it last it does not tell.
        """
        return min(await self._of_name(kind, external_id), key=_rank, default=None)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes a ticket; `text` becomes its first comment.

        Raises:
            Rejected: the ticket is closed, or does not show what was written.
        """
        content = named(patch)
        known = await self._of_name(kind, external_id)
        found = min(known, key=_rank, default=None)
        text = str(patch.get("text") or patch.get("title") or external_id)
        if found is None:
            return await self._make(external_id, text, content, key)
        # Who saw the closed one has seen all that its follow-up goes on from.
        if all(one.version != expect for one in known):
            refuse_changed(MANIFEST, found, expect)
        differing = {n: one for n, one in content.items() if found.fields.get(n) != one}
        if not differing:
            return found
        if self._is_followed_up(found):
            return await self._make(external_id, text, content, key, after=found)
        await self._change(found, as_ticket(differing), expect)
        shown = await self.get(kind, found.ref)
        refuse_unkept(MANIFEST, shown, content)
        return shown

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Writes a status, and the fields that the settings say go along with it.

        A closed ticket stays as it is; where the settings say so, its follow-up is moved instead.

        Raises:
            Rejected: there is no such status, or the ticket does not show it afterwards.
        """
        if status not in STATUSES:
            msg = f"Zendesk has no status {status!r} for ticket {ref}; it has {', '.join(STATUSES)}"
            raise Rejected(msg)
        ticket = await self.get(kind, ref)
        if ticket.status == status:
            return ticket
        refuse_changed(MANIFEST, ticket, expect)
        if self._is_followed_up(ticket):
            ticket = await self._follow_up(ticket, f"Ticket {ref} goes on here.", key)
        along = as_ticket(named(self._config.along.get(status, {})))
        await self._change(ticket, {**along, "status": status}, expect)
        moved = await self.get(kind, ticket.ref)
        if moved.status != status:
            msg = (
                f"Zendesk shows ticket {moved.ref} as {moved.status!r} after it was moved to"
                f" {status!r}"
            )
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment; its last line carries the key, by which it is found again.

        A closed ticket takes none; where the settings say so, its follow-up does instead.
        """
        refuse_other_kinds(MANIFEST, kind)
        ticket = self._remote(await self._api.ticket(ref))
        mark = f"[{key}]"
        if await self._has_comment(ref, mark):
            return
        body = cut(text, _LONGEST_COMMENT, end=f"\n\n{mark}")
        if self._is_followed_up(ticket):
            ticket = await self._follow_up(ticket, body, key)
            if await self._has_comment(ticket.ref, mark):
                return
        await self._change(ticket, {"comment": self._comment(body)}, None)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns tickets that changed behind a cursor, up to a minute ago."""
        refuse_other_kinds(MANIFEST, kind)
        place = place_of(cursor)
        asked = {"per_page": str(limit)}
        if isinstance(place, str):
            asked["cursor"] = place
        else:
            since = min(place - MANIFEST.overlap, datetime.now(UTC) - _SURELY_PAST)
            asked["start_time"] = str(max(int(since.timestamp()), 0))
        found, behind, more = await self._api.changed(asked)
        return Page(
            items=tuple(self._remote(one) for one in found),
            cursor=cursor_behind(behind) if behind else cursor,
            more=more,
        )

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks the signature of a webhook and its time."""
        return hints_of(webhook, self._webhook_secrets, now=now)

    async def _make(
        self,
        external_id: str,
        text: str,
        content: Mapping[str, Scalar],
        key: str,
        *,
        after: Remote | None = None,
    ) -> Remote:
        source = {"via_followup_source_id": int(after.ref)} if after else {}
        ticket = {
            **as_ticket(content),
            **source,
            "external_id": external_id,
            "comment": self._comment(cut(text, _LONGEST_COMMENT)),
        }
        # The same key for another ticket would be answered with the first one.
        ref = await self._api.make(ticket, digest([external_id, key, *source.values()]))
        made = await self.get("ticket", ref)
        refuse_unkept(MANIFEST, made, content)
        return made

    def _is_followed_up(self, ticket: Remote) -> bool:
        """Tells whether another ticket goes on where this one was closed."""
        return ticket.status == CLOSED and self._config.follow_up and bool(ticket.external_id)

    async def _follow_up(self, closed: Remote, text: str, key: str) -> Remote:
        """Returns the ticket that goes on where one was closed; makes it where there is none."""
        found = await self.find(closed.kind, closed.external_id)
        if found is not None and found.status != CLOSED:
            return found
        title = {"subject": closed.title}
        return await self._make(closed.external_id, text, title, key, after=closed)

    async def _of_name(self, kind: str, external_id: str) -> list[Remote]:
        refuse_other_kinds(MANIFEST, kind)
        return [self._remote(one) for one in await self._api.of_name(external_id)]

    async def _has_comment(self, ref: str, mark: str) -> bool:
        async with aclosing(self._api.comments(ref)) as texts:
            async for text in texts:
                if mark in text:
                    return True
        return False

    async def _change(self, found: Remote, ticket: Mapping[str, Any], expect: str | None) -> None:
        lock = {"safe_update": True, "updated_stamp": found.fields["updated_at"]}
        try:
            await self._api.change(found.ref, {**ticket, **(lock if expect is not None else {})})
        except Conflict as error:
            raise Conflict(str(error), await self.get(found.kind, found.ref)) from None
        except Rejected as error:
            if found.status != CLOSED:
                raise
            msg = (
                f"Zendesk ticket {found.ref} is closed, and a closed ticket cannot be changed any"
                " more; set follow_up: true in the connection to have a follow-up ticket made"
                f" instead ({error})"
            )
            raise Rejected(msg) from None

    def _comment(self, body: str) -> dict[str, Any]:
        return {"body": body, "public": self._config.public}

    def _remote(self, ticket: Mapping[str, Any], *, actor: str = "") -> Remote:
        with understanding("Zendesk", "a ticket"):
            return remote_of(ticket, self._root, actor=actor)

    async def _name_of(self, author: str) -> str:
        """Returns what the check calls us when we are the author; others are their number."""
        if not self._ourselves:
            user, _ = await self._api.ourselves()
            self._ourselves = {str(user["id"]): _account(user)}
        return self._ourselves.get(author, author)


def _account(user: Mapping[str, Any]) -> str:
    return str(user.get("email") or user["id"])


def _rank(ticket: Remote) -> tuple[bool, int]:
    closed = ticket.status == CLOSED
    return closed, -int(ticket.ref) if closed else int(ticket.ref)
