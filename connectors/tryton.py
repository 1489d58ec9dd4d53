"""Tryton: leads and opportunities, and campaigns that can really be stopped (Tryton 8 REST).

A campaign is a scenario of marketing automation: stopped, it sends nothing, so a hold is
enforced. States cannot be written, only reached by the actions that the system allows now. Its
REST interface ignores locks, so what is about to be changed is read and compared first.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

from connectors.contract import (
    ConnectionConfig,
    Connector,
    Health,
    Manifest,
    Page,
    Remote,
    RemoteField,
    RemoteSchema,
    Scalar,
)
from connectors.cursor import read_changes
from connectors.failures import Conflict, ConnectorError, NotFound, Rejected, Unsupported
from connectors.http import HttpDoor
from connectors.secrets import SecretRef, read_secret
from connectors.understanding import understanding, version_of
from measures.launch import Sighting

_LEAD = "sale.opportunity"
_SCENARIO = "marketing.automation.scenario"
_ACTIONS = {
    "lead": "lead",
    "opportunity": "opportunity",
    "converted": "convert",
    "lost": "lost",
    "cancelled": "cancel",
}
"""The action that leads to a state."""

_FIELDS = (
    "number",
    "reference",
    "description",
    "state",
    "amount",
    "conversion_probability",
    "comment",
    "create_date",
    "last_modified_at",
    "write_uid.login",
    "create_uid.login",
)
_NAMES = {"title": "description", "text": "comment"}


class TrytonConfig(ConnectionConfig):
    """Where a database is and who we are there.

    Attributes:
        url: the server's address with the database, e.g. https://erp.example.com/crm
        key: where the key of the user application `rest` lies.
        party: the id of the party that new leads belong to until somebody knows better.
        company: the id of the company of new leads.
        currency: the id of the currency of new leads.
    """

    url: str
    key: SecretRef
    party: int | None = None
    company: int | None = None
    currency: int | None = None


class TrytonConnector(Connector):
    """Leads and campaigns of one Tryton database."""

    manifest: ClassVar[Manifest] = Manifest(
        name="tryton",
        title="Tryton",
        api="rest 8",
        kinds=("lead",),
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
            classify=_classify,
            transport=transport,
        )

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._http.aclose()

    async def check(self) -> Health:
        """Asks for a user; the key shows us at least our own."""
        users = await self._http.json("GET", "res.user", params=[("f", "login"), ("s", "1")])
        with understanding("Tryton", "its users"):
            return Health(account=str(users[0]["login"]))

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns what a lead looks like."""
        _lead(kind)
        return RemoteSchema(
            kind=kind,
            fields={
                "description": RemoteField(name="description", title="Description"),
                "comment": RemoteField(name="comment", title="Comment"),
                "amount": RemoteField(name="amount", title="Amount", type="number"),
                "conversion_probability": RemoteField(
                    name="conversion_probability", title="Conversion probability", type="number"
                ),
            },
            statuses=("lead", "opportunity", "converted", "won", "lost", "cancelled"),
            closed=("won", "lost", "cancelled"),
            moves={
                "lead": ("opportunity", "lost", "cancelled"),
                "opportunity": ("converted", "lead", "lost", "cancelled"),
                "lost": ("lead",),
                "cancelled": ("lead",),
            },
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a lead."""
        _lead(kind)
        row = await self._http.json(
            "GET", f"{_LEAD}/{_number(ref)}", params=[("f", one) for one in _FIELDS]
        )
        with understanding("Tryton", f"lead {ref}"):
            return self._remote(row)

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a lead by its reference; the oldest where there are several."""
        _lead(kind)
        found = await self._list(_LEAD, [["reference", "=", external_id]], order="id", size=1)
        return found[0] if found else None

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes a lead."""
        content = {_NAMES.get(name, name): value for name, value in patch.items()}
        found = await self.find(kind, external_id)
        if found is None:
            place = self._config.model_dump(include={"party", "company", "currency"})
            new = {name: value for name, value in place.items() if value is not None}
            made = await self._http.json(
                "POST", _LEAD, json={**new, **content, "reference": external_id}
            )
            with understanding("Tryton", "a new lead"):
                return await self.get(kind, str(made["id"]))
        _refuse_changed(found, expect)
        if any(found.fields.get(name) != value for name, value in content.items()):
            await self._http.send("PUT", f"{_LEAD}/{found.ref}", json=content)
        return await self.get(kind, found.ref)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves a lead by the action that leads to a state."""
        lead = await self.get(kind, ref)
        if lead.status == status:
            return lead
        _refuse_changed(lead, expect)
        if status not in _ACTIONS:
            reachable = ", ".join(_ACTIONS)
            msg = f"Tryton: nobody can move lead {ref} to {status!r}; there are {reachable}"
            raise Rejected(msg)
        await self._http.send("POST", f"{_LEAD}/{ref}/{_ACTIONS[status]}", json={})
        moved = await self.get(kind, ref)
        if moved.status != status:
            msg = f"Tryton shows lead {ref} as {moved.status!r} after it was moved to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a note; its last line carries the key, by which it is found again."""
        _lead(kind)
        resource = f"{_LEAD},{_number(ref)}"
        of_key = [["resource", "=", resource], ["message", "like", f"%[{_like(key)}]%"]]
        if await self._http.json("GET", "ir.note", params=[("d", _packed(of_key)), ("s", "1")]):
            return
        note = {"resource": resource, "message": f"{text}\n\n[{key}]"}
        await self._http.send("POST", "ir.note", json=note)

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a scenario; one that never ran is held as it is."""
        number, state = await self._scenario(ref)
        if state == "running":
            await self._http.send("POST", f"{_SCENARIO}/{number}/stop", json={})
        return await self._proof(ref)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Runs a scenario; where only a part may run it is stopped, for it knows no parts.

        Raises:
            Unsupported: only a part may run.
        """
        if share < 1:
            await self.hold(ref, key=key)
            msg = (
                f"Tryton runs campaign {ref} whole or not at all; it stays stopped while only"
                f" {share:.0%} of it may run"
            )
            raise Unsupported(msg)
        number, state = await self._scenario(ref)
        # A stopped scenario cannot be run; made a draft again, it can.
        actions = {"running": (), "stopped": ("draft", "run")}.get(state, ("run",))
        for action in actions:
            await self._http.send("POST", f"{_SCENARIO}/{number}/{action}", json={})
        return await self._proof(ref)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Stops a scenario of which only a part may run, see `release`."""
        return await self.release(ref, share, key=key)

    async def look(self, ref: str) -> Sighting | None:
        """Returns whether a scenario runs; None when there is none of that name."""
        try:
            return await self._proof(ref)
        except NotFound:
            return None

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns leads that changed behind a cursor."""
        _lead(kind)

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            behind = [["last_modified_at", ">=", _written(since)]]
            return await self._list(
                _LEAD, behind, order="last_modified_at", size=size, page=offset // size
            )

        return await read_changes(fetch, cursor, limit=limit, overlap=self.manifest.overlap)

    async def _list(
        self, model: str, domain: list[Any], *, order: str, size: int, page: int = 0
    ) -> list[Remote]:
        by = [[order, "ASC"]] if order == "id" else [[order, "ASC"], ["id", "ASC"]]
        asked = [("d", _packed(domain)), ("o", _packed(by)), ("s", str(size)), ("p", str(page))]
        rows = await self._http.json("GET", model, params=asked + [("f", one) for one in _FIELDS])
        with understanding("Tryton", "a list of leads"):
            return [self._remote(row) for row in rows]

    def _remote(self, row: dict[str, Any]) -> Remote:
        actor = row.get("write_uid") or row.get("create_uid") or {}
        shown = {name: _plain(row.get(name)) for name in _FIELDS if "." not in name}
        changed = _moment(row["last_modified_at"])
        return Remote(
            kind="lead",
            ref=str(row["id"]),
            external_id=row.get("reference") or "",
            title=row.get("description") or "",
            status=row["state"],
            version=version_of(changed, *shown.values()),
            updated_at=changed,
            actor=str(actor.get("login", "")),
            url=f"{self._root}/#model/{_LEAD}/{row['id']}",
            fields=shown,
        )

    async def _scenario(self, ref: str) -> tuple[int, str]:
        """Returns the number and state of the scenario of that name.

        Raises:
            NotFound: there is none.
            Rejected: there are several, and nobody can tell which is meant.
        """
        named = [("d", _packed([["name", "=", ref]])), ("f", "state"), ("s", "2")]
        rows = await self._http.json("GET", _SCENARIO, params=named)
        if not rows:
            msg = f"Tryton has no campaign (scenario) named {ref!r}"
            raise NotFound(msg)
        if len(rows) > 1:
            msg = f"Tryton has several campaigns (scenarios) named {ref!r}; give them other names"
            raise Rejected(msg)
        with understanding("Tryton", f"campaign {ref}"):
            return int(rows[0]["id"]), str(rows[0]["state"])

    async def _proof(self, ref: str) -> Sighting:
        _, state = await self._scenario(ref)
        runs = state == "running"
        return Sighting(
            ref=ref,
            state="released" if runs else "held",
            share=float(runs),
            level="enforced",
            read_at=datetime.now(UTC),
        )


def _lead(kind: str) -> None:
    if kind != "lead":
        msg = f"Tryton: there is no {kind!r} here, only lead"
        raise Rejected(msg)


def _number(ref: str) -> int:
    if not ref.isdecimal():
        msg = f"Tryton: {ref!r} is no lead's number"
        raise NotFound(msg)
    return int(ref)


def _refuse_changed(found: Remote, expect: str | None) -> None:
    if expect is not None and found.version != expect:
        msg = f"Tryton lead {found.ref} has changed since it was read"
        raise Conflict(msg, found)


def _packed(content: Any) -> str:
    """Writes a domain or an order as its query parameters carry it."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _like(text: str) -> str:
    """Takes the meaning from what a pattern gives meaning to."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _written(moment: datetime) -> dict[str, Any]:
    at = moment.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(at, part) for part in parts}}


def _moment(written: dict[str, int | str]) -> datetime:
    parts = {name: int(value) for name, value in written.items() if name != "__class__"}
    return datetime(**parts, tzinfo=UTC)


def _plain(value: Any) -> Any:
    """Returns a value without the wrapping that carries decimals and times."""
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "Decimal":
        return float(value["decimal"])
    return _moment(value).isoformat() if value.get("__class__") == "datetime" else str(value)


def _classify(response: httpx.Response) -> ConnectorError | None:
    # Unknown fields and models are answered with 500: the same request would fail for ever.
    asked = "has no attribute" in response.text or "&#39;</p>" in response.text
    if response.status_code == 500 and asked:
        return Rejected(f"Tryton does not know what was asked for: {response.text[-200:]}")
    if response.status_code == 403:
        return Rejected(f"Tryton does not let us do that: {response.request.url.path}")
    return None
