"""Simulated vendors speak as their vendors describe: every request and every answer is checked.

The descriptions are the vendors' own OpenAPI files in ../shared/specs; where they are missing, the
tests that need them are skipped and say so. Used like this::

    transport = Described(Simulator(), description("jira/jira-trim.json"))
    connector = JiraConnector(config, transport=transport)

Beyond what a description says, a member of a body and a parameter that it does not name are
faults: real systems ignore them without a word, and so a misspelt one would never be seen.
"""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"

_METHODS = frozenset({"get", "put", "post", "patch", "delete"})
_JSON = "application/json"


class Description:
    """One vendor's description, made strict.

    Args:
        content: an OpenAPI 3.0 or 3.1 document.
        unlike: formats that the vendor itself does not keep, e.g. `date-time`.
    """

    def __init__(self, content: dict[str, Any], unlike: frozenset[str] = frozenset()) -> None:
        content = deepcopy(content)
        content["servers"] = [{"url": "/"}]
        for path in content["paths"].values():
            for operation in _operations(path):
                _close_body(operation, content)
        _take_formats(content, unlike)
        _bear_tokens(content)
        self._content = content
        self._openapi = OpenAPI.from_dict(content)

    def names(self, path: str) -> bool:
        """Tells whether a path is described at all."""
        return self._template(path) is not None

    def check(self, request: httpx.Request, response: httpx.Response) -> None:
        """Checks what was asked and what was answered.

        Raises:
            AssertionError: either is not as described; the words say what and where.
        """
        asked, answered = _Asked(request), _Answered(response)
        what = f"{request.method} {request.url.path}"
        self._check_query(request, what)
        try:
            self._openapi.validate_request(asked)
        except OpenAPIError as fault:
            raise AssertionError(f"asked against the description: {what}: {_why(fault)}") from fault
        if response.is_error and not self._describes(request, response.status_code):
            return  # vendors describe few of the ways in which they say no
        try:
            self._openapi.validate_response(asked, answered)
        except OpenAPIError as fault:
            raise AssertionError(
                f"answered against the description: {what} with {response.status_code}:"
                f" {_why(fault)}"
            ) from fault

    def _template(self, path: str) -> dict[str, Any] | None:
        """Returns the described path that fits, those without a variable first."""
        parts = path.split("/")
        fits = [
            (template.count("{"), template)
            for template in self._content["paths"]
            if len(template.split("/")) == len(parts)
            and all(
                "{" in named or named == given
                for named, given in zip(template.split("/"), parts, strict=True)
            )
        ]
        return self._content["paths"][min(fits)[1]] if fits else None

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        template = self._template(request.url.path) or {}
        return template.get(request.method.lower())

    def _describes(self, request: httpx.Request, code: int) -> bool:
        return str(code) in (self._operation(request) or {}).get("responses", {})

    def _check_query(self, request: httpx.Request, what: str) -> None:
        template = self._template(request.url.path) or {}
        described = [
            self._content["components"]["parameters"][one["$ref"].rpartition("/")[2]]
            if "$ref" in one
            else one
            for one in (
                *template.get("parameters", ()),
                *(self._operation(request) or {}).get("parameters", ()),
            )
        ]
        named = {one["name"] for one in described if one["in"] == "query"}
        unknown = sorted(set(request.url.params) - named)
        assert not unknown, f"asked against the description: {what}: no parameter {unknown}"


class Described(httpx.AsyncBaseTransport):
    """Passes requests to a simulator and checks each with its answer.

    Args:
        simulator: who answers.
        descriptions: by the first that names a path its requests are checked.
    """

    def __init__(self, simulator: httpx.AsyncBaseTransport, *descriptions: Description) -> None:
        self._simulator = simulator
        self._descriptions = descriptions

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers as the simulator does, unless that is not as described."""
        response = await self._simulator.handle_async_request(request)
        await response.aread()
        path = request.url.path
        described = next((one for one in self._descriptions if one.names(path)), None)
        assert described is not None, f"asked against the description: there is no {path}"
        described.check(request, response)
        return response

    async def aclose(self) -> None:
        """Closes the simulator."""
        await self._simulator.aclose()


@cache
def description(file: str, *, unlike: frozenset[str] = frozenset()) -> Description:
    """Returns a vendor's description, read once; skips the test where there is none.

    Args:
        file: below ../shared/specs, e.g. jira/jira-trim.json.
        unlike: formats that the vendor itself does not keep.
    """
    place = SPECS / file
    if not place.is_file():
        pytest.skip(f"no description of the vendor's: {place} is not there")
    return Description(json.loads(place.read_text(encoding="utf-8")), unlike)


class _Asked:
    """A request as openapi-core reads it."""

    def __init__(self, request: httpx.Request) -> None:
        self.host_url = f"{request.url.scheme}://{request.url.host}"
        self.path = request.url.path
        self.method = request.method.lower()
        self.body = request.content or None
        self.content_type = request.headers.get("content-type", "").lower()
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(dict(request.headers)),
        )


class _Answered:
    """A response as openapi-core reads it."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.data = response.content
        self.content_type = response.headers.get("content-type", _JSON).lower()
        self.headers = Headers(dict(response.headers))
        if response.status_code == httpx.codes.NO_CONTENT:
            # Described as having JSON of any kind; there is none to look at.
            self.data = b"null"
            self.content_type = _JSON


def _operations(path: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for method, one in path.items() if method in _METHODS]


def _close_body(operation: dict[str, Any], content: dict[str, Any]) -> None:
    """Lets a body have no members but the described ones."""
    media = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if media is None:
        return
    schema = media.get("schema", {})
    if "$ref" in schema:
        schema = content["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("properties"):
        # A copy: the same schema may describe an answer, which may say more.
        media["schema"] = {**schema, "additionalProperties": False}


def _take_formats(node: Any, unlike: frozenset[str]) -> None:
    """Takes out formats that the vendor does not keep."""
    if isinstance(node, dict):
        if node.get("format") in unlike and isinstance(node.get("type"), str):
            del node["format"]
        for value in node.values():
            _take_formats(value, unlike)
    elif isinstance(node, list):
        for value in node:
            _take_formats(value, unlike)


def _bear_tokens(content: dict[str, Any]) -> None:
    """Asks for a bearer token where a description says OAuth, which openapi-core cannot check."""
    schemes = content.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        if scheme["type"] == "oauth2":
            schemes[name] = {"type": "http", "scheme": "bearer"}


def _why(fault: BaseException | None) -> str:
    """Returns what is wrong and where, which openapi-core keeps in the fault's causes."""
    words = ""
    while fault is not None:
        details = list(getattr(fault, "schema_errors", ()))
        if details:  # its words would repeat the whole content
            return "; ".join(f"{one.json_path}: {_short(one.message)}" for one in details)
        words, fault = str(fault), fault.__cause__
    return words


def _short(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:150]} ... {message[-150:]}"
