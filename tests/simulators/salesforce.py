"""A small Salesforce: records, SOQL, external ids, rights, sessions that end.

It is as obliging as the real one: it takes any text for a status, moves `SystemModstamp` when a
task is added, and finds texts without regard to case.
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from ruamel.yaml import YAML

from tests.simulators import soql
from tests.simulators.openapi import Description

ROOT = "https://acme.my.salesforce.com"
CLIENT, SECRET = "3MVG9-consumer-key", "consumer-secret-0815"
USER_ID, USERNAME = "0055g00000AbCdEAAV", "sluice@acme.example"
EXTERNAL_ID = "Sluice_Id__c"

_DATA = "/services/data/v62.0/"
_PREFIXES = {"Lead": "00Q", "Opportunity": "006", "Campaign": "701", "Task": "00T"}
_TITLES = {"Lead": "LastName", "Opportunity": "Name", "Campaign": "Name"}
_REQUIRED = {
    "Lead": ("LastName", "Company"),
    "Opportunity": ("Name", "StageName", "CloseDate"),
    "Campaign": ("Name",),
    "Task": (),
}
_STATUSES = {
    "Lead": ("Status", ("Open - Not Contacted", "Working - Contacted", "Closed - Converted")),
    "Opportunity": ("StageName", ("Prospecting", "Negotiation", "Closed Won", "Closed Lost")),
    "Campaign": ("Status", ("Planned", "In Progress", "Completed", "Aborted")),
}
_FIELDS = {
    "Lead": {"Company": "string", "IsConverted": "boolean", "Description": "textarea"},
    "Opportunity": {
        "Amount": "currency",
        "CloseDate": "date",
        "IsClosed": "boolean",
        "IsWon": "boolean",
        "Description": "textarea",
    },
    "Campaign": {"IsActive": "boolean", "Description": "textarea"},
    "Task": {"Subject": "string", "Description": "textarea", "Status": "picklist"},
}
_LONGEST = {"LastName": 80, "Name": 80, "Subject": 255, EXTERNAL_ID: 64, "Description": 32_000}


class RefusedError(Exception):
    """What Salesforce says no with."""

    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        error = {"errorCode": code, "message": message}
        self.response = httpx.Response(
            status, json=[{**error, "fields": list(fields)} if fields else error]
        )


class Salesforce(httpx.AsyncBaseTransport):
    """The organisation.

    Args:
        page: how many records a query answers at once.
        key: whose assertions are believed; None for client credentials.

    Attributes:
        records: what there is, by object and id.
        calls_left: of the calls of 24 hours.
        rights: what the integration user may do with every object.
        hidden: fields that the integration user may not see.
        asked: every request, for tests that look at them.
    """

    def __init__(self, *, page: int = 2000, key: RSAKey | None = None) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {one: {} for one in _PREFIXES}
        self.calls_left = 15_000
        self.rights = {"queryable": True, "createable": True, "updateable": True}
        self.hidden: set[str] = set()
        self.asked: list[httpx.Request] = []
        self._page = page
        self._key = key
        self._sessions: set[str] = set()
        self._locators: dict[str, list[Any]] = {}
        self._made = 0

    def end_sessions(self) -> None:
        """Ends every session, as an administrator or a time-out does."""
        self._sessions.clear()

    def insert(self, of: str, by: str = USERNAME, **values: Any) -> str:
        """Makes a record behind the API's back; returns its id."""
        self._made += 1
        ref = f"{_PREFIXES[of]}5g{self._made:010}AAA"
        defaults: dict[str, Any] = dict.fromkeys(_FIELDS[of])
        if of in _STATUSES:
            defaults[_STATUSES[of][0]] = _STATUSES[of][1][0]
        if of == "Campaign":
            defaults["IsActive"] = False
        self.records[of][ref] = {**defaults, **values, "Id": ref}
        self._touch(of, ref, by)
        return ref

    def change(self, of: str, ref: str, by: str, **values: Any) -> None:
        """Changes a record as somebody else does in the browser."""
        self.records[of][ref].update(values)
        self._touch(of, ref, by)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        self.asked.append(request)
        try:
            response = self._answer(request)
        except RefusedError as refused:
            response = refused.response
        response.headers["Date"] = format(datetime.now(UTC), "%a, %d %b %Y %H:%M:%S GMT")
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/services/oauth2/token":
            return self._token(request)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer not in self._sessions:
            raise RefusedError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self.calls_left <= 0:
            raise RefusedError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.calls_left -= 1
        path = [unquote(one) for one in request.url.raw_path.decode().partition("?")[0].split("/")]
        match [request.method, *path[4:]]:
            case ["GET", "limits"]:
                limit = {"Max": 15_000, "Remaining": self.calls_left}
                return httpx.Response(200, json={"DailyApiRequests": limit})
            case ["GET", "query"]:
                return self._query(request.url.params["q"])
            case ["GET", "query", locator]:
                if locator not in self._locators:
                    raise RefusedError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
                return self._found(self._locators.pop(locator))
            case ["GET", "sobjects", of, "describe"] if of in _STATUSES:
                return httpx.Response(200, json=self._describe(of))
            case ["POST", "sobjects", of] if of in _PREFIXES:
                ref = self._insert(of, json.loads(request.content))
                return httpx.Response(201, json={"id": ref, "success": True, "errors": []})
            case ["PATCH", "sobjects", of, ref] if of in _PREFIXES:
                self._update(of, ref, json.loads(request.content))
                return httpx.Response(204)
            case ["PATCH", "sobjects", of, field, value] if field == EXTERNAL_ID:
                return self._upsert(of, value, json.loads(request.content))
        raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if form["grant_type"] == "client_credentials":
            right = httpx.BasicAuth(CLIENT, SECRET)._auth_header
            if request.headers.get("authorization") != right:
                said = {
                    "error": "invalid_client",
                    "error_description": "invalid client credentials",
                }
                return httpx.Response(400, json=said)
        else:
            assert self._key is not None
            claims = jwt.decode(form["assertion"], self._key).claims
            wanted = {"iss": CLIENT, "sub": USERNAME, "aud": "https://login.salesforce.com"}
            still_good = (
                datetime.now(UTC).timestamp() < claims["exp"] <= datetime.now(UTC).timestamp() + 300
            )
            if not still_good or {**claims, **wanted} != claims:
                said = {"error": "invalid_grant", "error_description": "invalid assertion"}
                return httpx.Response(400, json=said)
        token = f"00D5g!session-{len(self.asked)}"
        self._sessions.add(token)
        return httpx.Response(
            200,
            json={
                "access_token": token,
                "signature": "c2lnbmVk",
                "scope": "api",
                "instance_url": ROOT,
                "id": f"https://login.salesforce.com/id/00D5g000004xyzEAA/{USER_ID}",
                "token_type": "Bearer",
                "issued_at": "1795300000000",
            },
        )

    def _query(self, text: str) -> httpx.Response:
        try:
            query = soql.read(text)
        except soql.MalformedQueryError as fault:
            raise RefusedError(400, "MALFORMED_QUERY", str(fault)) from None
        found = query.play(self._rows(query.of), lambda row, field: row.get(field))
        return self._found([_shown(row, query) for row in found])

    def _rows(self, of: str) -> list[dict[str, Any]]:
        match of:
            case "User":
                return [{"Id": USER_ID, "Username": USERNAME}]
            case "TaskStatus":
                return [
                    {"ApiName": "Not Started", "IsClosed": False, "SortOrder": 1},
                    {"ApiName": "Completed", "IsClosed": True, "SortOrder": 3},
                ]
            case "LeadStatus":
                return [
                    {"ApiName": one, "IsConverted": "Converted" in one}
                    for one in _STATUSES["Lead"][1]
                ]
            case "OpportunityStage":
                return [
                    {"ApiName": one, "IsClosed": "Closed" in one, "IsWon": "Won" in one}
                    for one in _STATUSES["Opportunity"][1]
                ]
        if of not in self.records:
            raise RefusedError(400, "INVALID_TYPE", f"sObject type '{of}' is not supported")
        return list(self.records[of].values())

    def _found(self, rows: list[Any]) -> httpx.Response:
        answer: dict[str, Any] = {
            "totalSize": len(rows),
            "done": len(rows) <= self._page,
            "records": rows[: self._page],
        }
        if not answer["done"]:
            locator = f"0r8xx{len(self.asked):010}AAA-{self._page}"
            self._locators[locator] = rows[self._page :]
            answer["nextRecordsUrl"] = f"{_DATA}query/{locator}"
        return httpx.Response(200, json=answer)

    def _describe(self, of: str) -> dict[str, Any]:
        status, values = _STATUSES[of]
        types = {**_FIELDS[of], _TITLES[of]: "string", status: "picklist", EXTERNAL_ID: "string"}
        fields = [
            {
                "name": name,
                "label": name,
                "type": type_,
                "updateable": True,
                "createable": True,
                "nillable": name not in _REQUIRED[of],
                "defaultedOnCreate": name == "IsActive",
                "externalId": name == EXTERNAL_ID,
                "picklistValues": [
                    {"value": one, "label": one, "active": True, "defaultValue": False}
                    for one in (values if name == status else ())
                ],
            }
            for name, type_ in types.items()
            if name not in self.hidden
        ]
        return {"name": of, "label": of, **self.rights, "fields": fields}

    def _upsert(self, of: str, name: str, values: dict[str, Any]) -> httpx.Response:
        held = [
            one["Id"]
            for one in self.records[of].values()
            if str(one.get(EXTERNAL_ID, "")).casefold() == name.casefold()
        ]
        if len(held) > 1:
            return httpx.Response(300, json=[f"{_DATA}sobjects/{of}/{one}" for one in held])
        if held:
            self._update(of, held[0], values)
        ref = held[0] if held else self._insert(of, {**values, EXTERNAL_ID: name})
        answer = {"id": ref, "success": True, "errors": [], "created": not held}
        return httpx.Response(200 if held else 201, json=answer)

    def _insert(self, of: str, values: dict[str, Any]) -> str:
        missing = [one for one in _REQUIRED[of] if not values.get(one)]
        if missing:
            words = f"Required fields are missing: [{', '.join(missing)}]"
            raise RefusedError(400, "REQUIRED_FIELD_MISSING", words, *missing)
        self._check(of, values)
        ref = self.insert(of, **values)
        for parent in (values.get("WhoId"), values.get("WhatId")):
            for object_, rows in self.records.items():
                if parent in rows:  # its last activity has moved
                    self._touch(object_, str(parent), rows[str(parent)]["LastModifiedBy.Username"])
        return ref

    def _update(self, of: str, ref: str, values: dict[str, Any]) -> None:
        if ref not in self.records[of]:
            raise RefusedError(404, "NOT_FOUND", "The requested resource does not exist")
        self._check(of, values)
        self.change(of, ref, USERNAME, **values)

    def _check(self, of: str, values: dict[str, Any]) -> None:
        known = {*_FIELDS[of], EXTERNAL_ID, "WhoId", "WhatId", _TITLES.get(of, ""), "Status"}
        known |= {_STATUSES[of][0]} if of in _STATUSES else set()
        unknown = [one for one in values if one not in known]
        if unknown:
            words = f"No such column '{unknown[0]}' on sobject of type {of}"
            raise RefusedError(400, "INVALID_FIELD", words)
        for name, longest in _LONGEST.items():
            if len(values.get(name) or "") > longest:
                words = f"{name}: data value too large (max length={longest})"
                raise RefusedError(400, "STRING_TOO_LONG", words, name)

    def _touch(self, of: str, ref: str, by: str) -> None:
        row = self.records[of][ref]
        # Salesforce shows whole seconds.
        row["SystemModstamp"] = datetime.now(UTC).replace(microsecond=0)
        row["LastModifiedBy.Username"] = by
        if of == "Opportunity":
            row["IsClosed"] = "Closed" in row["StageName"]
            row["IsWon"] = "Won" in row["StageName"]


def _shown(row: soql.Row, query: soql.Query) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "attributes": {"type": query.of, "url": f"{_DATA}sobjects/{query.of}/{row.get('Id')}"}
    }
    for field in query.fields:
        value = row.get(field)
        if isinstance(value, datetime):
            value = f"{value:%Y-%m-%dT%H:%M:%S}.000+0000"
        of, _, inner = field.partition(".")
        if inner:
            shown[of] = {"attributes": {"type": "User", "url": ""}, inner: value}
        else:
            shown[of] = value
    return shown


@cache
def described() -> Description:
    """Returns the description of what is simulated."""
    content = YAML(typ="safe").load(Path(__file__).with_suffix(".openapi.yaml"))
    return Description(content)
