"""The connector for ServiceNow: what the contract asks, said in rows of tables."""

from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

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
from connectors.failures import Rejected
from connectors.http import HttpDoor, clock_skew
from connectors.refusals import refuse_changed, refuse_other_kinds, refuse_unkept
from connectors.secrets import read_secrets
from connectors.servicenow.access import access_of
from connectors.servicenow.hooks import hints_of
from connectors.servicenow.query import condition, query
from connectors.servicenow.settings import ServiceNowConfig
from connectors.servicenow.shape import Shape, read_shape
from connectors.servicenow.table import Row, TableApi, meaning
from connectors.servicenow.values import NAMES, fitting
from connectors.texts import cut
from connectors.understanding import understanding

_TIME = "%Y-%m-%d %H:%M:%S"
_NAME = "correlation_id"
_SAME_NAME = 50
_PAGE = 100
_LONGEST_NAME = 100
_LONGEST_NOTE = 4000
_NEEDED = ("sys_dictionary", "sys_choice", "sys_journal_field")
"""What our user must read beside the tables themselves."""


class ServiceNowConnector(Connector):
    """Rows of one instance's tables."""

    manifest: ClassVar[Manifest] = Manifest(
        name="servicenow",
        title="ServiceNow",
        api="table v2",
        kinds=("incident",),
        can=frozenset(
            {"describe", "find", "upsert", "transition", "comment", "changes", "webhooks"}
        ),
        # A row shows the time at which its change began; it is seen when the change is through.
        overlap=timedelta(seconds=60),
    )
    Config: ClassVar[type[ConnectionConfig]] = ServiceNowConfig

    def __init__(
        self, config: ServiceNowConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        # The tables are a setting: which there are, only an instance knows.
        self.manifest = self.manifest.model_copy(update={"kinds": config.tables})  # type: ignore[misc]
        self._config = config
        self._root = config.url.rstrip("/")
        auth, secrets = access_of(config)
        self._webhook_secrets = read_secrets(config.webhook_secret)
        self._api = TableApi(
            HttpDoor(
                "ServiceNow",
                f"{self._root}/",
                headers={"Accept": "application/json"},
                auth=auth,
                secrets=secrets,
                classify=meaning,
                transport=transport,
            )
        )
        self._shapes: dict[str, Shape] = {}
        self._nameless: set[str] = set()

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._api.aclose()

    async def check(self) -> Health:
        """Asks for our own user, and whether it may read what an instance says of itself."""
        ourselves = {"sysparm_query": "sys_id=javascript:gs.getUserID()", "sysparm_limit": "2"}
        response = await self._api.send("GET", "sys_user", params=ourselves)
        with understanding("ServiceNow", "our own user"):
            # Several: it left out a condition that it does not let us use.
            (user,) = response.json()["result"]
            account = str(user["user_name"])
        missing = []
        for table in _NEEDED:
            try:
                await self._api.rows(table, query(order=("sys_id",)), limit=1, fields=("sys_id",))
            except Rejected:
                missing.append(f"read {table}")
        return Health(
            account=account,
            clock_skew=clock_skew(response, datetime.now(UTC)),
            missing=tuple(missing),
        )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns a table's fields and states; which state may follow which, it does not tell."""
        shape = await self._shape(kind, anew=True)
        statuses = tuple(shape.states.values())
        return RemoteSchema(
            kind=kind,
            fields=dict(shape.fields),
            statuses=statuses,
            closed=tuple(one for one in self._config.closed if one in statuses),
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a row."""
        shape = await self._shape(kind)
        return self._remote(kind, shape, await self._api.row(kind, ref))

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a row by our name for it; the oldest where there are several."""
        shape = await self._shape(kind)
        asked = query(condition(_NAME, "=", external_id), order=("sys_created_on", "sys_id"))
        found, _ = await self._api.rows(kind, asked, limit=_SAME_NAME)
        remotes = (self._remote(kind, shape, row) for row in found)
        return next((one for one in remotes if one.external_id == external_id), None)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes a row; `title` is its short description, `text` its description.

        Raises:
            Rejected: the row does not show what was written, as when a rule changes it.
        """
        shape = await self._shape(kind)
        if len(external_id) > _LONGEST_NAME:
            msg = f"ServiceNow keeps {_LONGEST_NAME} letters of a name, {external_id!r} has more"
            raise Rejected(msg)
        if _NAME not in shape.fields or kind in self._nameless:
            raise _keeps_no_names(kind)
        content = fitting(patch, shape.lengths)
        found = await self.find(kind, external_id)
        if found is None:
            return await self._make(kind, external_id, content)
        refuse_changed(self.manifest, found, expect)
        differing = {n: one for n, one in content.items() if found.fields.get(n) != one}
        if not differing:
            return found
        await self._api.update(kind, found.ref, differing)
        shown = await self.get(kind, found.ref)
        refuse_unkept(self.manifest, shown, content)
        return shown

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Writes the state with a label, and the fields that the settings say go along with it.

        Raises:
            Rejected: there is no such state, or the row does not show it afterwards.
        """
        row = await self.get(kind, ref)
        if row.status == status:
            return row
        refuse_changed(self.manifest, row, expect)
        shape = await self._shape(kind)
        if status not in shape.states.values():
            shape = await self._shape(kind, anew=True)
        value = shape.value_of(status)
        content = {**self._config.along.get(status, {}), "state": value}
        await self._api.update(kind, ref, content)
        moved = await self.get(kind, ref)
        if moved.status != status:
            msg = (
                f"ServiceNow shows {kind} {_name(moved)} as {moved.status!r} after it was moved to"
                f" {status!r}: a rule or a missing right kept it; a closed one is kept as it is"
            )
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a note; its last line carries the key, by which it is found again.

        Raises:
            Rejected: the note does not show afterwards, as when we may not read the journal.
        """
        row = await self.get(kind, ref)
        mark = f"[{key}]"
        if await self._has_note(ref, mark):
            return
        limit = (await self._shape(kind)).lengths.get(self._config.notes, _LONGEST_NOTE)
        note = cut(text, limit, end=f"\n\n{mark}")
        await self._api.update(kind, ref, {self._config.notes: note})
        if not await self._has_note(ref, mark):
            msg = (
                f"ServiceNow does not show the note that was written to {kind} {_name(row)}: our"
                f" user must write {self._config.notes} and read sys_journal_field"
            )
            raise Rejected(msg)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns rows that changed behind a cursor."""
        shape = await self._shape(kind)

        async def rows(since: datetime) -> AsyncGenerator[Remote, None]:
            passed, more = 0, True
            while more:
                at = condition("sys_updated_on", ">=", since.astimezone(UTC).strftime(_TIME))
                asked = query(at, order=("sys_updated_on", "sys_id"))
                found, more = await self._api.rows(kind, asked, limit=_PAGE, offset=passed)
                newest = since
                for row in found:
                    remote = self._remote(kind, shape, row)
                    newest = max(newest, remote.updated_at or since)
                    yield remote
                # By time rather than by number: a row that changes meanwhile moves to the end.
                since, passed = (newest, 0) if newest > since else (since, passed + _PAGE)

        return await read_listing(rows, cursor, limit=limit, overlap=self.manifest.overlap)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks the signature that a business rule made, see docs/connectors-servicenow.md."""
        return hints_of(webhook, self._webhook_secrets, self._config.tables, now=now)

    async def _make(self, kind: str, external_id: str, content: Mapping[str, str]) -> Remote:
        ours = {_NAME: external_id, "correlation_display": self._config.display}
        made = await self._api.insert(kind, {**content, **ours})
        with understanding("ServiceNow", f"a new {kind}"):
            ref = made["sys_id"]
        shown = await self.get(kind, ref)
        if shown.external_id != external_id:
            # Never found again, it would be made anew with every try.
            self._nameless.add(kind)
            raise _keeps_no_names(kind)
        refuse_unkept(self.manifest, shown, content)
        return shown

    async def _shape(self, kind: str, *, anew: bool = False) -> Shape:
        refuse_other_kinds(self.manifest, kind)
        if anew or kind not in self._shapes:
            self._shapes[kind] = await read_shape(
                self._api, kind, states=self._config.states, language=self._config.language
            )
        return self._shapes[kind]

    async def _has_note(self, ref: str, mark: str) -> bool:
        asked = query(
            condition("element_id", "=", ref),
            condition("element", "=", self._config.notes),
            condition("value", "LIKE", mark),
        )
        found, _ = await self._api.rows("sys_journal_field", asked, limit=_SAME_NAME)
        return any(mark in one.get("value", "") for one in found)

    def _remote(self, kind: str, shape: Shape, row: Row) -> Remote:
        with understanding("ServiceNow", f"a row of {kind}"):
            at = datetime.strptime(row["sys_updated_on"], _TIME).replace(tzinfo=UTC)
            state = row.get("state", "")
            return Remote(
                kind=kind,
                ref=row["sys_id"],
                external_id=row.get(_NAME, ""),
                title=row.get("short_description", ""),
                status=shape.states.get(state, state),
                # The count alone is not enough: it goes back where rows are imported.
                version=f"{row['sys_mod_count']}@{row['sys_updated_on']}",
                updated_at=at,
                actor=row.get("sys_updated_by", ""),
                url=f"{self._root}/{kind}.do?sys_id={row['sys_id']}",
                fields={**row, **{ours: row.get(theirs, "") for ours, theirs in NAMES.items()}},
            )


def _keeps_no_names(kind: str) -> Rejected:
    return Rejected(
        f"ServiceNow keeps no name of ours in {kind}: the table must have the field {_NAME}, and"
        " our user must be allowed to write and read it; otherwise every try would make another row"
    )


def _name(row: Remote) -> str:
    """Returns what people call a row."""
    return str(row.fields.get("number") or row.ref)
