"""Examining a connector: every check, one after the other, and the tier that it reaches."""

from collections.abc import Callable, Sequence

from connectors.conformance.bronze import bronze
from connectors.conformance.feed import feed
from connectors.conformance.gold import gold
from connectors.conformance.moves import moves
from connectors.conformance.platinum import platinum
from connectors.conformance.results import Check, ExemptError, Result
from connectors.conformance.silver import silver
from connectors.conformance.subject import Subject
from connectors.failures import ConnectorError

CHECKS: tuple[Check, ...] = (
    *bronze.all,
    *silver.all,
    *moves.all,
    *feed.all,
    *gold.all,
    *platinum.all,
)
"""Every check, lowest tier first."""


async def examine(
    subject: Subject,
    checks: Sequence[Check] = CHECKS,
    on_result: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Runs checks against a connector.

    Args:
        subject: the connector and what is behind it.
        checks: which.
        on_result: is told each result as it comes.
    """
    results = []
    for check in checks:
        result = await examine_one(subject, check)
        on_result(result)
        results.append(result)
    return results


async def examine_one(subject: Subject, check: Check) -> Result:
    """Runs one check; whatever the connector raises is a result too."""
    try:
        await check.examine(subject)
    except ExemptError as why:
        return Result(check, "exempt", str(why))
    except (AssertionError, ConnectorError) as error:
        return Result(check, "failed", str(error) or repr(error))
    except Exception as error:  # a connector that lets anything else out fails by that alone
        return Result(check, "failed", f"{error!r} escaped; only the six failures may")
    return Result(check, "passed")
