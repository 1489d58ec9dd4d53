"""`sluice simulate`: stories about governance, and `sluice simulate capacity`: queues."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from console import story_commands
from console.exits import Exit
from console.options import AsPerson, Output
from console.output import Form
from console.running import finish, run

if TYPE_CHECKING:
    from console.simulating import WhatIf
    from measures.queueing.asking import PlayAsk
    from measures.queueing.outcome import Simulation


class _StoriesToo(TyperGroup):
    """Takes ``simulate FILE...`` for ``simulate story FILE...``, as it was before queues."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Names the command that is meant when none is."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["story", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_StoriesToo,
    help="Play stories against the real workflows, or the queues before the pools.",
    no_args_is_help=True,
    epilog="Example: sluice simulate 01-surge.yaml; sluice simulate capacity spring-signups",
)


def add_to(parent: typer.Typer) -> None:
    """Adds the commands of this module."""
    story_commands.add_to(app)
    app.command(epilog="Example: sluice simulate capacity spring-signups --move 15")(capacity)
    parent.add_typer(app, name="simulate")


def capacity(
    measure: Annotated[str, typer.Argument(metavar="MEASURE", help="The measure's id.")],
    file: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", help="Read measure and pools from files; needs no engine."),
    ] = None,
    replications: Annotated[int, typer.Option(help="How often it is played through.")] = 100,
    seed: Annotated[
        int | None, typer.Option(help="Where chance begins; from the content when left out.")
    ] = None,
    volume_error: Annotated[
        float, typer.Option(help="Standard deviation of the uplift, as a share of it.")
    ] = 0.1,
    service_error: Annotated[
        float, typer.Option(help="Standard deviation of what pools can do, as a share of it.")
    ] = 0.05,
    arrival_days: Annotated[
        str | None, typer.Option(metavar="MO,..,SU", help="How much arrives on each weekday.")
    ] = None,
    service_days: Annotated[
        str | None, typer.Option(metavar="MO,..,SU", help="How much is served on each weekday.")
    ] = None,
    steady: Annotated[
        bool, typer.Option("--steady", help="No chance at all: even arrivals, even service.")
    ] = False,
    what_capacity: Annotated[
        list[str] | None,
        typer.Option(
            "--capacity", metavar="POOL:PERIOD=AMOUNT", help="What if a pool took so much."
        ),
    ] = None,
    normal: Annotated[
        list[str] | None,
        typer.Option(metavar="POOL=AMOUNT", help="What arrives per period without the campaign."),
    ] = None,
    volume: Annotated[float | None, typer.Option(help="What if it reached so many people.")] = None,
    ramp: Annotated[
        str | None,
        typer.Option(metavar="PERCENT:DAYS,..", help="What if it grew in steps: 10:7,30:7,100."),
    ] = None,
    move: Annotated[
        int, typer.Option(metavar="DAYS", help="What if it came so many days later.")
    ] = 0,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the queue; one file per pool.")
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="The engine plays it and records it, for rules on waits."),
    ] = False,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Play a measure's arrivals against what its pools can do: backlog, waits, cost."""
    from console.answering import refusals_as_data
    from console.simulating import WhatIf, play_ask

    what_if = WhatIf.read(what_capacity or (), normal or (), volume, ramp, move)
    ask = play_ask(
        replications=replications,
        seed=seed,
        volume_error=volume_error,
        service_error=service_error,
        arrival_days=arrival_days,
        service_days=service_days,
        steady=steady,
    )
    if svg is not None and not svg.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {svg.parent}", param_hint="--svg")
    if record:
        _refuse_mix(file, what_if, svg)
        from console.simulation_recording import record as recorded

        with refusals_as_data(output):
            run(recorded(measure, ask, as_person, output))
    with refusals_as_data(output):
        simulation = _simulated(measure, file, what_if, ask)
        _show(simulation, what_if, svg, output)
    finish(Exit.DONE)


def _refuse_mix(file: list[Path] | None, what_if: "WhatIf", svg: Path | None) -> None:
    if file or svg is not None or what_if.words:
        raise typer.BadParameter(
            "what is recorded is played by the engine as plan and pools are; leave out -f, --svg"
            " and what is supposed",
            param_hint="--record",
        )


def _simulated(
    measure: str, file: list[Path] | None, what_if: "WhatIf", ask: "PlayAsk"
) -> "Simulation":
    from random import Random

    from console.output import aside
    from console.simulating import subject_from_files, subject_from_ledger
    from measures.queueing.outcome import simulate

    subject = subject_from_files(measure, file) if file else subject_from_ledger(measure)
    try:
        return simulate(what_if.applied(subject), ask, Random)
    except KeyboardInterrupt:
        aside().print("sluice: stopped; nothing was written", style="red")
        raise typer.Exit(130) from None


def _show(simulation: "Simulation", what_if: "WhatIf", svg: Path | None, output: Form) -> None:
    from console.output import print_data
    from console.simulation_showing import as_data, print_simulation, save_pictures

    files = save_pictures(simulation, svg) if svg is not None else []
    if output is not Form.TABLE:
        print_data(as_data(simulation, what_if.words, files), output)
        return
    print_simulation(simulation, what_if.words, files)


__all__ = ["add_to"]
