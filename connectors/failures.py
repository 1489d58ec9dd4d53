"""The six ways in which a connected system can fail; nothing else leaves a connector.

ConnectorError
├── RetryLater     it may work later; `after` says when, where the system said so
├── Conflict       somebody else changed the object first; `current` is what it shows now
├── Rejected       it can never work as it was asked
├── AuthFailed     the credentials are wrong or have expired; a person must act
├── NotFound       there is no such object
└── Unsupported    this system cannot do that at all
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from measures.errors import SluicegateError

if TYPE_CHECKING:
    from connectors.contract import Remote


class ConnectorError(SluicegateError):
    """A connected system did not do what it was asked."""


class RetryLater(ConnectorError):
    """It may work later.

    Attributes:
        after: how long to wait, where the system said so.
    """

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Conflict(ConnectorError):
    """The object is not as the asker last saw it.

    Attributes:
        current: what it shows now; None where that could not be read.
    """

    def __init__(self, message: str, current: "Remote | None" = None) -> None:
        super().__init__(message)
        self.current = current


class Rejected(ConnectorError):
    """It can never work as it was asked: a wrong value, an illegal move, no right to do it."""


class AuthFailed(ConnectorError):
    """The credentials are wrong or have expired."""


class NotFound(ConnectorError):
    """There is no such object, or none that these credentials may see."""


class Unsupported(ConnectorError):
    """The system has nothing of that sort."""


FAILURES = (RetryLater, Conflict, Rejected, AuthFailed, NotFound, Unsupported)
"""All six."""
