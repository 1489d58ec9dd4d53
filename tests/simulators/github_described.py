"""GitHub's interface as far as it is spoken, written down from GitHub's pages.

REST API endpoints for issues, for issue comments, for users, for repositories (2022-11-28). There
is no file of the vendor's in ../shared; the simulator and the connector were once run through
GitHub's own as well.
"""

from functools import cache
from typing import Any

import httpx

from tests.simulators.openapi import Described, Description

_TEXT = {"type": "string"}
_TEXT_OR_NONE = {"type": "string", "nullable": True}
_NUMBER = {"type": "integer"}
_TIME = {"type": "string", "format": "date-time"}
_TIME_OR_NONE = {**_TIME, "nullable": True}


def _object(required: dict[str, Any], **more: Any) -> dict[str, Any]:
    needs = {"required": list(required)} if required else {}
    return {"type": "object", **needs, "properties": {**required, **more}}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_USER = _object({"login": _TEXT, "id": _NUMBER, "node_id": _TEXT, "url": _TEXT, "type": _TEXT})
_NOBODY = {**_USER, "nullable": True}
_REASON = {"type": "string", "enum": ["completed", "not_planned", "duplicate", "reopened"]}
_ISSUE = _object(
    {
        "id": _NUMBER,
        "node_id": _TEXT,
        "number": _NUMBER,
        "url": _TEXT,
        "html_url": _TEXT,
        "state": _TEXT,
        "title": _TEXT,
        "user": _NOBODY,
        "labels": _list(_object({"name": _TEXT})),
        "assignee": _NOBODY,
        "milestone": {**_object({"number": _NUMBER}), "nullable": True},
        "locked": {"type": "boolean"},
        "comments": _NUMBER,
        "closed_at": _TIME_OR_NONE,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    body=_TEXT_OR_NONE,
    state_reason={**_REASON, "nullable": True, "enum": [*_REASON["enum"], None]},
    assignees=_list(_USER),
    closed_by=_NOBODY,
)
_COMMENT = _object(
    {"id": _NUMBER, "issue_url": _TEXT, "user": _NOBODY, "created_at": _TIME, "updated_at": _TIME},
    body=_TEXT,
)
_REPOSITORY = _object(
    {"full_name": _TEXT, "has_issues": {"type": "boolean"}, "archived": {"type": "boolean"}},
    permissions=_object({"push": {"type": "boolean"}}),
)
_WRITABLE = {
    "body": _TEXT,
    "assignees": _list(_TEXT),
    "labels": _list(_TEXT),
    "milestone": {"type": "integer", "nullable": True},
}


def _query(**schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


_PAGES = {"per_page": {**_NUMBER, "maximum": 100}, "page": {**_NUMBER, "minimum": 1}}
_PATH = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in ("o", "r")]
_NUMBERED = [*_PATH, {"name": "n", "in": "path", "required": True, "schema": _NUMBER}]


def _does(
    code: int, answer: dict[str, Any], body: dict[str, Any] | None = None, **query: dict[str, Any]
) -> dict[str, Any]:
    content = {"application/json": {"schema": answer}}
    made: dict[str, Any] = {
        "parameters": _query(**query),
        "responses": {
            str(code): {"description": "done", "content": content},
            "301": {"description": "moved"},
        },
    }
    if body is not None:
        sent = {"application/json": {"schema": body}}
        made["requestBody"] = {"required": True, "content": sent}
    return made


DESCRIPTION = {
    "openapi": "3.0.3",
    "info": {"title": "GitHub REST API, as far as it is spoken", "version": "2022-11-28"},
    "paths": {
        "/user": {"get": _does(200, _USER)},
        "/repos/{o}/{r}": {"parameters": _PATH, "get": _does(200, _REPOSITORY)},
        "/repos/{o}/{r}/issues": {
            "parameters": _PATH,
            "get": _does(
                200,
                _list(_ISSUE),
                state={"enum": ["open", "closed", "all"]},
                labels=_TEXT,
                sort={"enum": ["created", "updated", "comments"]},
                direction={"enum": ["asc", "desc"]},
                since=_TIME,
                **_PAGES,
            ),
            "post": _does(201, _ISSUE, _object({"title": _TEXT}, **_WRITABLE)),
        },
        "/repos/{o}/{r}/issues/{n}": {
            "parameters": _NUMBERED,
            "get": _does(200, _ISSUE),
            "patch": _does(
                200,
                _ISSUE,
                _object(
                    {},
                    title=_TEXT,
                    state={"enum": ["open", "closed"]},
                    state_reason=_REASON,
                    **_WRITABLE,
                ),
            ),
        },
        "/repos/{o}/{r}/issues/{n}/comments": {
            "parameters": _NUMBERED,
            "get": _does(200, _list(_COMMENT), since=_TIME, **_PAGES),
            "post": _does(201, _COMMENT, _object({"body": _TEXT})),
        },
    },
}


@cache
def _strict() -> Description:
    return Description(DESCRIPTION)


def described(repository: httpx.AsyncBaseTransport) -> Described:
    """Returns a way to a repository on which everything is checked."""
    return Described(repository, _strict())
