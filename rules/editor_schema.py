"""JSON Schema 2020-12 of what people write, for editors: every field with its meaning.

The schema is made from the models that read the files, so it never lags behind them. It finds
less than `sluice rules check`: conditions, references and dates are texts to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from measures.facts import FACT_KINDS
from rules.describing import field_meanings, meaning
from rules.fields import FieldInfo, fields_of
from rules.schema import MAX_PATTERN_FIELDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_JOIN = {"type": "string", "pattern": r"^\$[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$"}
_TYPES = {"text": "string", "number": "number", "whole": "integer", "boolean": "boolean"}


class _Described(GenerateJsonSchema):
    """Adds what the models say of themselves, leaves out what only programs care for."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Describes a model and its fields."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        made["description"] = meaning(model)
        fields: dict[str, dict[str, Any]] = made.get("properties", {})
        for name, words in field_meanings(model).items():
            field = fields.get(model.model_fields[name].alias or name)
            if field is not None:
                field["description"] = words
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title would only repeat the field's name."""
        return False


def schema_of(title: str, model: type[BaseModel], *, needs: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the schema of one model as a document of its own.

    Args:
        needs: fields that must be written although the model has a default for them.
    """
    made = _Described(by_alias=True).generate(model.__pydantic_core_schema__, mode="validation")
    made["required"] = list(dict.fromkeys([*needs, *made.get("required", [])]))
    return {"$schema": DIALECT, "title": title, **_with_patterns(made)}


def schema_of_any(
    title: str, kinds: Mapping[str, type[BaseModel]], *, otherwise: str
) -> dict[str, Any]:
    """Returns the schema of a file that holds one document of any kind, or a list of them.

    Args:
        otherwise: the kind of a document that does not say its kind.
    """
    references, made = models_json_schema(
        [(model, "validation") for model in kinds.values()], schema_generator=_Described
    )
    reference = {name: references[model, "validation"] for name, model in kinds.items()}
    unsaid = {"not": {"required": ["kind"]}}
    one = {
        "type": "object",
        "description": "One document; its kind says which.",
        "properties": {"kind": {"enum": list(kinds), "description": "What it is."}},
        "allOf": [
            *(
                {
                    "if": {"required": ["kind"], "properties": {"kind": {"const": name}}},
                    "then": found,
                }
                for name, found in reference.items()
            ),
            {"if": unsaid, "then": reference[otherwise]},
        ],
    }
    made["$defs"]["AnyDocument"] = one
    any_document = {"$ref": "#/$defs/AnyDocument"}
    return {
        "$schema": DIALECT,
        "title": title,
        **_with_patterns(made),
        "if": {"type": "array"},
        "then": {"items": any_document},
        "else": any_document,
    }


def _with_patterns(made: dict[str, Any]) -> dict[str, Any]:
    """Says in the schema what the models leave open: which fields a fact of a kind has."""
    parts = made.get("$defs", {})
    if "RuleText" in parts:
        fields = parts["RuleText"]["properties"]
        for name in ("when", "expect"):
            fields[name] = {
                "type": "object",
                "description": fields[name]["description"],
                "additionalProperties": {"$ref": "#/$defs/Pattern"},
            }
        parts["Pattern"] = pattern_schema()
    if "CaseText" in parts:
        parts["CaseText"]["properties"]["given"]["items"] = {"$ref": "#/$defs/GivenFact"}
        parts["GivenFact"] = given_schema()
    return made


def pattern_schema() -> dict[str, Any]:
    """Returns the schema of a pattern in `when` or `expect`: a kind, and fields that it tests."""
    return {
        "type": "object",
        "description": "A kind of fact, and fields that must equal a value or join: $name.field.",
        "maxProperties": MAX_PATTERN_FIELDS,
        **_by_kind(
            lambda info: {"anyOf": [_tested(info), _JOIN]}, lambda info: info.keyed, extra={}
        ),
    }


def given_schema() -> dict[str, Any]:
    """Returns the schema of a fact in a case."""
    age = {"type": "string", "description": "How long ago it was stated, like 25h."}
    return {
        "type": "object",
        "description": "A fact that the case is judged on; ~ takes a default away.",
        **_by_kind(
            lambda info: {"anyOf": [_tested(info), {"type": "null"}]},
            lambda info: True,
            extra={"age": age, "seen_at": {"type": "string", "description": "When it was stated."}},
        ),
    }


def _by_kind(schema: Any, wanted: Any, extra: dict[str, Any]) -> dict[str, Any]:
    def fields(kind: str) -> dict[str, Any]:
        meanings = field_meanings(FACT_KINDS[kind])
        found = {
            name: {**schema(info), "description": meanings.get(name, "")}
            for name, info in fields_of(kind).items()
            if name != "kind" and wanted(info)
        }
        return {"kind": {}, **found, **extra}

    return {
        "required": ["kind"],
        "properties": {
            "kind": {
                "description": "The kind of fact.",
                "oneOf": [
                    {"const": kind, "description": meaning(model)}
                    for kind, model in FACT_KINDS.items()
                ],
            }
        },
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"properties": fields(kind), "additionalProperties": False},
            }
            for kind in FACT_KINDS
        ],
    }


def _tested(info: FieldInfo) -> dict[str, Any]:
    return {"enum": list(info.values)} if info.values else {"type": _TYPES[info.type]}
