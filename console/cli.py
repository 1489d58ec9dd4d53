"""`sluice`: the command line. Each group of commands is a module of its own.

What a command needs is loaded when it runs, so that help answers at once.
"""

import os
import sys
from contextlib import suppress
from typing import NoReturn

import typer

from console import (
    apply_commands,
    ask_commands,
    connectors_commands,
    conversion_commands,
    deadlock_commands,
    demo_commands,
    explain_commands,
    import_commands,
    init_commands,
    launch_commands,
    ledger_commands,
    ledger_rebuild,
    look_commands,
    permit_commands,
    rules_commands,
    schema_commands,
    simulate_commands,
    stack_commands,
    waiver_commands,
)
from console.running import report_failure
from measures.errors import SluicegateError

app = typer.Typer(
    name="sluice",
    help="A control engine for initiatives: gates, rules, capacity, permits, a ledger.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    apply_commands,
    look_commands,
    explain_commands,
    ask_commands,
    launch_commands,
    conversion_commands,
    waiver_commands,
    deadlock_commands,
    stack_commands,
    simulate_commands,
    demo_commands,
    import_commands,
    schema_commands,
    init_commands,
):
    group.add_to(app)
ledger_rebuild.add_to(ledger_commands.app)
app.add_typer(rules_commands.app, name="rules")
app.add_typer(ledger_commands.app, name="ledger")
app.add_typer(permit_commands.app, name="permit")
app.add_typer(connectors_commands.app, name="connectors")


def main() -> NoReturn:
    """Runs the command that was typed and ends with its exit code."""
    code = run_command()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    if "temporalio" in sys.modules:
        # Its threads now and then abort the interpreter's shutdown (sdk-python issue 300), which
        # would replace the answer by 134. Everything that must be closed has been by now.
        os._exit(code)
    sys.exit(code)


def run_command() -> int:
    """Runs the command that was typed and returns its exit code; a fault is one message."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except SluicegateError as error:
        return report_failure(error)
    except BrokenPipeError:
        # Whoever read the output has gone, e.g. `sluice get measures | head`.
        sys.stderr.close()
    return 0
