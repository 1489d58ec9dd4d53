"""The way to a Jira site, and what is special about how it says no.

Atlassian, "Rate limiting": 429 with Retry-After in seconds, RateLimit-Reason for which of the
limits it was, and X-RateLimit-Reset as a time. ServiceNow KB2942093, "Jira Cloud tool connection
fails": a refused login may be answered with 200 as if nobody had logged in; only
X-Seraph-LoginReason tells.
"""

import json
from datetime import UTC, datetime, timedelta

import httpx

from connectors.failures import AuthFailed, ConnectorError, Rejected, RetryLater
from connectors.http import HttpDoor, bounded, plain_words, retry_after
from connectors.jira.settings import JiraConfig
from connectors.secrets import read_secret

_REFUSED_LOGINS = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")


def open_door(
    config: JiraConfig, secrets: tuple[str, ...], transport: httpx.AsyncBaseTransport | None
) -> HttpDoor:
    """Returns the way to a site.

    Args:
        config: the settings.
        secrets: what else must never show, beside the token.
        transport: instead of the network.

    Raises:
        AuthFailed: the token is not where its reference says.
    """
    token = read_secret(config.token)
    return HttpDoor(
        "Jira",
        f"{config.url.rstrip('/')}/rest/api/3/",
        auth=(config.email, token),
        headers={"Accept": "application/json"},
        secrets=frozenset({token, *secrets}),
        classify=_classify,
        transport=transport,
    )


def _classify(response: httpx.Response) -> ConnectorError | None:
    reason = response.headers.get("x-seraph-loginreason", "")
    if any(one in reason for one in _REFUSED_LOGINS):
        return AuthFailed(f"Jira refuses our login: {reason}")
    if response.status_code == 429:
        why = response.headers.get("ratelimit-reason", "no reason told")
        msg = f"Jira slows us down ({why}) at {response.request.url.path}"
        return RetryLater(msg, _wait(response))
    if response.status_code in (400, 403, 413, 422):
        asked = f"{response.request.method} {response.request.url.path}"
        return Rejected(f"Jira refuses {asked}: {_words(response)}")
    return None


def _wait(response: httpx.Response) -> timedelta | None:
    now = datetime.now(UTC)
    told = retry_after(response, now)
    if told is not None:
        return told
    try:
        reset = datetime.fromisoformat(response.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return None
    reset = reset if reset.tzinfo else reset.replace(tzinfo=UTC)
    return bounded(reset - now)


def _words(response: httpx.Response) -> str:
    """Returns what Jira's collection of errors says, by field."""
    try:
        said = json.loads(response.content)
        general = [str(one) for one in said.get("errorMessages") or ()]
        fields = [f"{name}: {words}" for name, words in (said.get("errors") or {}).items()]
    except (ValueError, AttributeError, TypeError):
        return plain_words(response)
    return "; ".join(general + fields)[:500] or response.reason_phrase
