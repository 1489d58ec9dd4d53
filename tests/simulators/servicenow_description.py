"""What the Table API takes and answers, in OpenAPI; ServiceNow publishes no file of its own.

Written from "Table API" (parameters, codes, the form of errors) and, for tokens, "Client
Credentials". Rows hold texts only, because references are asked for without their links.
"""

from typing import Any


def _query(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]


def _path(*names: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _says(code: str, schema: dict[str, Any]) -> dict[str, Any]:
    failed = {"description": "refused", **_json({"$ref": "#/components/schemas/Failure"})}
    answered = {"description": "done", **_json(schema)}
    return {code: answered, **dict.fromkeys(("400", "401", "403", "404"), failed)}


_ROW = {"$ref": "#/components/schemas/Row"}
_ONE = {"type": "object", "required": ["result"], "properties": {"result": _ROW}}
_MANY = {
    "type": "object",
    "required": ["result"],
    "properties": {"result": {"type": "array", "items": _ROW}},
}
_FORM = _query("sysparm_display_value", "sysparm_exclude_reference_link", "sysparm_fields")
_LIST = _query("sysparm_query", "sysparm_limit", "sysparm_offset")
_WRITTEN = {
    "required": True,
    **_json({"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}),
}

TABLE_API: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Table API", "version": "v2"},
    "security": [{"basic": []}, {"token": []}],
    "paths": {
        "/api/now/table/{table}": {
            "parameters": _path("table"),
            "get": {"parameters": _FORM + _LIST, "responses": _says("200", _MANY)},
            "post": {
                "parameters": _FORM,
                "requestBody": _WRITTEN,
                "responses": _says("201", _ONE),
            },
        },
        "/api/now/table/{table}/{sys_id}": {
            "parameters": _path("table", "sys_id"),
            "get": {"parameters": _FORM, "responses": _says("200", _ONE)},
            "patch": {
                "parameters": _FORM,
                "requestBody": _WRITTEN,
                "responses": _says("200", _ONE),
            },
        },
        "/oauth_token.do": {
            "post": {
                "security": [],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "required": ["grant_type", "client_id", "client_secret"],
                                "properties": {
                                    "grant_type": {"enum": ["client_credentials"]},
                                    "client_id": {"type": "string"},
                                    "client_secret": {"type": "string"},
                                },
                            }
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "a token",
                        **_json(
                            {
                                "type": "object",
                                "required": ["access_token", "expires_in", "token_type"],
                                "properties": {
                                    "access_token": {"type": "string"},
                                    "expires_in": {"type": "integer"},
                                    "token_type": {"enum": ["Bearer"]},
                                },
                            }
                        ),
                    }
                },
            }
        },
    },
    "components": {
        "securitySchemes": {
            "basic": {"type": "http", "scheme": "basic"},
            "token": {"type": "http", "scheme": "bearer"},
        },
        "schemas": {
            "Row": {"type": "object", "additionalProperties": {"type": "string"}},
            "Failure": {
                "type": "object",
                "required": ["error", "status"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["message", "detail"],
                        "properties": {
                            "message": {"type": "string"},
                            "detail": {"type": "string", "nullable": True},
                        },
                    },
                    "status": {"enum": ["failure"]},
                },
            },
        },
    },
}
