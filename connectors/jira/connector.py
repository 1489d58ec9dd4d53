"""The connector for Jira Cloud.

It needs no app: an API token is enough. Our name for an issue is a label that begins with
`sluice-`, or a text field. Issue properties are not used: only apps can have them indexed for
questions (Atlassian, "Entity Property"). There are no locks, so what is about to be changed
is read and compared first. Statuses cannot be written, only reached by the transitions that an
issue offers now (Atlassian, "The Jira Cloud platform REST API": Get transitions, Transition issue).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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
from connectors.failures import Rejected
from connectors.http import HttpConnector, clock_skew, segment
from connectors.jira.adf import document, text_of
from connectors.jira.door import open_door
from connectors.jira.fields import described, shown, written
from connectors.jira.issues import MARK, Issues
from connectors.jira.settings import LABELS, MANIFEST, RIGHTS, JiraConfig
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.secrets import read_secrets
from connectors.signatures import delivery_of, refuse_forged
from connectors.understanding import understanding

_NAMES = {"title": "summary", "text": "description"}
_LONGEST_SUMMARY = 255
_COMMENTS = 100


class JiraConnector(HttpConnector):
    """Issues of one project of a Jira Cloud site."""

    manifest: ClassVar[Manifest] = MANIFEST
    Config: ClassVar[type[ConnectionConfig]] = JiraConfig

    def __init__(
        self, config: JiraConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._webhook_secrets = read_secrets(config.webhook_secret)
        self._http = open_door(config, self._webhook_secrets, transport)
        self._issues = Issues(self._http, config)
        self._described: dict[str, dict[str, Any]] = {}

    async def check(self) -> Health:
        """Asks who we are, what we may do in the project, and for the site's version and clock."""
        answered = await self._http.send("GET", "myself")
        asked = {"projectKey": self._config.project, "permissions": ",".join(RIGHTS)}
        with understanding("Jira", "our account"):
            account = str(answered.json()["accountId"])
        site = await self._http.json("GET", "serverInfo")
        rights = await self._http.json("GET", "mypermissions", params=asked)
        with understanding("Jira", "its version and our rights"):
            return Health(
                account=account,
                version=str(site["version"]),
                clock_skew=clock_skew(answered, datetime.now(UTC)),
                missing=tuple(
                    one for one in RIGHTS if not rights["permissions"][one]["havePermission"]
                ),
            )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns the site's fields, and the statuses of our type of issue in our project.

        Which moves a status allows, only an issue in it tells.
        """
        refuse_other_kinds(MANIFEST, kind)
        fields = await self._fields(anew=True)
        types = await self._http.json("GET", f"project/{segment(self._config.project)}/statuses")
        with understanding("Jira", "the project's statuses"):
            ours = [one for one in types if one["name"] == self._config.issue_type]
            if not ours:
                known = ", ".join(str(one["name"]) for one in types)
                msg = (
                    f"Jira: project {self._config.project} has no issues of type"
                    f" {self._config.issue_type!r}; it has {known}"
                )
                raise Rejected(msg)
            statuses = {
                str(one["name"]): one["statusCategory"]["key"] for one in ours[0]["statuses"]
            }
            return RemoteSchema(
                kind=kind,
                fields={name: described(field) for name, field in fields.items()},
                statuses=tuple(statuses),
                closed=tuple(one for one, category in statuses.items() if category == "done"),
            )

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an issue by its key."""
        refuse_other_kinds(MANIFEST, kind)
        return await self._issues.read(ref)

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an issue by our name for it."""
        refuse_other_kinds(MANIFEST, kind)
        self._refuse_name(external_id)
        return await self._issues.named(external_id)

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
        found = await self.find(kind, external_id)
        content = await self._written(patch)
        if found is None:
            made = await self._http.json(
                "POST", "issue", json={"fields": self._new(external_id, content)}
            )
            with understanding("Jira", "a new issue"):
                return await self._issues.read(str(made["key"]))
        refuse_changed(MANIFEST, found, expect)
        differs = {
            name: value
            for name, value in content.items()
            if (shown(value) or None) != (found.fields.get(name) or None)
        }
        if not differs:
            return found
        if LABELS in differs and self._config.external_id == LABELS:
            differs[LABELS] = [external_id, *differs[LABELS]]
        await self._http.send("PUT", f"issue/{segment(found.ref)}", json={"fields": differs})
        return await self._issues.read(found.ref)

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an issue by the first transition that leads to a status."""
        issue = await self.get(kind, ref)
        if issue.status == status:
            return issue
        refuse_changed(MANIFEST, issue, expect)
        place = f"issue/{segment(issue.ref)}/transitions"
        answer = await self._http.json("GET", place, params={"expand": "transitions.fields"})
        with understanding("Jira", f"the transitions of issue {ref}"):
            moves = [(str(one["to"]["name"]), one) for one in answer["transitions"]]
            content = next((self._move(one, status) for to, one in moves if to == status), None)
        if content is None:
            reachable = ", ".join(sorted({to for to, _ in moves})) or "no other status"
            msg = (
                f"Jira: issue {ref} in {issue.status!r} cannot be moved to {status!r};"
                f" its workflow offers us {reachable}"
            )
            raise Rejected(msg)
        await self._http.send("POST", place, json=content)
        moved = await self._issues.read(issue.ref)
        if moved.status != status:
            msg = f"Jira shows issue {ref} in {moved.status!r} after it was moved to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment; its last line carries the key, by which it is found again."""
        refuse_other_kinds(MANIFEST, kind)
        mark, place = f"[{key}]", f"issue/{segment(ref)}/comment"
        start, total = 0, 1
        while start < total:
            asked = {"startAt": str(start), "maxResults": str(_COMMENTS), "orderBy": "-created"}
            page = await self._http.json("GET", place, params=asked)
            with understanding("Jira", f"the comments of issue {ref}"):
                comments = [text_of(one["body"]) for one in page["comments"]]
                start, total = start + len(comments), int(page["total"])
            if any(mark in one for one in comments):
                return
            if not comments:
                break
        await self._http.send("POST", place, json={"body": document(text, end=f"\n\n{mark}")})

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns issues of the project that changed behind a cursor, as the index has them."""
        refuse_other_kinds(MANIFEST, kind)
        asked: list[Any] = []

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            if not asked:
                asked.append(await self._issues.changed(since))
            found: Sequence[Remote] = await asked[0].next(size)
            return found

        return await read_changes(fetch, cursor, limit=limit, overlap=MANIFEST.overlap)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Believes what is signed with our secret; events about other projects say nothing to us.

        The signature has no time, so a delivery that is played again is known by its name
        (Atlassian, "Webhooks": Secure admin webhooks).
        """
        if not self._webhook_secrets:
            msg = "Jira: webhooks are refused until the connection's webhook_secret is set"
            raise Rejected(msg)
        refuse_forged("jira", webhook, self._webhook_secrets, now=now)
        try:
            key = str((json.loads(webhook.body).get("issue") or {}).get("key", ""))
        except (ValueError, AttributeError):
            msg = "Jira: a signed webhook holds no JSON object"
            raise Rejected(msg) from None
        if key.rpartition("-")[0] != self._config.project:
            return ()
        return (Hint(kind="issue", ref=key, delivery=delivery_of("jira", webhook)),)

    def _move(self, transition: Mapping[str, Any], status: str) -> dict[str, Any]:
        """Returns what has a transition done.

        Raises:
            Rejected: it asks for more than we have.
        """
        asks = transition.get("fields") or {}
        given = {}
        if "resolution" in asks and self._config.resolution:
            given["resolution"] = {"name": self._config.resolution}
        lacking = [
            str(field.get("name") or name)
            for name, field in asks.items()
            if field["required"] and not field.get("hasDefaultValue") and name not in given
        ]
        if lacking:
            msg = (
                f"Jira asks for {', '.join(lacking)} on the way to {status!r}: set `resolution` of"
                " the connection, or have the workflow not ask"
            )
            raise Rejected(msg)
        chosen: dict[str, Any] = {"transition": {"id": str(transition["id"])}}
        return chosen | ({"fields": given} if given else {})

    async def _fields(self, *, anew: bool = False) -> dict[str, dict[str, Any]]:
        if anew or not self._described:
            rows = await self._http.json("GET", "field")
            with understanding("Jira", "its fields"):
                self._described = {str(one["id"]): one for one in rows}
        return self._described

    async def _written(self, patch: Mapping[str, Scalar]) -> dict[str, Any]:
        """Returns a patch as Jira takes it.

        Raises:
            Rejected: it names a field that the site has not.
        """
        fields = await self._fields()
        content = {}
        for name, value in patch.items():
            field = fields.get(_NAMES.get(name, name))
            if field is None:
                msg = (
                    f"Jira has no field {name!r} that our account sees;"
                    " fields go by their ids, such as priority or customfield_10050"
                )
                raise Rejected(msg)
            content[str(field["id"])] = written(field, value)
        if isinstance(content.get("summary"), str):
            # A title is one line, and Jira refuses it otherwise.
            content["summary"] = " ".join(content["summary"].split())[:_LONGEST_SUMMARY]
        return content

    def _new(self, external_id: str, content: Mapping[str, Any]) -> dict[str, Any]:
        new = {
            **content,
            "project": {"key": self._config.project},
            "issuetype": {"name": self._config.issue_type},
        }
        if self._config.external_id == LABELS:
            return {**new, LABELS: [external_id, *content.get(LABELS, [])]}
        return {**new, self._config.external_id: external_id}

    def _refuse_name(self, name: str) -> None:
        fits = name.startswith(MARK) and not any(one.isspace() for one in name)
        if self._config.external_id == LABELS and not (fits and len(name) <= 255):
            msg = f"Jira: {name!r} is no label of ours; they begin with {MARK} and have no spaces"
            raise Rejected(msg)
