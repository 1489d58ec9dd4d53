"""`sluice demo`: the main job as a story in a terminal."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from console.options import Output
from console.output import Form


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog="Example: sluice demo --no-stay")(demo)


def demo(
    state: Annotated[
        Path, typer.Option(help="Where the demo keeps everything; it empties its own folder only.")
    ] = Path(".sluice/demo"),
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--no-stay", help="Leave the stack up at the end; on a terminal."),
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Play one campaign: blocked, crashed, cleared and launched on a real Temporal server."""
    import asyncio
    import dataclasses

    from console.demo import run_demo
    from console.output import aside, people, print_data

    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    told_to_people = output is Form.TABLE
    stays = interactive and told_to_people if stay is None else stay
    try:
        told = asyncio.run(run_demo(state, people() if told_to_people else aside(), stay=stays))
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    if not told_to_people:
        print_data(dataclasses.asdict(told), output)
