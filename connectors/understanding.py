"""What a connector reads from an answer that is not as its system promises.

A missing key, a text where a number belongs: the system is half-way through an upgrade, or a
proxy answers for it. That is `RetryLater`, never a traceback in the engine.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.failures import RetryLater
from measures.digest import digest


@contextmanager
def understanding(system: str, what: str) -> Iterator[None]:
    """Turns a surprise in an answer's content into a failure that says where it was.

    Raises:
        RetryLater: the content is not as the system promises.
    """
    try:
        yield
    except (LookupError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        msg = f"{system} answered {what} in a form that is not understood: {error!r}"
        raise RetryLater(msg[:500]) from error


def version_of(*parts: object) -> str:
    """Returns a version for systems that show none: a digest of what an object shows."""
    return digest([str(part) for part in parts])[:32]
