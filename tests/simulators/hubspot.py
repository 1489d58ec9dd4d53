"""A small HubSpot: objects with histories, a search that lags, notes, campaigns, limits."""

import base64
import hmac
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
from ruamel.yaml import YAML

from connectors.contract import Webhook
from tests.simulators.openapi import Described, Description, description

URL = "https://api.hubapi.com"
TOKEN = "pat-eu1-static-token-of-a-private-app"
CLIENT, SECRET, REFRESH = "client-4711", "app-client-secret", "refresh-token-0815"
APP, PORTAL = 8_151_242, 62_515
EXTERNAL_ID = "sluice_id"
SCOPES = (
    "oauth",
    "tickets",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "marketing.campaigns.read",
    "marketing.campaigns.write",
)

_PROPERTIES = {
    "contacts": ("firstname", "lastname", "email", "message", "hs_lead_status", "lifecyclestage"),
    "deals": ("dealname", "description", "dealstage", "pipeline", "amount", "closedate"),
    "tickets": ("subject", "content", "hs_pipeline_stage", "hs_pipeline", "hs_ticket_priority"),
}
_CHANGED = {
    "contacts": "lastmodifieddate",
    "deals": "hs_lastmodifieddate",
    "tickets": "hs_lastmodifieddate",
}
_STAGE = {"deals": ("pipeline", "dealstage"), "tickets": ("hs_pipeline", "hs_pipeline_stage")}
_PIPELINES = {
    "deals": {
        "default": (
            "Sales Pipeline",
            {
                "appointmentscheduled": ("Appointment scheduled", "0.2"),
                "contractsent": ("Contract sent", "0.9"),
                "closedwon": ("Closed won", "1.0"),
                "closedlost": ("Closed lost", "0.0"),
            },
        ),
        "4711": ("Partners", {"9001": ("Contract sent", "0.5"), "9002": ("Signed", "1.0")}),
    },
    "tickets": {
        "0": (
            "Support Pipeline",
            {"1": ("New", "OPEN"), "2": ("Waiting on us", "OPEN"), "4": ("Closed", "CLOSED")},
        )
    },
}
_LEAD_STATUSES = {"NEW": "New", "CONNECTED": "Connected", "UNQUALIFIED": "Unqualified"}
_CAMPAIGN_STATUSES = ("planned", "in_progress", "active", "paused", "completed")
_MOST_FOUND = 10_000


class RefusedError(Exception):
    """What HubSpot says no with."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        said = {"status": "error", "message": message, "correlationId": "aeb5f871"}
        self.response = httpx.Response(status, json={**said, "category": category, **more})


class Hubspot(httpx.AsyncBaseTransport):
    """The account.

    Attributes:
        objects: what there is, by type and id.
        campaigns: by id.
        indexing: whether the search sees changes at once; if not, `index` shows them to it.
        scopes: what the token may do.
        refusals: answers given to the next requests instead.
        asked: every request, for tests that look at them.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {one: {} for one in _PROPERTIES}
        self.notes: dict[str, dict[str, Any]] = {}
        self.campaigns: dict[str, dict[str, Any]] = {}
        self.indexing = True
        self.scopes = SCOPES
        self.refusals: list[httpx.Response] = []
        self.asked: list[httpx.Request] = []
        self.tokens = {TOKEN}
        self._index: dict[str, dict[str, dict[str, Any]]] = {one: {} for one in _PROPERTIES}
        self._now = datetime.now(UTC)
        self._made = 1000

    def insert(self, of: str, by: str = "user 501", **properties: str) -> str:
        """Makes an object behind the API's back; returns its id."""
        self._made += 1
        ref = str(self._made)
        if of in _STAGE:
            pipeline = properties.setdefault(_STAGE[of][0], next(iter(_PIPELINES[of])))
            properties.setdefault(_STAGE[of][1], next(iter(_PIPELINES[of][pipeline][1])))
        row = {"id": ref, "createdAt": self._tick(), "archived": False}
        self.objects[of][ref] = {**row, "properties": {}, "history": {}}
        self.change(of, ref, by, **properties)
        return ref

    def change(self, of: str, ref: str, by: str, **properties: str) -> None:
        """Changes an object as a user or an app does."""
        row, at = self.objects[of][ref], self._tick()
        source, _, number = by.partition(" ")
        who: dict[str, Any] = {"sourceType": "INTEGRATION", "sourceId": number}
        if source == "user":
            who = {
                "sourceType": "CRM_UI",
                "sourceId": f"userId:{number}",
                "updatedByUserId": int(number),
            }
        for name, value in properties.items():
            row["properties"][name] = value
            entry = {"value": value, "timestamp": at, **who}
            row["history"].setdefault(name, []).insert(0, entry)
        row["properties"][_CHANGED[of]] = row["updatedAt"] = at
        if self.indexing:
            self.index()

    def index(self) -> None:
        """Shows the search everything as it is now."""
        for of, rows in self.objects.items():
            for ref, row in rows.items():
                self._index[of][ref] = {**row, "properties": dict(row["properties"])}

    def campaign(self, name: str, status: str = "active") -> str:
        """Makes a campaign behind the API's back; returns its id."""
        self._made += 1
        ref, at = f"edb9b6c3-d2e2-4ca8-8396-{self._made:012}", self._tick()
        properties = {"hs_name": name, "hs_campaign_status": status}
        self.campaigns[ref] = {
            "id": ref,
            "createdAt": at,
            "updatedAt": at,
            "properties": properties,
        }
        return ref

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        self.asked.append(request)
        try:
            response = self.refusals.pop(0) if self.refusals else self._answer(request)
        except RefusedError as refused:
            response = refused.response
        response.headers["Date"] = format(datetime.now(UTC), "%a, %d %b %Y %H:%M:%S GMT")
        if request.headers.get("authorization") == f"Bearer {TOKEN}":
            response.headers["X-HubSpot-RateLimit-Daily-Remaining"] = "249000"
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = [unquote(one) for one in request.url.raw_path.decode().partition("?")[0].split("/")]
        form = request.headers.get("content-type", "").startswith("application/x-www-form")
        body = json.loads(request.content) if request.content and not form else {}
        asked = dict(request.url.params)
        if path[1:] == ["oauth", "v3", "token"]:
            return self._token(request)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise RefusedError(
                401, "INVALID_AUTHENTICATION", "Authentication credentials not found"
            )
        match [request.method, *path[1:]]:
            case ["POST", "oauth", "v2", "private-apps", "get", "access-token-info"]:
                about = {"userId": 501, "hubId": PORTAL, "appId": APP, "scopes": list(self.scopes)}
                return httpx.Response(200, json=about)
            case ["GET", "account-info", "v3", "details"]:
                return httpx.Response(200, json=_ACCOUNT)
            case ["GET", "crm", "v3", "pipelines", of] if of in _PIPELINES:
                return httpx.Response(200, json={"results": _pipelines(of)})
            case ["GET", "crm", "v3", "properties", of]:
                return httpx.Response(200, json={"results": _described(of)})
            case ["GET", "crm", "v3", "properties", of, name]:
                return httpx.Response(
                    200, json=next(one for one in _described(of) if one["name"] == name)
                )
            case ["POST", "crm", "v3", "objects", "notes"]:
                return self._note(body)
            case ["POST", "crm", "v3", "objects", "notes", "batch", "read"]:
                rows = [self.notes[one["id"]] for one in body["inputs"]]
                return httpx.Response(200, json=_batch(rows))
            case ["GET", "crm", "v4", "objects", of, ref, "associations", "notes"]:
                self._get(of, ref)
                return self._notes_of(of, ref, asked)
            case ["POST", "crm", "v3", "objects", of, "search"]:
                return self._search(of, body)
            case ["POST", "crm", "v3", "objects", of, "batch", "upsert"]:
                return self._upsert(of, body["inputs"])
            case ["POST", "crm", "v3", "objects", of, "batch", "read"]:
                return self._read(of, body)
            case ["PATCH", "crm", "v3", "objects", of, ref]:
                row = self._get(of, ref)
                self._check(of, body["properties"], row["properties"])
                self.change(of, ref, f"app {APP}", **body["properties"])
                return httpx.Response(200, json=_shown(self._get(of, ref), [], []))
            case ["GET", "marketing", "v3", "campaigns"]:
                return self._list_campaigns(asked)
            case [method, "marketing", "v3", "campaigns", ref]:
                return self._campaign(method, ref, body)
        raise RefusedError(404, "OBJECT_NOT_FOUND", f"no {request.url.path}")

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        right = {"client_id": CLIENT, "client_secret": SECRET, "refresh_token": REFRESH}
        if {**form, **right} != form:
            raise RefusedError(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        token = f"oauth-access-token-{len(self.asked)}"
        self.tokens.add(token)
        said = {"access_token": token, "refresh_token": REFRESH, "expires_in": 1800}
        return httpx.Response(200, json={**said, "token_type": "bearer"})

    def _get(self, of: str, ref: str) -> dict[str, Any]:
        if ref not in self.objects[of]:
            raise RefusedError(404, "OBJECT_NOT_FOUND", "resource not found")
        return self.objects[of][ref]

    def _by(self, of: str, name: str, value: str) -> str:
        if name != EXTERNAL_ID:
            raise RefusedError(400, "VALIDATION_ERROR", f"{name} is no unique property")
        for ref, row in self.objects[of].items():
            if row["properties"].get(name) == value:
                return ref
        return ""

    def _upsert(self, of: str, inputs: list[dict[str, Any]]) -> httpx.Response:
        at, made = self._tick(), []
        for one in inputs:
            ref = self._by(of, one["idProperty"], one["id"])
            self._check(of, one["properties"], self.objects[of].get(ref, {}).get("properties", {}))
            if not ref:
                ref = self.insert(of, f"app {APP}", **one["properties"])
                made.append({**_shown(self._get(of, ref), [EXTERNAL_ID], []), "new": True})
            else:
                self.change(of, ref, f"app {APP}", **one["properties"])
                made.append({**_shown(self._get(of, ref), [EXTERNAL_ID], []), "new": False})
        answer = {"status": "COMPLETE", "results": made, "startedAt": at, "completedAt": at}
        return httpx.Response(200, json=answer)

    def _read(self, of: str, body: dict[str, Any]) -> httpx.Response:
        if len(body["inputs"]) > (50 if body["propertiesWithHistory"] else 100):
            raise RefusedError(400, "VALIDATION_ERROR", "too many inputs")
        names = [one["id"] for one in body["inputs"]]
        if "idProperty" in body:
            names = [self._by(of, body["idProperty"], one) for one in names]
        rows = [
            _shown(self.objects[of][one], body["properties"], body["propertiesWithHistory"])
            for one in names
            if one in self.objects[of]
        ]
        if len(rows) == len(names):
            return httpx.Response(200, json=_batch(rows))
        missing = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "no such object"}
        errors = [{**missing, "context": {}, "errors": [], "links": {}}]
        return httpx.Response(207, json={**_batch(rows), "numErrors": 1, "errors": errors})

    def _search(self, of: str, body: dict[str, Any]) -> httpx.Response:
        after, limit = int(body.get("after", "0")), body["limit"]
        if limit > 200 or after + limit > _MOST_FOUND:
            raise RefusedError(400, "VALIDATION_ERROR", "paging beyond what a search shows")
        [condition] = body["filterGroups"][0]["filters"]
        assert condition["operator"] == "GTE"
        since = datetime.fromtimestamp(int(condition["value"]) / 1000, UTC)
        [by] = body["sorts"]
        rows = [
            row
            for row in self._index[of].values()
            if datetime.fromisoformat(row["properties"][condition["propertyName"]]) >= since
        ]
        rows.sort(key=lambda row: str(row["properties"][by]))
        page = rows[after : after + limit]
        answer: dict[str, Any] = {
            "total": len(rows),
            "results": [_shown(row, body["properties"], []) for row in page],
        }
        if after + limit < len(rows):
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return httpx.Response(200, json=answer)

    def _check(self, of: str, properties: dict[str, str], shown: dict[str, str]) -> None:
        unknown = set(properties) - {*_PROPERTIES[of], EXTERNAL_ID}
        if unknown:
            words = f'Property "{min(unknown)}" does not exist'
            raise RefusedError(400, "VALIDATION_ERROR", words)
        if of in _STAGE:
            pipeline, stage = _STAGE[of]
            within = properties.get(pipeline) or shown.get(pipeline) or next(iter(_PIPELINES[of]))
            if properties.get(stage) not in {None, *_PIPELINES[of][within][1]}:
                raise RefusedError(400, "VALIDATION_ERROR", "no stage of that pipeline")

    def _note(self, body: dict[str, Any]) -> httpx.Response:
        self._made += 1
        at, ref = self._tick(), str(self._made)
        for one in body["associations"]:
            of = {202: "contacts", 214: "deals", 228: "tickets"}[
                one["types"][0]["associationTypeId"]
            ]
            self._get(of, one["to"]["id"])
            to = (of, one["to"]["id"])
        note = {"id": ref, "properties": body["properties"], "createdAt": at, "updatedAt": at}
        self.notes[ref] = {**note, "to": to}
        return httpx.Response(201, json=note)

    def _notes_of(self, of: str, ref: str, asked: dict[str, str]) -> httpx.Response:
        after, limit = int(asked.get("after", "0")), int(asked["limit"])
        ids = [one for one, note in self.notes.items() if note["to"] == (of, ref)]
        rows = [{"toObjectId": int(one), "associationTypes": []} for one in ids[after:][:limit]]
        more = after + limit < len(ids)
        paging = {"paging": {"next": {"after": str(after + limit)}}} if more else {}
        return httpx.Response(200, json={"results": rows, **paging})

    def _list_campaigns(self, asked: dict[str, str]) -> httpx.Response:
        rows = [
            row
            for row in self.campaigns.values()
            if asked.get("name", "").lower() in row["properties"]["hs_name"].lower()
        ]
        if asked.get("sort") == "-updatedAt":
            rows.sort(key=lambda row: str(row["updatedAt"]), reverse=True)
        after, limit = int(asked.get("after", "0")), int(asked["limit"])
        more = after + limit < len(rows)
        paging = {"paging": {"next": {"after": str(after + limit)}}} if more else {}
        page = rows[after : after + limit]
        return httpx.Response(200, json={"total": len(rows), "results": page, **paging})

    def _campaign(self, method: str, ref: str, body: dict[str, Any]) -> httpx.Response:
        if ref not in self.campaigns:
            raise RefusedError(404, "OBJECT_NOT_FOUND", "resource not found")
        row = self.campaigns[ref]
        if method == "PATCH":
            if body["properties"]["hs_campaign_status"] not in _CAMPAIGN_STATUSES:
                raise RefusedError(400, "VALIDATION_ERROR", "was not one of the allowed options")
            row["properties"].update(body["properties"])
            row["updatedAt"] = self._tick()
            return httpx.Response(200, json=row)
        return httpx.Response(200, json={**row, "assets": {}})

    def _tick(self) -> str:
        """Returns the present moment, never the same twice."""
        self._now = max(datetime.now(UTC), self._now + timedelta(milliseconds=1))
        return self._now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def webhook(
    now: datetime, *events: dict[str, Any], url: str = "https://sluice.test/crm"
) -> Webhook:
    """Returns a webhook with events, signed as HubSpot signs (v3)."""
    body = json.dumps(list(events)).encode()
    at = str(int(now.timestamp() * 1000))
    signed = hmac.digest(SECRET.encode(), f"POST{url}".encode() + body + at.encode(), "sha256")
    headers = {
        "x-hubspot-signature-v3": base64.b64encode(signed).decode(),
        "x-hubspot-request-timestamp": at,
    }
    return Webhook(url=url, headers=headers, body=body)


def described(system: Hubspot) -> httpx.AsyncBaseTransport:
    """Returns a checked way to an account: by HubSpot's own files, and by ours for the rest."""
    files = (f"hubspot/{one}-trim.json" for one in ("contacts", "deals", "tickets", "campaigns"))
    return Described(system, *(description(file) for file in files), _ours())


@cache
def _ours() -> Description:
    return Description(YAML(typ="safe").load(Path(__file__).with_suffix(".openapi.yaml")))


def _shown(row: dict[str, Any], names: Iterable[str], history: Iterable[str]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "createdAt", "updatedAt", "archived")}
    shown["properties"] = {name: row["properties"].get(name) for name in names}
    if past := {name: row["history"][name] for name in history if name in row["history"]}:
        shown["propertiesWithHistory"] = past
    return shown


def _batch(rows: list[dict[str, Any]]) -> dict[str, Any]:
    at = "2031-03-02T09:00:00.000Z"
    return {"status": "COMPLETE", "results": rows, "startedAt": at, "completedAt": at}


def _pipelines(of: str) -> list[dict[str, Any]]:
    def metadata(about: str) -> dict[str, str]:
        if of == "tickets":
            return {"ticketState": about, "isClosed": str(about == "CLOSED").lower()}
        return {"probability": about, "isClosed": str(about in {"1.0", "0.0"}).lower()}

    return [
        {
            "id": ref,
            "label": label,
            "displayOrder": place,
            "archived": False,
            "stages": [
                {
                    "id": stage,
                    "label": name,
                    "displayOrder": number,
                    "metadata": metadata(about),
                    "archived": False,
                }
                for number, (stage, (name, about)) in enumerate(stages.items())
            ],
        }
        for place, (ref, (label, stages)) in enumerate(_PIPELINES[of].items())
    ]


def _described(of: str) -> list[dict[str, Any]]:
    options = {
        "hs_lead_status": _LEAD_STATUSES,
        "hs_campaign_status": dict.fromkeys(_CAMPAIGN_STATUSES, "a label"),
    }
    names = (*_PROPERTIES[of], EXTERNAL_ID) if of in _PROPERTIES else ("hs_name", *[*options][1:])
    return [
        {
            "name": name,
            "label": name.replace("_", " ").title(),
            "type": "enumeration" if name in options else "string",
            "fieldType": "select" if name in options else "text",
            "modificationMetadata": {"readOnlyValue": False},
            "options": [
                {"value": value, "label": label, "displayOrder": place, "hidden": False}
                for place, (value, label) in enumerate(options.get(name, {}).items())
            ],
        }
        for name in names
    ]


_ACCOUNT = {
    "portalId": PORTAL,
    "accountType": "STANDARD",
    "timeZone": "Europe/Berlin",
    "companyCurrency": "EUR",
    "additionalCurrencies": [],
    "utcOffset": "+01:00",
    "utcOffsetMilliseconds": 3_600_000,
    "uiDomain": "app-eu1.hubspot.com",
    "dataHostingLocation": "eu1",
}
