"""Redmine: issues of a tracker through its REST interface (Redmine 5 and later).

A change is answered 204 without a word, also when the role of our user lets nothing of it happen:
what an issue shows afterwards is what counts. Redmine locks by a number that its interface takes
but does not show (only a plugin can), so what is about to be changed is read and compared first,
and the number is sent along where it is shown.

Sources: Redmine wiki "Rest api", "Rest Issues"; its `IssuesController` and `IssueQuery`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

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
from connectors.cursor import read_changes
from connectors.failures import Conflict, ConnectorError, NotFound, Rejected
from connectors.http import HttpConnector, HttpDoor
from connectors.redmine.config import RedmineConfig
from connectors.redmine.hooks import hints
from connectors.redmine.issues import actor_of, issue_fields, issue_of, named
from connectors.refusals import differing, refuse_changed, refuse_other_kinds, refuse_unkept
from connectors.secrets import read_secret
from connectors.understanding import understanding


class RedmineConnector(HttpConnector):
    """Issues of one Redmine."""

    manifest: ClassVar[Manifest] = Manifest(
        name="redmine",
        title="Redmine",
        api="rest 5",
        kinds=("issue",),
        can=frozenset(
            {"describe", "find", "upsert", "transition", "comment", "changes", "webhooks"}
        ),
        overlap=timedelta(seconds=2),
    )
    Config: ClassVar[type[ConnectionConfig]] = RedmineConfig

    def __init__(
        self, config: RedmineConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._root = config.url.rstrip("/")
        key = read_secret(config.key)
        self._http = HttpDoor(
            "Redmine",
            f"{self._root}/",
            headers={"X-Redmine-API-Key": key},
            secrets=frozenset({key}),
            classify=_classify,
            transport=transport,
        )
        self._account: tuple[int, str] | None = None
        self._statuses: dict[str, tuple[int, bool]] = {}

    async def check(self) -> Health:
        """Asks for our own user."""
        self._account = None
        _, login = await self._ourselves()
        return Health(account=login)

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns an issue's fields and the statuses; its moves depend on role and tracker."""
        await self._know_statuses()
        return RemoteSchema(
            kind=_issue(kind),
            fields=issue_fields(),
            statuses=tuple(self._statuses),
            closed=tuple(name for name, (_, closed) in self._statuses.items() if closed),
        )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an issue."""
        remote, _ = await self._read(_issue(kind), ref)
        return remote

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an issue by our name for it; the oldest where there are several.

        Raises:
            Rejected: the custom field is not used as a filter, so nobody can look for it.
        """
        ref = await self._ref_of(_issue(kind), external_id)
        return None if ref is None else await self.get(kind, ref)

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
        content = named(patch)
        ref = await self._ref_of(_issue(kind), external_id)
        if ref is not None:
            return await self._change(kind, ref, content, expect)
        await self._refuse_where_names_get_lost()
        new = {
            **content,
            "project_id": self._config.project,
            "tracker_id": self._config.tracker,
            "custom_fields": [{"id": self._config.external_id, "value": external_id}],
        }
        answer = await self._http.json("POST", "issues.json", json={"issue": new})
        with understanding("Redmine", "a new issue"):
            ref = str(answer["issue"]["id"])
        made = await self.get(kind, ref)
        if made.external_id != external_id:
            msg = (
                f"Redmine made issue {made.ref}, but does not keep our name for it: custom field"
                f" {self._config.external_id} is not there for this project and tracker"
            )
            raise Rejected(msg)
        refuse_unkept(self.manifest, made, content)
        return made

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an issue to a status that the workflow allows our role."""
        await self._know_statuses()
        if status not in self._statuses:
            known = ", ".join(self._statuses)
            msg = f"Redmine has no status {status!r} for issue {ref}; it has {known}"
            raise Rejected(msg)
        issue, shown = await self._read(_issue(kind), ref)
        if issue.status == status:
            return issue
        with understanding("Redmine", f"the statuses allowed for issue {ref}"):
            allowed = [one["name"] for one in shown.get("allowed_statuses", ())]
        if allowed and status not in allowed:
            msg = (
                f"Redmine does not let our user move issue {ref} from {issue.status!r} to"
                f" {status!r}, only to {', '.join(allowed)}"
            )
            raise Rejected(msg)
        number, _ = self._statuses[status]
        moved = await self._write(issue, shown, {"status_id": number}, expect)
        if moved.status != status:
            msg = (
                f"Redmine shows issue {ref} as {moved.status!r} after it was moved to {status!r}:"
                " the workflow does not let our user do that"
            )
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a note; its last line carries the key, by which it is found again."""
        mark = f"[{key}]"
        issue, shown = await self._read(_issue(kind), ref)
        if _has_note(shown, mark):
            return
        await self._write(issue, shown, {"notes": f"{text}\n\n{mark}"}, None)
        _, shown = await self._read(kind, ref)
        if not _has_note(shown, mark):
            msg = (
                f"Redmine does not keep notes of our user on issue {ref}: its role may not add any"
            )
            raise Rejected(msg)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns issues that changed behind a cursor, of all projects that we may see."""

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            asked = [
                ("status_id", "*"),
                ("updated_on", f">={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
                ("sort", "updated_on,id"),
                ("offset", str(offset)),
                ("limit", str(size)),
            ]
            return await self._list(_issue(kind), asked)

        return await read_changes(fetch, cursor, limit=limit, overlap=self.manifest.overlap)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks a webhook of Redmine 7, or of our plugin for Redmine 5 and 6."""
        return hints(self._config, webhook, now)

    async def _ref_of(self, kind: str, external_id: str) -> str | None:
        field = f"cf_{self._config.external_id}"
        # In the short form of a filter, signs such as | and ~ in a name would have a meaning.
        asked = [("f[]", field), (f"op[{field}]", "="), (f"v[{field}][]", external_id)]
        asked += [("f[]", "status_id"), ("op[status_id]", "*"), ("sort", "id"), ("limit", "100")]
        rows = await self._list(kind, asked)
        # Redmine passes over filters that it does not know and then lists everything.
        if any(one.external_id.casefold() != external_id.casefold() for one in rows):
            msg = (
                f"Redmine does not look for issues by custom field {self._config.external_id}:"
                " mark it as used as a filter, for all who may see the project"
            )
            raise Rejected(msg)
        return next((one.ref for one in rows if one.external_id == external_id), None)

    async def _change(
        self, kind: str, ref: str, content: dict[str, Scalar], expect: str | None
    ) -> Remote:
        issue, shown = await self._read(kind, ref)
        news = differing(issue, content)
        if not news:
            refuse_changed(self.manifest, issue, expect)
            return issue
        changed = await self._write(issue, shown, news, expect)
        refuse_unkept(self.manifest, changed, news, before=issue)
        return changed

    async def _write(
        self, issue: Remote, shown: dict[str, Any], content: dict[str, Any], expect: str | None
    ) -> Remote:
        refuse_changed(self.manifest, issue, expect)
        if "lock_version" in shown:
            content = {**content, "lock_version": shown["lock_version"]}
        try:
            await self._http.send("PUT", f"issues/{issue.ref}.json", json={"issue": content})
        except Conflict as error:
            raise Conflict(str(error), await self.get(issue.kind, issue.ref)) from None
        return await self.get(issue.kind, issue.ref)

    async def _read(self, kind: str, ref: str) -> tuple[Remote, dict[str, Any]]:
        _issue(kind)
        if not ref.isdecimal():
            msg = f"Redmine: {ref!r} is no issue's number"
            raise NotFound(msg)
        ourselves = await self._ourselves()
        asked = {"include": "journals,allowed_statuses"}
        answer = await self._http.json("GET", f"issues/{ref}.json", params=asked)
        with understanding("Redmine", f"issue {ref}"):
            shown: dict[str, Any] = answer["issue"]
            actor = actor_of(shown, ourselves)
            return self._shown(shown).model_copy(update={"actor": actor}), shown

    async def _list(self, kind: str, asked: list[tuple[str, str]]) -> list[Remote]:
        answer = await self._http.json("GET", "issues.json", params=asked)
        with understanding("Redmine", "a list of issues"):
            return [self._shown(row) for row in answer["issues"]]

    def _shown(self, row: Mapping[str, Any]) -> Remote:
        return issue_of(row, self._root, self._config.external_id)

    async def _refuse_where_names_get_lost(self) -> None:
        """Refuses to make issues that nobody would find again, as far as an issue there tells."""
        place = {"project_id": self._config.project, "tracker_id": str(self._config.tracker)}
        asked = {**place, "status_id": "*", "limit": "1"}
        answer = await self._http.json("GET", "issues.json", params=asked)
        with understanding("Redmine", "an issue of our project"):
            nameless = any(
                self._config.external_id not in [one["id"] for one in row.get("custom_fields", ())]
                for row in answer["issues"]
            )
        if nameless:
            msg = (
                f"Redmine: issues of project {self._config.project!r} have no custom field"
                f" {self._config.external_id} to keep our name in; enable it for the project and"
                " the tracker"
            )
            raise Rejected(msg)

    async def _ourselves(self) -> tuple[int, str]:
        if self._account is None:
            answer = await self._http.json("GET", "users/current.json")
            with understanding("Redmine", "our own user"):
                self._account = int(answer["user"]["id"]), str(answer["user"]["login"])
        return self._account

    async def _know_statuses(self) -> None:
        if self._statuses:
            return
        answer = await self._http.json("GET", "issue_statuses.json")
        with understanding("Redmine", "its statuses"):
            self._statuses = {
                one["name"]: (int(one["id"]), bool(one.get("is_closed")))
                for one in answer["issue_statuses"]
            }


def _issue(kind: str) -> str:
    refuse_other_kinds(RedmineConnector.manifest, kind)
    return kind


def _has_note(shown: dict[str, Any], mark: str) -> bool:
    with understanding("Redmine", "an issue's notes"):
        return any(mark in (one.get("notes") or "") for one in shown["journals"])


def _classify(response: httpx.Response) -> ConnectorError | None:
    # A wrong value is told; only a lock that does not fit is answered without any.
    if response.status_code == 422 and response.text.replace(" ", "") == '{"errors":[]}':
        return Conflict("Redmine: the issue has changed since it was read")
    return None
