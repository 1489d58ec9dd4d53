"""`rest`: any system with a REST interface that a manifest describes."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import ClassVar, TypeVar

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
from connectors.cursor import read_listing
from connectors.failures import Conflict, Rejected, RetryLater
from connectors.http import clock_skew
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.rest.asking import Listing, Writing
from connectors.rest.campaigns import CampaignDesk
from connectors.rest.manifest import Kind, RestConfig, manifest_of
from connectors.rest.reading import (
    at,
    differing,
    moment_written,
    name_at,
    remote_of,
    schema_of,
    text_at,
)
from connectors.rest.speaking import Speaking
from connectors.rest.webhooks import hints_of
from connectors.understanding import understanding
from measures.launch import Sighting

_T = TypeVar("_T")


class RestConnector(Connector):
    """One system, spoken to as its manifest says."""

    manifest: ClassVar[Manifest] = Manifest(
        name="rest",
        title="any REST interface, by manifest",
        api="as the manifest says",
        kinds=(),
        can=frozenset(),
    )
    Config: ClassVar[type[ConnectionConfig]] = RestConfig

    def __init__(
        self, config: RestConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.manifest = self.manifest_for(config)  # type: ignore[misc]  # each has its own
        self._config = config
        self._speaking = Speaking(config, transport=transport)

    @classmethod
    def manifest_for(cls, config: RestConfig) -> Manifest:
        """Returns what the manifest in the settings says."""
        return manifest_of("rest", config)

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._speaking.aclose()

    async def check(self) -> Health:
        """Asks who we are."""
        account = self._config.account
        response = await self._speaking.send(account, {})
        with understanding(self._system, "who we are"):
            row = at(account.row, self._speaking.content(response))
            return Health(
                account=name_at(account.name, row),
                version=text_at(account.version, row),
                clock_skew=clock_skew(response, datetime.now(UTC)),
            )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns what the manifest says of a kind."""
        return schema_of(kind, self._kind(kind))

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an object."""
        remote, _ = await self._read(kind, ref)
        return remote

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an object by our name for it; the first where there are several."""
        listing = self._said(self._kind(kind).find, f"look for {kind}")
        objects = self._objects(kind, listing, {"external_id": external_id})
        async with aclosing(objects):
            # Many systems find parts of words, so what is found is compared whole.
            async for one in objects:
                if one.external_id == external_id:
                    return one
        return None

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes an object, or changes what differs of the one that has this name."""
        rules = self._kind(kind)
        create = self._said(rules.create, f"write {kind}")
        changeable = rules.update.names if rules.update else frozenset()
        self._refuse_strange(kind, patch, create.names | changeable)
        found = await self.find(kind, external_id)
        if found is None:
            values = {**patch, "external_id": external_id, "key": key}
            answer = self._speaking.content(await self._speaking.send(create, values))
            with understanding(self._system, f"a new {kind}"):
                ref = name_at(create.ref, answer) if create.ref else None
            return await self._made(kind, external_id, ref)
        current, tag = await self._read(kind, found.ref)
        refuse_changed(self.manifest, current, expect)
        changed = differing(current, patch)
        if not changed:
            return current
        if rules.update is None or changed.keys() - changeable:
            fixed = ", ".join(sorted(changed.keys() - changeable))
            raise self._cannot(f"change {fixed} of {kind} {current.ref} once it is there")
        await self._change(rules.update, current, {**changed, "key": key}, tag)
        return await self.get(kind, current.ref)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an object to a status."""
        rules = self._kind(kind)
        transition = self._said(rules.transition, f"move {kind}")
        current, tag = await self._read(kind, ref)
        if status not in rules.statuses:
            known = ", ".join(rules.statuses)
            msg = f"{self._system} has no status {status!r} for {kind} {ref}; it has {known}"
            raise Rejected(msg)
        if current.status == status:
            return current
        refuse_changed(self.manifest, current, expect)
        values = {"status": rules.statuses[status], "key": key}
        await self._change(transition, current, values, tag)
        moved = await self.get(kind, ref)
        if moved.status != status:
            msg = (
                f"{self._system} shows {kind} {ref} as {moved.status!r}"
                f" after it was moved to {status!r}"
            )
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment; its last line carries the key, by which it is found again."""
        comment = self._said(self._kind(kind).comment, f"comment on {kind}")
        current, tag = await self._read(kind, ref)
        mark = f"[{key}]"
        rows = self._speaking.walk(comment.seen, {"ref": ref})
        async with aclosing(rows):
            async for row in rows:
                with understanding(self._system, f"comments of {kind} {ref}"):
                    if mark in text_at(comment.text, row):
                        return
        await self._change(comment, current, {"text": f"{text}\n\n{mark}", "key": key}, tag)

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign."""
        return await self._campaigns(f"hold campaign {ref}").hold(ref, key)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a share of a campaign run."""
        return await self._campaigns(f"release campaign {ref}").release(ref, share, key)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Changes the share that runs."""
        return await self._campaigns(f"throttle campaign {ref}").release(ref, share, key)

    async def look(self, ref: str) -> Sighting | None:
        """Returns what the system shows of a campaign."""
        return await self._campaigns(f"show campaign {ref}").look(ref)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns objects that changed behind a cursor."""
        listing = self._said(self._kind(kind).changes, f"list changed {kind}")
        # One page at a time: what changes meanwhile would shift the pages behind it.
        most = min(limit, listing.paging.size) if listing.paging else limit
        return await read_listing(
            lambda since: self._changed(kind, listing, since),
            cursor,
            limit=most,
            overlap=self.manifest.overlap,
        )

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks that a webhook is genuine."""
        rule = self._said(self._config.webhook, "send webhooks")
        campaigns = ("campaign",) if self._config.campaigns else ()
        return hints_of(rule, (*self._config.kinds, *campaigns), webhook, now=now)

    async def _made(self, kind: str, external_id: str, ref: str | None) -> Remote:
        if ref is not None:
            return await self.get(kind, ref)
        found = await self.find(kind, external_id)
        if found is None:
            msg = f"{self._system} does not show the new {kind} {external_id!r} yet"
            raise RetryLater(msg)
        return found

    async def _read(self, kind: str, ref: str) -> tuple[Remote, str]:
        """Returns an object, and the tag that a change must repeat."""
        rules = self._kind(kind)
        row = await self._speaking.show(rules.get, {"ref": ref})
        with understanding(self._system, f"{kind} {ref}"):
            return remote_of(kind, rules, row), text_at(rules.object.tag, row)

    async def _change(
        self, writing: Writing, current: Remote, values: Mapping[str, Scalar], tag: str
    ) -> None:
        places = {**values, "ref": current.ref, **({"tag": tag} if tag else {})}
        try:
            await self._speaking.send(writing, places)
        except Conflict as error:
            raise Conflict(str(error), await self.get(current.kind, current.ref)) from None

    async def _objects(
        self, kind: str, listing: Listing, values: Mapping[str, Scalar]
    ) -> AsyncGenerator[Remote, None]:
        rules = self._kind(kind)
        rows = self._speaking.walk(listing, values)
        async with aclosing(rows):
            async for row in rows:
                with understanding(self._system, f"a list of {kind}"):
                    remote = remote_of(kind, rules, row)
                yield remote

    async def _changed(
        self, kind: str, listing: Listing, since: datetime
    ) -> AsyncGenerator[Remote, None]:
        """Yields what changed since a moment, and insists on the order that a cursor relies on."""
        before = None
        asked = moment_written(self._kind(kind).time, since)
        objects = self._objects(kind, listing, {"since": asked})
        async with aclosing(objects):
            async for one in objects:
                if one.updated_at is None or (before is not None and one.updated_at < before):
                    msg = (
                        f"{self._system} lists changed {kind} not oldest first ({one.ref}): let"
                        " `changes` of the manifest sort by the time in object.updated"
                    )
                    raise Rejected(msg)
                before = one.updated_at
                yield one

    def _kind(self, kind: str) -> Kind:
        refuse_other_kinds(self.manifest, kind)
        return self._config.kinds[kind]

    def _campaigns(self, what: str) -> CampaignDesk:
        return CampaignDesk(self._said(self._config.campaigns, what), self._speaking)

    def _said(self, rule: _T | None, what: str) -> _T:
        """Returns what the manifest says; what it does not say, the system cannot do."""
        if rule is None:
            raise self._cannot(what)
        return rule

    def _refuse_strange(
        self, kind: str, patch: Mapping[str, Scalar], known: frozenset[str]
    ) -> None:
        strange = sorted(patch.keys() - known)
        if strange:
            msg = f"{self._system}: the manifest has no place for {', '.join(strange)} of {kind}"
            raise Rejected(msg)

    @property
    def _system(self) -> str:
        return self._config.title
