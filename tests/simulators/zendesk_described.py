"""Zendesk's own description of its Ticketing API, with what its pages say and its file leaves out.

- Lists are paged with `page`, comments sorted with `sort_order` ("Pagination", "List Comments").
- The export goes on with a cursor and no start time, and takes `per_page` ("Using the Incremental
  Exports API"); the file asks for the start time always.
- Values of custom fields are written as they are read, by id and value ("Creating and updating
  tickets"); the file describes the definition of a field there.
- A ticket without a priority, a type or an assignee shows null.
"""

import json
from functools import cache
from typing import Any

import pytest

from tests.simulators.openapi import SPECS, Description

_FILE = SPECS / "zendesk" / "zendesk-trim.json"
_NULL = ("priority", "type", "external_id", "assignee_id", "group_id", "problem_id",
         "organization_id", "due_at")  # fmt: skip


@cache
def zendesk() -> Description:
    """Returns the description, read once; skips the test where the file is not there."""
    if not _FILE.is_file():
        pytest.skip(f"no description of the vendor's: {_FILE} is not there")
    content: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    paths, components = content["paths"], content["components"]
    for path in ("comments", "audits"):
        paths[f"/api/v2/tickets/{{ticket_id}}/{path}"]["parameters"].append(_number("page"))
    paths["/api/v2/tickets/{ticket_id}/comments"]["parameters"].append(
        {"name": "sort_order", "in": "query", "schema": {"enum": ["asc", "desc"]}}
    )
    paths["/api/v2/incremental/tickets/cursor"]["parameters"].append(_number("per_page"))
    components["parameters"]["IncrementalUnixTime"]["required"] = False
    ticket = components["schemas"]["TicketObject"]["properties"]
    written = components["schemas"]["TicketUpdateInput"]["properties"]
    written["custom_fields"] = ticket["custom_fields"]
    for name in _NULL:
        ticket[name]["nullable"] = True
        if "enum" in ticket[name]:
            ticket[name]["enum"].append(None)
    return Description(content)


def _number(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 1}}
