"""One Tryton database as a connector."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

from connectors.campaigns import WholeCampaignConnector
from connectors.contract import (
    ConnectionConfig,
    Health,
    Manifest,
    Page,
    Remote,
    RemoteSchema,
    Scalar,
)
from connectors.cursor import read_changes
from connectors.failures import NotFound, Rejected, Unsupported
from connectors.http import HttpDoor, clock_skew
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.secrets import read_secret
from connectors.tryton.records import asked, called, change, new_record, remote
from connectors.tryton.scenarios import Scenarios
from connectors.tryton.settings import KINDS, Kind, TrytonConfig
from connectors.tryton.wire import classify, like, packed, written
from connectors.understanding import understanding


class TrytonConnector(WholeCampaignConnector):
    """Leads, opportunities, parties and campaigns of one Tryton database."""

    manifest: ClassVar[Manifest] = Manifest(
        name="tryton",
        title="Tryton",
        api="rest 8",
        kinds=tuple(KINDS),
        can=frozenset({"describe", "find", "upsert", "transition", "comment", "hold", "changes"}),
        hold="enforced",
        overlap=timedelta(seconds=2),
        calls_a_second=20.0,
    )
    Config: ClassVar[type[ConnectionConfig]] = TrytonConfig

    def __init__(
        self, config: TrytonConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._root = config.url.rstrip("/")
        key = read_secret(config.key)
        self._http = HttpDoor(
            "Tryton",
            f"{self._root}/rest/model/",
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            secrets=frozenset({key}),
            classify=classify,
            transport=transport,
        )
        self._campaigns = Scenarios(self._http)

    async def check(self) -> Health:
        """Asks for users: the key shows us at least our own."""
        user = self._config.user
        domain = [["login", "=", user]] if user else []
        params = [("d", packed(domain)), ("f", "login"), ("s", "2")]
        response = await self._http.send("GET", "res.user", params=params)
        if user and response.text == "[]":
            msg = f"Tryton shows us no user {user!r}: set `user` to the login of the key"
            raise NotFound(msg)
        with understanding("Tryton", "its users"):
            logins = [str(one["login"]) for one in response.json()]
            account = logins[0]
        several = ("several users are seen: set `user` to our own login",)
        return Health(
            account=account,
            clock_skew=clock_skew(response, datetime.now(UTC)),
            missing=several if len(logins) > 1 else (),
        )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns what a kind looks like."""
        shape = self._shape(kind)
        return RemoteSchema(
            kind=kind,
            fields={one.name: one for one in shape.fields},
            statuses=shape.statuses,
            closed=shape.closed,
            won=shape.won,
            moves=dict(shape.moves),
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a record.

        Raises:
            NotFound: there is none, or it is of another kind, as a lead is no opportunity yet.
        """
        shape = self._shape(kind)
        found = await self._list(kind, [["id", "=", _number(kind, ref)], *shape.only], size=1)
        if not found:
            msg = f"Tryton has no {kind} {ref} that it shows us"
            raise NotFound(msg)
        return found[0]

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a record by our name for it; the oldest where there are several."""
        return await self._find(kind, external_id, self._shape(kind).only)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes a record; an opportunity begins as a lead, and is made one at once."""
        shape = self._shape(kind)
        content = {shape.field_of(ours): value for ours, value in patch.items()}
        found = await self._find(kind, external_id, ())
        if found is None:
            made = await self._http.json(
                "POST", shape.model, json=new_record(shape, external_id, content, self._place())
            )
            with understanding("Tryton", f"a new {kind}"):
                ref = str(made["id"])
            return await self._begun(kind, ref)
        refuse_changed(self.manifest, found, expect)
        differs = {k: v for k, v in content.items() if found.fields.get(k) != v}
        if differs:
            await self._http.send(
                "PUT", f"{shape.model}/{found.ref}", json=change(differs, found.fields)
            )
        return await self._begun(kind, found.ref)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves a record by the action that leads to a state."""
        shape = self._shape(kind)
        found = await self.get(kind, ref)
        if found.status == status:
            return found
        refuse_changed(self.manifest, found, expect)
        if found.status == "converted" or (status == "won" and status in shape.statuses):
            msg = (
                f"Tryton: {kind} {ref} is won when its sale is confirmed there, and after it was"
                " converted lost when that is cancelled; nothing else moves it"
            )
            raise Rejected(msg)
        if status not in shape.actions:
            reachable = ", ".join(shape.actions) or "no states"
            msg = f"Tryton: nobody can move {kind} {ref} to {status!r}; there are {reachable}"
            raise Rejected(msg)
        await self._act(shape, ref, shape.actions[status])
        moved = await self.get(kind, ref)
        if moved.status != status:
            msg = f"Tryton shows {kind} {ref} as {moved.status!r} after it was moved to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a note; its last line carries the key, by which it is found again."""
        resource = f"{self._shape(kind).model},{_number(kind, ref)}"
        of_key = [["resource", "=", resource], ["message", "like", f"%[{like(key)}]%"]]
        if await self._http.json("GET", "ir.note", params=[("d", packed(of_key)), ("s", "1")]):
            return
        note = {"resource": resource, "message": f"{text}\n\n[{key}]"}
        await self._http.send("POST", "ir.note", json=note)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns records that changed behind a cursor."""
        shape = self._shape(kind)

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            behind = [["last_modified_at", ">=", written(since)], *shape.only]
            order = ("last_modified_at", "id")
            return await self._list(kind, behind, size=size, page=offset // size, order=order)

        return await read_changes(fetch, cursor, limit=limit, overlap=self.manifest.overlap)

    async def _find(self, kind: str, external_id: str, only: Sequence[Any]) -> Remote | None:
        shape = self._shape(kind)
        if not shape.named:
            msg = f"Tryton: a {kind} has no field for a name of ours; make it there"
            raise Unsupported(msg)
        found = await self._list(kind, [called(shape, external_id), *only], size=1)
        return found[0].model_copy(update={"external_id": external_id}) if found else None

    async def _list(
        self,
        kind: str,
        domain: Sequence[Any],
        *,
        size: int,
        page: int = 0,
        order: Sequence[str] = ("id",),
    ) -> list[Remote]:
        shape = KINDS[kind]
        by = [[name, "ASC"] for name in order]
        params = [("d", packed(domain)), ("o", packed(by)), ("s", str(size)), ("p", str(page))]
        rows = await self._http.json("GET", shape.model, params=params + asked(shape))
        with understanding("Tryton", f"a list of {shape.model}"):
            return [remote(kind, shape, row, self._root) for row in rows]

    async def _begun(self, kind: str, ref: str) -> Remote:
        """Reads what was written; a lead that is to be an opportunity is made one first."""
        if kind == "opportunity" and (await self.get("lead", ref)).status == "lead":
            await self._act(KINDS[kind], ref, "opportunity")
        return await self.get(kind, ref)

    async def _act(self, shape: Kind, ref: str, action: str) -> None:
        await self._http.send("POST", f"{shape.model}/{ref}/{action}", json={})

    def _place(self) -> dict[str, int]:
        """Returns where new leads and opportunities belong."""
        place = self._config.model_dump(include={"party", "company", "currency", "employee"})
        return {name: value for name, value in place.items() if value is not None}

    def _shape(self, kind: str) -> Kind:
        refuse_other_kinds(self.manifest, kind)
        return KINDS[kind]


def _number(kind: str, ref: str) -> int:
    if not (ref.isascii() and ref.isdecimal() and len(ref) < 19):
        msg = f"Tryton: {ref!r} is no {kind}'s number"
        raise NotFound(msg)
    return int(ref)
