"""Who we are in Salesforce: a token by client credentials, or by a signed assertion."""

import time

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from connectors.failures import AuthFailed
from connectors.oauth import ClientCredentials, TokenAuth
from connectors.salesforce.settings import SalesforceConfig
from connectors.secrets import read_secret

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GOOD_FOR = 180
"""Seconds; an assertion must end within minutes ("OAuth 2.0 JWT Bearer Flow")."""


def access(config: SalesforceConfig) -> TokenAuth:
    """Returns how we say who we are.

    Raises:
        AuthFailed: a secret is not where its reference says. What is no key is AuthFailed too, once
            a token is asked for.
    """
    url = f"{config.url.rstrip('/')}/services/oauth2/token"
    if config.client_secret is not None:
        return ClientCredentials(
            "Salesforce", url, config.client_id, read_secret(config.client_secret)
        )
    assert config.private_key is not None
    place, written = config.private_key, read_secret(config.private_key)

    def form() -> dict[str, str]:
        try:
            key = RSAKey.import_key(written)
        except (JoseError, ValueError, TypeError):
            msg = f"Salesforce: {place} holds no private RSA key in PEM"
            raise AuthFailed(msg) from None
        claims = {
            "iss": config.client_id,
            "sub": config.username,
            "aud": config.audience,
            "exp": int(time.time()) + _GOOD_FOR,
        }
        return {"grant_type": _GRANT, "assertion": jwt.encode({"alg": "RS256"}, claims, key)}

    return TokenAuth("Salesforce", url, form, secrets=frozenset({written}))
