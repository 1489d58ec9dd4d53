"""What a call's end says about its connection."""

import asyncio
from datetime import datetime
from typing import Literal

from connectors.credentials import Credentials
from connectors.failures import AuthFailed, ConnectorError, Rejected, RetryLater, Unsupported
from measures.circuit import Outcome


async def outcome_of(
    failure: ConnectorError | None, at: datetime, credentials: Credentials
) -> Outcome | None:
    """Returns what a call's end says; None where the system was not asked.

    No secret is left in the failure's words afterwards.

    Args:
        failure: how the call failed; None when it did not.
        at: when it ended.
        credentials: what it was sent with.
    """
    kind: Literal["answered", "refused", "down", "unknown-to-it"]
    if failure is not None:
        credentials.hide(failure)
    match failure:
        case Unsupported():
            return None
        case AuthFailed():
            kind = "unknown-to-it"
        case RetryLater():
            kind = "down"
        case Rejected():
            kind = "refused"
        case _:  # somebody else was first, or the object is not there: a good answer
            return Outcome(at, "answered")
    return Outcome(
        at,
        kind,
        why=str(failure),
        after=failure.after if isinstance(failure, RetryLater) else None,
        tried_with=await asyncio.to_thread(lambda: credentials.fingerprint),
    )
