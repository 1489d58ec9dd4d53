"""`webhook`: a system of one's own is told by signed webhooks (Standard Webhooks 1.0).

Every event is a POST to one address. Its `webhook-id` follows from what is told and the key, so a
repeat has the same one and the receiver can drop it. The receiver acknowledges with JSON that
repeats the id: the 200 of a proxy is no acknowledgement. Redirects are never followed.

Source: standardwebhooks.com, "Standard Webhooks specification".
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from connectors.contract import (
    Capability,
    ConnectionConfig,
    Health,
    Hint,
    Manifest,
    ProofLevel,
    Remote,
    RemoteField,
    RemoteSchema,
    Scalar,
    Webhook,
)
from connectors.failures import NotFound, Rejected, RetryLater
from connectors.http import HttpConnector, HttpDoor, clock_skew
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.rest.template import filled_path
from connectors.rest.webhooks import hints_of
from connectors.secrets import read_secrets
from connectors.signatures import standard_signature
from connectors.understanding import understanding, version_of
from connectors.webhook.settings import WebhookConfig
from connectors.webhook.told import Told
from measures.digest import digest
from measures.launch import CampaignState, Sighting

_ACCOUNT = "sluicegate"
_LARGEST = 256 * 1024
"""Bytes of an event."""


class WebhookConnector(HttpConnector):
    """One receiver of our webhooks."""

    manifest: ClassVar[Manifest] = Manifest(
        name="webhook",
        title="any receiver of signed webhooks",
        api="Standard Webhooks 1.0",
        kinds=(),
        can=frozenset({"hold", "throttle"}),
        hold="advisory",
        idempotency=True,
    )
    Config: ClassVar[type[ConnectionConfig]] = WebhookConfig

    def __init__(
        self,
        config: WebhookConfig,
        place: Path,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.manifest = self.manifest_for(config)  # type: ignore[misc]  # each has its own
        self._config = config
        secrets = read_secrets(config.secret)
        self._secret = secrets[0]  # while it is being changed, the new one signs
        self._told = Told(place / "webhook-told.db", digest(config.url)[:32])
        address = urlsplit(config.url)
        self._http = HttpDoor(
            config.title,
            f"{address.scheme}://{address.netloc}",
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            secrets=frozenset(secrets),
            transport=transport,
        )

    @classmethod
    def manifest_for(cls, config: WebhookConfig) -> Manifest:
        """Returns what a connection can do by its settings."""
        level: ProofLevel = "enforced" if config.look else "advisory"
        can: set[Capability] = set(cls.manifest.can)
        if config.kinds:
            can |= {"describe", "find", "upsert", "transition", "comment"}
        if config.incoming:
            can.add("webhooks")
        more = {"title": config.title, "kinds": tuple(config.kinds), "hold": level}
        return cls.manifest.model_copy(update={**more, "can": frozenset(can)})

    @classmethod
    def connect(
        cls, config: Any, place: Path, transport: httpx.AsyncBaseTransport | None = None
    ) -> "WebhookConnector":
        """Makes a connection; what was acknowledged lies in the state folder."""
        return cls(config, place, transport=transport)

    async def check(self) -> Health:
        """Tells the receiver nothing and sees whether it acknowledges that."""
        response = await self._tell("connection.check", {}, key=uuid.uuid4().hex)
        return Health(account=_ACCOUNT, clock_skew=clock_skew(response, datetime.now(UTC)))

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns what the settings say of a kind."""
        refuse_other_kinds(self.manifest, kind)
        rules = self._config.kinds[kind]
        fields = {name: RemoteField(name=name) for name in rules.fields}
        return RemoteSchema(kind=kind, fields=fields, statuses=rules.statuses, closed=rules.closed)

    async def get(self, kind: str, ref: str) -> Remote:
        """Returns what the receiver has acknowledged of an object."""
        found = await self.find(kind, ref)
        if found is None:
            msg = f"{self._config.title} has acknowledged no {kind} {ref!r}"
            raise NotFound(msg)
        return found

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Returns what the receiver has acknowledged; our name is the only name."""
        refuse_other_kinds(self.manifest, kind)
        known = await asyncio.to_thread(self._told.read, kind, external_id)
        return None if known is None else _remote(kind, external_id, known)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Tells what differs from what was acknowledged."""
        found = await self.find(kind, external_id)
        known = self._config.kinds[kind].fields
        strange = sorted(patch.keys() - set(known))
        if strange:
            msg = f"{self._config.title}: the settings name no field {strange[0]!r} of {kind}"
            raise Rejected(f"{msg}, only {', '.join(known)}")
        if found is not None:
            refuse_changed(self.manifest, found, expect)
        shown = found.fields if found else {}
        changed = {name: value for name, value in patch.items() if shown.get(name) != value}
        if found is not None and not changed:
            return found
        data = {"kind": kind, "id": external_id, "fields": changed}
        await self._tell("object.upsert", data, key=key)
        return await self._remember(kind, external_id, fields={**shown, **changed})

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Tells a status."""
        found = await self.get(kind, ref)
        known = self._config.kinds[kind].statuses
        if known and status not in known:
            msg = f"{self._config.title} has no status {status!r} for {kind} {ref}"
            raise Rejected(f"{msg}; its settings name {', '.join(known)}")
        if found.status == status:
            return found
        refuse_changed(self.manifest, found, expect)
        data = {"kind": kind, "id": ref, "status": status}
        await self._tell("object.transition", data, key=key)
        return await self._remember(kind, ref, status=status)

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Tells a comment, once per key."""
        await self.get(kind, ref)
        known = await asyncio.to_thread(self._told.read, kind, ref) or {}
        comments = known.get("comments", [])
        if key not in comments:
            await self._tell("object.comment", {"kind": kind, "id": ref, "text": text}, key=key)
            await self._remember(kind, ref, comments=[*comments, key])

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Tells to stop a campaign."""
        return await self._bring("campaign.hold", ref, "held", 0.0, key)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Tells to let a share of a campaign run."""
        return await self._bring("campaign.release", ref, "released", share, key)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Tells to change the share that runs."""
        return await self._bring("campaign.throttle", ref, "released", share, key)

    async def look(self, ref: str) -> Sighting | None:
        """Returns what the receiver shows of a campaign, or else what it has acknowledged."""
        if self._config.look is not None:
            try:
                shown = await self._shown(self._config.look, ref)
            except NotFound:
                return None
        else:
            shown = await asyncio.to_thread(self._told.read, "campaign", ref)
        return None if shown is None else self._sighting(ref, shown)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks that a webhook is the receiver's own."""
        if self._config.incoming is None:
            raise self._cannot("send webhooks")
        kinds = (*self._config.kinds, "campaign")
        return hints_of(self._config.incoming, kinds, webhook, now=now)

    async def _bring(
        self, event: str, ref: str, state: CampaignState, share: float, key: str
    ) -> Sighting:
        """Tells what is to become of a campaign and returns what shows afterwards.

        Raises:
            NotFound: the receiver shows no campaign of that name.
        """
        if self._config.look is not None:
            await self._shown(self._config.look, ref)
        wanted = {"state": state, "share": share}
        await self._tell(event, {"campaign": ref, **wanted}, key=key)
        if self._config.look is None:
            await asyncio.to_thread(self._told.write, "campaign", ref, wanted)
            return self._sighting(ref, wanted)
        return self._sighting(ref, await self._shown(self._config.look, ref))

    async def _shown(self, look: str, ref: str) -> Any:
        path = filled_path(look, {"ref": ref})
        headers = self._signed(f"look_{uuid.uuid4().hex}", b"")
        return await self._http.json("GET", path, headers=headers)

    def _sighting(self, ref: str, shown: Any) -> Sighting:
        with understanding(self._config.title, f"campaign {ref}"):
            runs = {"held": False, "released": True}[shown["state"]]
            return Sighting(
                ref=ref,
                state=shown["state"],
                share=float(shown["share"]) if runs else 0.0,
                level="enforced" if self._config.look else "advisory",
                read_at=datetime.now(UTC),
            )

    async def _tell(self, event: str, data: dict[str, Any], *, key: str) -> httpx.Response:
        """Posts an event and returns the answer that acknowledges it.

        Raises:
            RetryLater: the answer does not repeat the id of the event.
        """
        body = json.dumps({"type": event, "data": data}).encode()
        if len(body) > _LARGEST:
            msg = f"{self._config.title}: an event of {len(body):,} bytes; {_LARGEST:,} at most"
            raise Rejected(msg)
        name = f"msg_{digest([body.decode(), key])[:32]}"
        path = urlsplit(self._config.url).path or "/"
        headers = self._signed(name, body)
        response = await self._http.send("POST", path, content=body, headers=headers)
        with understanding(self._config.title, f"the event {event}"):
            if self._http.content(response)["received"] == name:
                return response
        msg = f"{self._config.title} acknowledged another event than {event}, {name}"
        raise RetryLater(msg)

    def _signed(self, name: str, body: bytes) -> dict[str, str]:
        sent = str(int(datetime.now(UTC).timestamp()))
        return {
            "webhook-id": name,
            "webhook-timestamp": sent,
            "webhook-signature": standard_signature(self._secret, name, sent, body),
        }

    async def _remember(self, kind: str, ref: str, **changed: Any) -> Remote:
        """Keeps what was acknowledged just now, beside what was before."""

        def remember() -> dict[str, Any]:
            known = {**(self._told.read(kind, ref) or {}), **changed}
            known["at"] = datetime.now(UTC).isoformat()
            self._told.write(kind, ref, known)
            return known

        return _remote(kind, ref, await asyncio.to_thread(remember))


def _remote(kind: str, ref: str, known: dict[str, Any]) -> Remote:
    """Returns an object as it was acknowledged."""
    fields, status = known.get("fields", {}), known.get("status", "")
    return Remote(
        kind=kind,
        ref=ref,
        external_id=ref,
        title=str(fields.get("title", "")),
        status=status,
        version=version_of(sorted(fields.items()), status, known.get("comments", [])),
        updated_at=datetime.fromisoformat(known["at"]),
        actor=_ACCOUNT,
        fields=fields,
    )
