"""`sluice up`, `sluice worker` and `sluice webhooks`: starting the engine's processes."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from console.options import Output
from console.output import Form


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog="Example: sluice up")(up)
    app.command(epilog="Example: SLUICE_TEMPORAL_ADDRESS=temporal:7233 sluice worker")(worker)
    app.command(epilog="Example: SLUICE_WEBHOOK_ADDRESS=0.0.0.0:8480 sluice webhooks")(webhooks)


def up(
    state: Annotated[
        Path | None,
        typer.Option(help="Where everything is kept; SLUICE_STATE_DIR or .sluice if left out."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The Temporal port; a free one if left out.")
    ] = None,
    attach: Annotated[
        bool, typer.Option("--attach", help="A stack that runs already is fine.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the stack that runs there.")] = False,
    output: Output = Form.TABLE,
) -> None:
    """Start Temporal, worker, ledger and webhook server on this machine; Ctrl-C ends all of it."""
    from console.settings import ConsoleSettings

    options = ["--webhooks", "--state", str(state or ConsoleSettings.load().state_dir)]
    if port is not None:
        options += ["--port", str(port)]
    chosen = {"--attach": attach, "--stop": stop, "--json": output is Form.JSON}
    _become("worker.stack", *options, *(name for name, wanted in chosen.items() if wanted))


def worker(output: Output = Form.TABLE) -> None:
    """Run a worker against the Temporal server that the settings name; any number may run.

    With -o json its log is one JSON line per event.
    """
    if output is Form.JSON:
        os.environ["SLUICE_LOG_FORMAT"] = "json"
    _become("worker")


def webhooks(output: Output = Form.TABLE) -> None:
    """Take webhooks of connected systems into the ledger's inbox; any number may run.

    With -o json its log is one JSON line per event.
    """
    if output is Form.JSON:
        os.environ["SLUICE_LOG_FORMAT"] = "json"
    _become("worker.inbound")


def _become(module: str, *options: str) -> NoReturn:
    """Turns this process into another, so that signals reach the one that must hear them."""
    arguments = [sys.executable, "-P", "-m", module, *options]
    os.execv(sys.executable, arguments)  # noqa: S606 - no shell is the point
