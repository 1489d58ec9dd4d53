"""Who we are in HubSpot: the token of a private app, or one that is renewed in time."""

from collections.abc import Generator

import httpx

from connectors.hubspot.settings import HubspotConfig
from connectors.oauth import TokenAuth
from connectors.secrets import read_secret, read_secrets


class StaticToken(httpx.Auth):
    """A token that lasts until somebody changes it.

    Attributes:
        secrets: what must never show in a message.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self.secrets = frozenset({token})

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends a request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    @property
    def about(self) -> dict[str, str]:
        """What HubSpot is asked about the token with."""
        return {"tokenKey": self._token}


def access(config: HubspotConfig) -> StaticToken | TokenAuth:
    """Returns how we say who we are.

    Raises:
        AuthFailed: a secret is not where its reference says.
    """
    if config.token is not None:
        return StaticToken(read_secret(config.token))
    assert config.client_secret is not None
    assert config.refresh_token is not None
    # While the client secret is changed there are two, the new one first.
    secret, refresh = read_secrets(config.client_secret)[0], read_secret(config.refresh_token)
    form = {
        "grant_type": "refresh_token",
        "client_id": config.client_id,
        "client_secret": secret,
        "refresh_token": refresh,
    }
    return TokenAuth(
        "HubSpot",
        f"{config.url.rstrip('/')}/{config.path('oauth', 'token')}",
        lambda: form,
        secrets=frozenset({secret, refresh}),
        lasts=1800.0,
        renew_refused=False,
    )
