"""Addresses in settings name a place and nothing else; no secret comes to the ledger with them."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.address import Address
from connectors.registry import connector_class, connector_names

ADDRESS: TypeAdapter[Any] = TypeAdapter(Address)


@pytest.mark.parametrize(
    "url",
    [
        "https://bob:hunter2@desk.example.com/",
        "https://bob@desk.example.com/",
        "https://desk.example.com/api?key=hunter2",
        "https://desk.example.com/#hunter2",
        "https://desk.example.com:99999/",
        "https://desk.example.com:0/",
        "https://desk.example.com:eighty/",
        "https://[::1/",
        "https://desk.example.com/a b",
        "https://desk.example.com/\n",
        "https://",
        "desk.example.com",
        "ftp://desk.example.com/",
        "file:///etc/passwd",
    ],
)
def test_what_is_more_or_less_than_an_address_is_refused(url: str) -> None:
    """And what it held is not repeated."""
    with pytest.raises(ValidationError, match="write the system's address only") as refused:
        ADDRESS.validate_python(url)
    assert "hunter2" not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "url",
    [
        "https://desk.example.com",
        "http://127.0.0.1:8080/support/",
        "http://[::1]:8080/api",
        "https://erp.example.com/crm",
    ],
)
def test_an_address_is_taken_as_it_is(url: str) -> None:
    """With port, path and slashes."""
    assert ADDRESS.validate_python(url) == url


@pytest.mark.parametrize("name", connector_names())
def test_every_connector_refuses_a_password_in_its_address(name: str) -> None:
    """A new one, too."""
    config = connector_class(name).Config
    if "url" not in config.model_fields:
        pytest.skip(f"{name} has no address")
    with pytest.raises(ValidationError) as refused:
        config.model_validate({"url": "https://bob:hunter2@desk.example.com/"})
    wrong = {fault["loc"]: fault["msg"] for fault in refused.value.errors()}
    assert "it names somebody" in wrong[("url",)]
