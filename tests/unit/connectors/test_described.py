"""What checks simulated vendors sees every way in which they could differ from the real ones."""

import httpx
import pytest

from connectors.conformance.faults import Answering
from tests.simulators.openapi import Described, Description

WORD = {"type": "string"}
SPEC = {
    "openapi": "3.0.3",
    "info": {"title": "Desk", "version": "1"},
    "servers": [{"url": "https://desk.example/elsewhere"}],
    "paths": {
        "/tickets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": WORD}],
            "put": {
                "parameters": [{"name": "quiet", "in": "query", "schema": {"type": "boolean"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/T"}}},
                },
                "responses": {
                    "200": {
                        "description": "as it is now",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/T"}}
                        },
                    }
                },
            },
        },
    },
    "components": {
        "schemas": {
            "T": {
                "type": "object",
                "required": ["title"],
                "properties": {
                    "title": WORD,
                    "state": {"type": "string", "enum": ["open", "closed"]},
                    "changed": {"type": "string", "format": "date-time"},
                },
            }
        }
    },
}
TICKET = {"title": "KYC", "state": "open"}


async def _exchange(
    asked: object = TICKET,
    answered: object = TICKET,
    code: int = 200,
    path: str = "/tickets/7",
    method: str = "PUT",
    unlike: frozenset[str] = frozenset(),
) -> None:
    simulator = Answering(lambda request: httpx.Response(code, json=answered))
    transport = Described(simulator, Description(SPEC, unlike))
    async with httpx.AsyncClient(transport=transport, base_url="https://desk.test") as client:
        await client.request(method, path, json=asked)


async def test_takes_what_is_described() -> None:
    """Wherever the server stands; an answer may say more than is described."""
    await _exchange()
    await _exchange(path="/tickets/7?quiet=true")
    await _exchange(answered={**TICKET, "since": "yesterday"})


async def test_takes_a_refusal_that_is_not_described() -> None:
    """Vendors describe few of theirs."""
    await _exchange(answered={"error": "slower"}, code=429)


@pytest.mark.parametrize(
    "asked",
    [{"state": "open"}, {**TICKET, "state": "gone"}, {**TICKET, "titel": "KYC"}, [], "KYC"],
    ids=["missing", "no such value", "misspelt", "a list", "a text"],
)
async def test_sees_a_wrong_body(asked: object) -> None:
    """Also what a real system would not tell: a misspelt member."""
    with pytest.raises(AssertionError, match="asked against the description"):
        await _exchange(asked)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/ticket/7", "PUT"), ("/tickets/7", "PATCH"), ("/tickets/7?quite=true", "PUT")],
)
async def test_sees_what_is_not_there(path: str, method: str) -> None:
    """A path, a method, a parameter."""
    with pytest.raises(AssertionError, match="asked against the description"):
        await _exchange(path=path, method=method)


async def test_sees_a_parameter_of_another_type() -> None:
    """By what its schema says."""
    with pytest.raises(AssertionError, match="asked against the description"):
        await _exchange(path="/tickets/7?quiet=perhaps")


@pytest.mark.parametrize(
    ("answered", "code"), [({}, 200), ({**TICKET, "state": "gone"}, 200), (TICKET, 201)]
)
async def test_sees_a_wrong_answer(answered: object, code: int) -> None:
    """A simulator must not be kinder than the vendor; a success must be a described one."""
    with pytest.raises(AssertionError, match="answered against the description"):
        await _exchange(answered=answered, code=code)


async def test_formats_that_a_vendor_does_not_keep_can_be_named() -> None:
    """Jira describes RFC 3339 and writes +0000."""
    written = {**TICKET, "changed": "2031-03-02T09:00:00.000+0000"}
    with pytest.raises(AssertionError, match="changed"):
        await _exchange(answered=written)
    await _exchange(answered=written, unlike=frozenset({"date-time"}))
