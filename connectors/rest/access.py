"""How a manifest says who we are."""

from collections.abc import Generator, Set
from typing import Self

import httpx
from pydantic import Field, model_validator

from connectors.address import Address
from connectors.contract import ConnectionConfig
from connectors.oauth import ClientCredentials
from connectors.secrets import SecretRef, read_secret


class Basic(ConnectionConfig):
    """A user with a password (RFC 7617)."""

    user: str = Field(min_length=1, max_length=200)
    password: SecretRef


class HeaderKey(ConnectionConfig):
    """A key in a header of its own."""

    name: str = Field(pattern=r"^[A-Za-z0-9-]{1,100}$")
    value: SecretRef


class QueryKey(ConnectionConfig):
    """A key in a parameter of the query, for systems that take it nowhere else."""

    name: str = Field(min_length=1, max_length=200)
    value: SecretRef


class OAuth2(ConnectionConfig):
    """Client credentials (RFC 6749, 4.4).

    Attributes:
        token_url: where tokens are given out.
        client_id: who we are there.
        client_secret: where our secret lies.
        scope: what the token is to be good for.
    """

    token_url: Address
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: SecretRef
    scope: str = Field(default="", max_length=500)


class Access(ConnectionConfig):
    """Who we are: exactly one of these, or none where the system asks nobody.

    Attributes:
        basic: user and password.
        bearer: where a token lies that goes with every request (RFC 6750).
        header: a key in a header of its own.
        query: a key in a parameter of the query.
        oauth2: a token that is asked for and renewed.
    """

    basic: Basic | None = None
    bearer: SecretRef | None = None
    header: HeaderKey | None = None
    query: QueryKey | None = None
    oauth2: OAuth2 | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) > 1:
            msg = "say one of basic, bearer, header, query, oauth2"
            raise ValueError(msg)
        return self


class _Header(httpx.Auth):
    """Puts a secret into a header; never into the client's own, which logs might show."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._name] = self._value
        yield request


class _Query(httpx.Auth):
    """Puts a secret into the query, also of pages that the system names."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.url = request.url.copy_set_param(self._name, self._value)
        yield request


def auth_of(access: Access, system: str) -> tuple[httpx.Auth | None, Set[str]]:
    """Returns how requests say who we are, and the secrets among it.

    Raises:
        AuthFailed: a secret is not where its reference says.
    """
    if access.basic is not None:
        password = read_secret(access.basic.password)
        return httpx.BasicAuth(access.basic.user, password), frozenset({password})
    if access.bearer is not None:
        token = read_secret(access.bearer)
        return _Header("Authorization", f"Bearer {token}"), frozenset({token})
    if access.header is not None:
        key = read_secret(access.header.value)
        return _Header(access.header.name, key), frozenset({key})
    if access.query is not None:
        key = read_secret(access.query.value)
        return _Query(access.query.name, key), frozenset({key})
    if access.oauth2 is not None:
        asked = access.oauth2
        secret = read_secret(asked.client_secret)
        credentials = ClientCredentials(
            system, asked.token_url, asked.client_id, secret, scope=asked.scope
        )
        return credentials, credentials.secrets
    return None, frozenset()
