"""One HubSpot account as a connector."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar

import httpx

from connectors.campaigns import WholeCampaignConnector
from connectors.contract import (
    ConnectionConfig,
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
from connectors.failures import NotFound, Rejected, Unsupported
from connectors.http import READS, HttpDoor, clock_skew
from connectors.hubspot.access import StaticToken, access
from connectors.hubspot.answers import classify, remote_field, written
from connectors.hubspot.campaigns import Campaigns
from connectors.hubspot.notes import Notes
from connectors.hubspot.objects import Objects
from connectors.hubspot.settings import CAMPAIGN_SCOPES, KINDS, HubspotConfig, Kind
from connectors.hubspot.stages import Stages
from connectors.hubspot.webhooks import hints
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.secrets import read_secrets
from connectors.signatures import refuse_forged
from connectors.understanding import understanding

_CAMPAIGN = "campaign"


class HubspotConnector(WholeCampaignConnector):
    """Contacts, deals, tickets and campaigns of one account."""

    manifest: ClassVar[Manifest] = Manifest(
        name="hubspot",
        title="HubSpot",
        api="v3",
        kinds=(*KINDS, _CAMPAIGN),
        can=frozenset(
            {
                "describe",
                "find",
                "upsert",
                "transition",
                "comment",
                "hold",
                "changes",
                "webhooks",
            }
        ),
        hold="advisory",
        # Its search shows changes some moments late.
        overlap=timedelta(seconds=60),
        calls_a_second=4.0,
    )
    Config: ClassVar[type[ConnectionConfig]] = HubspotConfig
    _campaigns: Campaigns

    def __init__(
        self, config: HubspotConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._access = access(config)
        self._signed_with = read_secrets(config.client_secret)
        self._http = HttpDoor(
            "HubSpot",
            f"{config.url.rstrip('/')}/",
            auth=self._access,
            secrets=self._access.secrets,
            classify=classify,
            transport=transport,
        )
        self._stages = Stages(config, self._http)
        self._objects = Objects(config, self._http, self._stages)
        self._notes = Notes(config, self._http)
        self._campaigns = Campaigns(config, self._http)

    async def check(self) -> Health:
        """Finds out which app we are, what it may not do, and how many calls are left today."""
        response = await self._http.send("GET", self._config.path("account-info", "details"))
        with understanding("HubSpot", "the account"):
            portal = int(response.json()["portalId"])
        left = response.headers.get("x-hubspot-ratelimit-daily-remaining", "")
        app, missing = await self._app()
        return Health(
            account=f"app {app}",
            version=f"{self._config.api} of account {portal}",
            clock_skew=clock_skew(response, datetime.now(UTC)),
            missing=missing,
            calls_left=int(left) if left.isdecimal() else None,
        )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns a kind's properties and statuses; between them it knows no forbidden moves."""
        if self._known(kind) == _CAMPAIGN:
            return await self._campaigns.describe()
        shape = KINDS[kind]
        answer = await self._http.json(
            "GET", self._config.path("crm", f"properties/{shape.objects}")
        )
        with understanding("HubSpot", f"the properties of {shape.objects}"):
            fields = {one["name"]: remote_field(one) for one in answer["results"]}
        stages = await self._stages.all(shape)
        return RemoteSchema(
            kind=kind,
            fields=fields,
            statuses=tuple(one.label for one in stages),
            closed=tuple(one.label for one in stages if one.closed),
            won=tuple(one.label for one in stages if one.won),
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an object."""
        if self._known(kind) == _CAMPAIGN:
            return await self._campaigns.get(ref)
        found = await self._objects.one(KINDS[kind], ref)
        if found is None:
            msg = f"HubSpot has no {kind} {ref!r} that it shows us"
            raise NotFound(msg)
        return found

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an object by our name for it.

        Raises:
            Unsupported: campaigns have no property for it.
            Rejected: one has the name in other letters.
        """
        return await self._find(self._object(kind, "be looked for"), external_id, {})

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes an object; HubSpot itself sees to it that there is one of the name."""
        shape = self._object(kind, "be written")
        content = {shape.field(ours): written(value) for ours, value in patch.items()}
        found = await self._find(shape, external_id, content)
        if found is None:
            return await self.get(kind, await self._make(shape, external_id, content))
        refuse_changed(self.manifest, found, expect)
        differs = {
            name: value
            for name, value in content.items()
            if (found.fields.get(name) or "") != value
        }
        if not differs:
            return found
        await self._change(shape, found.ref, differs)
        return await self.get(kind, found.ref)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an object to a status, and to the pipeline to which that belongs."""
        found = await self.get(kind, ref)
        if found.status == status:
            return found
        refuse_changed(self.manifest, found, expect)
        if kind == _CAMPAIGN:
            await self._campaigns.move(ref, status)
        else:
            await self._move(KINDS[kind], ref, status)
        moved = await self.get(kind, ref)
        if moved.status != status:
            msg = f"HubSpot shows {kind} {ref} as {moved.status!r} after a move to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a note."""
        await self._notes.add(self._object(kind, "have notes"), ref, text, key=key)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns objects that changed behind a cursor."""
        if self._known(kind) == _CAMPAIGN:
            rows = self._campaigns.changed
        else:
            rows = partial(self._objects.changed, KINDS[kind])
        return await read_listing(rows, cursor, limit=limit, overlap=self.manifest.overlap)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks signature v3, and returns each event's object.

        Raises:
            Unsupported: the settings name no client secret.
            Rejected: it is not from HubSpot, or too old.
        """
        if not self._signed_with:
            msg = "HubSpot signs webhooks with the app's client secret: set client_secret"
            raise Unsupported(msg)
        refuse_forged("hubspot-v3", webhook, self._signed_with, now=now)
        return hints(webhook)

    async def _app(self) -> tuple[str, tuple[str, ...]]:
        """Returns the app that we are, and the scopes that it lacks as far as HubSpot tells."""
        if not isinstance(self._access, StaticToken):
            return str(self._config.app_id), ()
        path = "oauth/v2/private-apps/get/access-token-info"
        about = await self._http.json("POST", path, json=self._access.about, extensions=READS)
        needed = [scope for shape in KINDS.values() for scope in shape.scopes]
        with understanding("HubSpot", "the token"):
            granted = set(about["scopes"])
            missing = [one for one in (*needed, *CAMPAIGN_SCOPES) if one not in granted]
            return str(about["appId"]), tuple(missing)

    async def _find(self, shape: Kind, external_id: str, also: Mapping[str, str]) -> Remote | None:
        field = self._config.external_id
        found = await self._objects.one(shape, external_id, by=field, also=also)
        if found is not None and found.external_id != external_id:
            msg = (
                f"HubSpot has {external_id!r} as {found.external_id!r} on {shape.name} {found.ref}:"
                f" values of {field} must differ by more than the case of letters"
            )
            raise Rejected(msg)
        return found

    async def _make(self, shape: Kind, external_id: str, content: dict[str, str]) -> str:
        field = self._config.external_id
        new = {k: written(v) for k, v in self._config.new.get(shape.name, {}).items()}
        properties = {**await self._start(shape), **new, **content, field: external_id}
        asked = {"inputs": [{"id": external_id, "idProperty": field, "properties": properties}]}
        made = await self._http.json("POST", self._objects.path(shape, "/batch/upsert"), json=asked)
        with understanding("HubSpot", f"a new {shape.name}"):
            if made.get("errors"):
                why = "; ".join(str(one.get("message")) for one in made["errors"])
                msg = f"HubSpot did not make {shape.name} {external_id!r}: {why}"
                raise Rejected(msg)
            return str(made["results"][0]["id"])

    async def _start(self, shape: Kind) -> dict[str, str]:
        """Returns the pipeline and stage in which a new object begins."""
        ours = self._config.pipelines.get(shape.name)
        if not shape.pipeline or ours is None:
            return {}
        stages = [one for one in await self._stages.all(shape) if one.pipeline == ours]
        if not stages:
            msg = f"HubSpot has no {shape.name} pipeline {ours!r}: set pipelines.{shape.name}"
            raise Rejected(msg)
        return {shape.pipeline: ours, shape.status: stages[0].id}

    async def _move(self, shape: Kind, ref: str, status: str) -> None:
        stage = await self._stages.named(shape, status)
        if stage is None:
            known = ", ".join(one.label for one in await self._stages.all(shape))
            msg = f"HubSpot has no status {status!r} for {shape.name} {ref}; it has {known}"
            raise Rejected(msg)
        content = {shape.status: stage.id}
        if shape.pipeline:
            content[shape.pipeline] = stage.pipeline
        await self._change(shape, ref, content)

    async def _change(self, shape: Kind, ref: str, content: dict[str, str]) -> None:
        path = self._objects.path(shape, f"/{ref}")
        await self._http.send("PATCH", path, json={"properties": content})

    def _known(self, kind: str) -> str:
        refuse_other_kinds(self.manifest, kind)
        return kind

    def _object(self, kind: str, what: str) -> Kind:
        if self._known(kind) == _CAMPAIGN:
            msg = f"HubSpot: campaigns cannot {what} by a name of ours, they have no field for it"
            raise Unsupported(msg)
        return KINDS[kind]
