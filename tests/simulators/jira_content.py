"""What a simulated Jira holds, how it writes it, and what it refuses."""

import json
import re
from copy import deepcopy
from datetime import datetime
from typing import Any

SITE = "https://sluice.atlassian.test"
EMAIL, TOKEN, ACCOUNT = "sluice@example.com", "ATATT3xFfGF0-token", "5b10a2844c20165700ede21g"
PROJECT, ISSUE_TYPE, NAME_FIELD, SIZE_FIELD = (
    "OPS",
    "Task",
    "customfield_10050",
    "customfield_10051",
)

WORKFLOW = {
    "To Do": {"11": "In Progress", "12": "Won't Do"},
    "In Progress": {"21": "To Do", "22": "Done"},
    "Done": {"31": "In Progress"},
    "Won't Do": {},
}
CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done", "Won't Do": "done"}

FIELDS = [
    {"id": "summary", "name": "Summary", "orderable": True, "schema": {"type": "string"}},
    {"id": "description", "name": "Description", "orderable": True, "schema": {"type": "string"}},
    {
        "id": "labels",
        "name": "Labels",
        "orderable": True,
        "schema": {"type": "array", "items": "string"},
    },
    {"id": "priority", "name": "Priority", "orderable": True, "schema": {"type": "priority"}},
    {"id": "assignee", "name": "Assignee", "orderable": True, "schema": {"type": "user"}},
    {"id": "updated", "name": "Updated", "orderable": False, "schema": {"type": "datetime"}},
    {"id": NAME_FIELD, "name": "Sluice", "orderable": True, "schema": {"type": "string"}},
    {"id": SIZE_FIELD, "name": "Short by", "orderable": True, "schema": {"type": "number"}},
]


class RefusedError(Exception):
    """A request is answered with a collection of errors."""

    def __init__(self, code: int, *general: str, **fields: str) -> None:
        super().__init__()
        self.answer = (code, {"errorMessages": list(general), "errors": fields})


def with_fields(issue: dict[str, Any], asked: str) -> dict[str, Any]:
    """Returns an issue with the fields that were asked for."""
    wanted = set(asked.split(","))
    whole = bool(wanted & {"*all", "*navigable"})
    fields = {
        name: value for name, value in deepcopy(issue["fields"]).items() if whole or name in wanted
    }
    return {name: issue[name] for name in ("id", "key", "self")} | {"fields": fields}


def refuse_wrong(given: dict[str, Any]) -> None:
    """Refuses values that Jira would not take."""
    settable = {one["id"] for one in FIELDS if one["orderable"]}
    unknown = {one: f"Field '{one}' cannot be set." for one in given if one not in settable}
    if unknown:
        raise RefusedError(400, **unknown)
    summary = given.get("summary", "x")
    if not isinstance(summary, str) or "\n" in summary or not 0 < len(summary) <= 255:
        raise RefusedError(400, summary="The summary is invalid.")
    if any(re.search(r"\s", one) for one in given.get("labels", ())):
        raise RefusedError(400, labels="The label contains spaces which is invalid.")
    if not isinstance(given.get(SIZE_FIELD, 0.0), int | float | None):
        raise RefusedError(400, **{SIZE_FIELD: "Specify a number."})
    if given.get("description") is not None:
        refuse_no_document("description", given["description"])


def refuse_no_document(field: str, node: Any) -> None:
    """Refuses what is no document, or too long a one."""
    if not isinstance(node, dict) or (node.get("type"), node.get("version")) != ("doc", 1):
        raise RefusedError(400, **{field: "Operation value must be an Atlassian Document"})
    if len(json.dumps(node, ensure_ascii=False)) > 32_767:
        raise RefusedError(400, **{field: "CONTENT_LIMIT_EXCEEDED"})
    inside = [leaf for block in node["content"] for leaf in block["content"]]
    if any(leaf["type"] == "text" and not leaf["text"] for leaf in inside):
        raise RefusedError(400, **{field: "INVALID_INPUT"})


def status_named(name: str) -> dict[str, Any]:
    """Returns a status as answers have it."""
    category = {"id": 1, "key": CATEGORIES[name], "self": SITE}
    return {"id": "1", "name": name, "statusCategory": category}


def written(at: datetime) -> str:
    """Returns a moment as Jira writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
