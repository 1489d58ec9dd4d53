"""`sluice simulate FILE...`: playing stories about governance on a server that skips time."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.exits import Exit
from console.options import Output
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from console.playing import StepResult, StoryResult
    from console.story import Story


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog="Example: sluice simulate story stories/01-surge.yaml -o json")(story)


def story(
    file: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Stories to play.")],
    output: Output = Form.TABLE,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the ledger and logs of each story.")
    ] = False,
) -> None:
    """Play stories against the real workflows; 90 days take seconds."""
    from console.story import read_story

    for path in file:
        if not path.is_file():
            raise typer.BadParameter(f"there is no file {path}")
    stories = [read_story(path) for path in file]
    # Being ended is an end like Ctrl-C: what was started and made is cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run(_simulate(stories, output, keep=keep))


async def _simulate(stories: "list[Story]", output: Form, *, keep: bool) -> Exit:
    import os
    import shutil

    from console.output import people, print_data
    from console.playing import play
    from console.session import find_place
    from console.theatre import open_theatre

    home = find_place().settings.state_dir / "simulate"
    results: list[StoryResult] = []
    for story in stories:
        folder = home / f"{story.file.stem}-{os.getpid()}"
        table = output is Form.TABLE
        if table:
            people().print(f"[bold]{story.title}[/]  [dim]{story.file}[/]")
        try:
            async with open_theatre(folder, keep=True) as theatre:
                result = await play(story, theatre, _print_step if table else _say_nothing)
        finally:
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
        results.append(result)
        if table:
            _print_end(result, folder if keep else None)
    if output is not Form.TABLE:
        print_data(results if len(results) > 1 else results[0], output)
    return Exit.DONE if all(result.held for result in results) else Exit.FAILED


def _print_step(result: "StepResult") -> None:
    from console.output import people

    out = people()
    mark = "[green]✓[/]" if result.held else "[red]✗[/]"
    by = f" as {result.by}" if result.by and result.by != "operator" else ""
    told = {
        name: value
        for name, value in result.result.items()
        if name
        in ("verdict", "stage", "refused", "permit", "freed_for", "lost", "granted", "action")
        and value not in ("", None)
    }
    shown = ", ".join(f"{name} {value}" for name, value in told.items())
    out.print(f"  {mark} {result.step:>2} {result.verb} {result.subject}{by}: {shown}")
    for difference in result.differences:
        out.print(f"      line {result.line}: {difference}", style="red", markup=False)


def _say_nothing(result: "StepResult") -> None:
    """Prints nothing: the whole result is printed as data at the end."""


def _print_end(result: "StoryResult", folder: Path | None) -> None:
    from console.output import people

    failed = sum(1 for step in result.steps if not step.held)
    verdict = "[green]held[/]" if result.held else f"[red]{failed} steps did not hold[/]"
    people().print(f"  {verdict} in {result.seconds:.1f} s\n")
    if folder is not None:
        people().print(f"  kept in {folder}", markup=False)
