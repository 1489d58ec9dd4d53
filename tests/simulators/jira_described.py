"""Jira Cloud as its vendor describes it, and two paths that the file in ../shared leaves out."""

import httpx

from tests.simulators.openapi import Described, Description, description

_WORD = {"type": "string"}


def _answering(schema: dict[str, object], *parameters: dict[str, object]) -> dict[str, object]:
    answer = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    return {"get": {"parameters": list(parameters), "responses": {"200": answer}}}


_STATUS = {
    "type": "object",
    "required": ["id", "name", "statusCategory"],
    "properties": {
        "name": _WORD,
        "statusCategory": {
            "type": "object",
            "properties": {"key": {"enum": ["undefined", "new", "indeterminate", "done"]}},
        },
    },
}
_ELSEWHERE = {
    "openapi": "3.0.3",
    "info": {"title": "Get all statuses for project; Get my permissions", "version": "3"},
    "paths": {
        "/rest/api/3/project/{key}/statuses": _answering(
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "name", "self", "statuses", "subtask"],
                    "properties": {
                        "name": _WORD,
                        "statuses": {"type": "array", "items": _STATUS},
                    },
                },
            },
            {"name": "key", "in": "path", "required": True, "schema": _WORD},
        ),
        "/rest/api/3/mypermissions": _answering(
            {
                "type": "object",
                "properties": {
                    "permissions": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "required": ["havePermission"],
                            "properties": {"havePermission": {"type": "boolean"}},
                        },
                    }
                },
            },
            {"name": "permissions", "in": "query", "schema": _WORD},
            {"name": "projectKey", "in": "query", "schema": _WORD},
        ),
    },
}


def described(site: httpx.AsyncBaseTransport) -> Described:
    """Returns a way to a site on which everything is checked."""
    # Jira describes RFC 3339 and writes +0000, in its own examples too.
    vendors = description("jira/jira-trim.json", unlike=frozenset({"date-time"}))
    return Described(site, vendors, Description(_ELSEWHERE))
