"""The schemas that `sluice schema` serves: one for each kind of file that people write."""

import json
from typing import Any

from console.import_map import ImportMap
from console.story import Step, StoryText
from measures.documents import KINDS
from measures.model import Model
from measures.status import Status
from rules.casebook import CasebookText
from rules.editor_schema import schema_of, schema_of_any
from rules.schema import PackText

PACK = "RulePack"


def names() -> dict[str, str]:
    """Returns the name of each schema and what it is for."""
    return {
        "Document": "a file with documents of any kind",
        **{kind: f"a {kind}" for kind in KINDS},
        PACK: "a pack of rules",
        "Cases": "the cases beside a pack",
        "Story": "a story for sluice simulate",
        "ImportMap": "the map of an import",
    }


def schema_named(name: str) -> dict[str, Any]:
    """Returns a schema by its name.

    Raises:
        KeyError: there is none of that name.
    """
    models = {**KINDS, PACK: PackText}
    if name == "Document":
        return schema_of_any("Sluicegate documents", models, otherwise=PACK)
    if name in models:
        # A pack needs no kind where it stands in a file of its own.
        needs = () if name == PACK else ("kind",)
        return schema_of(f"Sluicegate {name}", models[name], needs=needs)
    if name == "Story":
        return _story()
    others: dict[str, type[Model]] = {"Cases": CasebookText, "ImportMap": ImportMap}
    return schema_of(f"Sluicegate {name}", others[name])


def schema_text(name: str) -> str:
    """Returns a schema as the text of a file."""
    return json.dumps(schema_named(name), indent=2, ensure_ascii=False) + "\n"


def _story() -> dict[str, Any]:
    """A step is an action, or a look: `expect: MEASURE` and what its status must show."""
    made = schema_of("Sluicegate Story", StoryText)
    # A step may hold steps, so its schema is among its own parts.
    made["$defs"] = {**made.get("$defs", {}), **schema_of("Step", Step)["$defs"]}
    status: dict[str, Any] = {name: {} for name in (*Status.model_fields, "refused")}
    made["$defs"]["Look"] = {
        "type": "object",
        "description": "Looks at a measure; each field must be as its status shows it.",
        "properties": {**status, "expect": {"type": "string", "description": "The measure's id."}},
        "additionalProperties": False,
    }
    made["properties"]["steps"]["items"] = {
        "if": {"required": ["expect"], "properties": {"expect": {"type": "string"}}},
        "then": {"$ref": "#/$defs/Look"},
        "else": {"$ref": "#/$defs/Step"},
    }
    return made


def file_name(name: str) -> str:
    """Returns the name of the file that a schema is written to."""
    return f"{name.lower()}.schema.json"
