"""The way to a GitHub repository, and what is special about how it says no.

GitHub, "Rate limits for the REST API": a limit is told by 403 or 429. Where there is Retry-After,
it counts; where x-ratelimit-remaining is 0, wait until x-ratelimit-reset (seconds since 1970); else
a minute at least. GitHub, "Using pagination in the REST API": the next page is named by Link.
GitHub, "REST API endpoints for issues": Get an issue: 301 where it was transferred.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.failures import ConnectorError, NotFound, Rejected, RetryLater
from connectors.github.settings import API, GithubConfig
from connectors.http import HttpDoor, bounded, plain_words, retry_after
from connectors.secrets import read_secret
from connectors.understanding import understanding

_A_MINUTE = timedelta(minutes=1)


def open_door(
    config: GithubConfig, secrets: tuple[str, ...], transport: httpx.AsyncBaseTransport | None
) -> HttpDoor:
    """Returns the way to GitHub.

    Args:
        config: the settings.
        secrets: what else must never show, beside the token.
        transport: instead of the network.

    Raises:
        AuthFailed: the token is not where its reference says.
    """
    token = read_secret(config.token)
    return HttpDoor(
        "GitHub",
        f"{config.url.rstrip('/')}/",
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": API,
        },
        secrets=frozenset({token, *secrets}),
        classify=_classify,
        transport=transport,
    )


async def page_of(
    http: HttpDoor, path: str, params: dict[str, str] | None = None
) -> tuple[list[dict[str, Any]], str]:
    """Returns a page of a list and where the next one is; empty at the end."""
    response = await http.send("GET", path, params=params)
    with understanding("GitHub", f"the list {path}"):
        rows = response.json()
        if not isinstance(rows, list):
            raise TypeError(type(rows).__name__)
        return rows, response.links.get("next", {}).get("url", "")


def _classify(response: httpx.Response) -> ConnectorError | None:
    code, asked = response.status_code, response.request
    if code in (301, 307, 308):
        msg = (
            f"GitHub says that {asked.url.path} has moved: the issue to another repository, or the"
            " repository to another name"
        )
        return NotFound(msg)
    if code not in (403, 422, 429):
        return None
    words = _words(response)
    if code != 422:
        told = retry_after(response, datetime.now(UTC))
        if told is None and response.headers.get("x-ratelimit-remaining") == "0":
            told = _until_reset(response)
        if told is None and (code == 429 or "rate limit" in words.lower()):
            told = _A_MINUTE
        if told is not None:
            return RetryLater(f"GitHub slows us down: {words}", told)
    return Rejected(f"GitHub refuses {asked.method} {asked.url.path}: {words}")


def _until_reset(response: httpx.Response) -> timedelta | None:
    written = response.headers.get("x-ratelimit-reset", "")
    if not (written.isascii() and written.isdecimal() and len(written) <= 12):
        return None
    return bounded(timedelta(seconds=int(written) - datetime.now(UTC).timestamp()))


def _words(response: httpx.Response) -> str:
    """Returns what GitHub says, and which fields it means."""
    try:
        said = json.loads(response.content)
        faults = [
            f"{one.get('field', one.get('resource', ''))}: {one.get('message') or one.get('code')}"
            if isinstance(one, dict)
            else str(one)
            for one in said.get("errors") or ()
        ]
        return "; ".join([str(said["message"]), *faults])[:500]
    except (ValueError, AttributeError, TypeError, KeyError):
        return plain_words(response)
