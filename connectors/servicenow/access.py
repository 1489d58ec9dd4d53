"""Saying who we are: by a user's password, or by a token of an OAuth client."""

from collections.abc import Set as AbstractSet

import httpx

from connectors.oauth import TokenAuth
from connectors.secrets import read_secret
from connectors.servicenow.settings import ServiceNowConfig


def access_of(config: ServiceNowConfig) -> tuple[httpx.Auth, AbstractSet[str]]:
    """Returns how requests say who we are, and the secrets that must not show.

    A token is asked for with client and secret in the form ("OAuth API request parameters").

    Raises:
        AuthFailed: a secret is not where its reference says.
    """
    if config.client_secret is None:
        password = read_secret(str(config.password))
        return httpx.BasicAuth(config.user, password), frozenset({password})
    secret = read_secret(config.client_secret)
    form = {
        "grant_type": "client_credentials",
        "client_id": config.client_id,
        "client_secret": secret,
    }
    auth = TokenAuth(
        "ServiceNow",
        f"{config.url.rstrip('/')}/oauth_token.do",
        lambda: form,
        secrets=frozenset({secret}),
    )
    return auth, auth.secrets
