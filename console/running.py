"""Running one command: from its coroutine to its exit code, faults included."""

from collections.abc import Coroutine
from typing import Any, NoReturn

import typer

from console.exits import Exit, exit_for
from console.output import aside
from measures.errors import (
    ConfigurationError,
    LedgerTamperedError,
    NoAnswerYetError,
    RefusedError,
    SluicegateError,
)


def finish(code: Exit) -> NoReturn:
    """Ends the command with a code."""
    raise typer.Exit(int(code))


def run(work: Coroutine[Any, Any, Exit]) -> NoReturn:
    """Runs a command's work and ends with the code it returns."""
    import asyncio

    finish(asyncio.run(work))


def report_failure(error: SluicegateError) -> int:
    """Says in one message what went wrong and returns the exit code for it."""
    aside().print(f"sluice: {error}", style="red", markup=False)
    if isinstance(error, RefusedError):
        return int(exit_for(error.code))
    if isinstance(error, ConfigurationError):
        return int(Exit.USAGE)
    if isinstance(error, NoAnswerYetError):
        return int(Exit.WAITING)
    if isinstance(error, LedgerTamperedError):
        return int(Exit.LEDGER_BROKEN)
    return int(Exit.FAILED)
