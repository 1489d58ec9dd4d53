"""Reporting what campaigns meet: the load of a pool, and what a campaign has delivered."""

from typing import Any, NoReturn

from console.exits import Exit
from console.output import Form
from console.running import run


def report_and_end(
    pool: str, given: dict[str, Any], as_person: str | None, output: Form
) -> NoReturn:
    """Reports a load and ends.

    Args:
        pool: the pool's id.
        given: the options as they were typed; those left out are None.
        as_person: what ``--as`` says.
        output: how the answer is shown.
    """
    from console.answering import refusals_as_data

    with refusals_as_data(output):
        run(_report(pool, given, as_person, output))


def delivery_of(
    spend: float | None, completed: float | None, reached: float | None
) -> tuple[dict[str, Any], str]:
    """Returns what a campaign has delivered as a report takes it, and in words."""
    import typer

    if spend is None or completed is None:
        raise typer.BadParameter("what a campaign has delivered needs --spend and --completed")
    given = {"spent": spend, "completed": completed, "reached": reached}
    whole = {
        name: int(value) if value is not None and value.is_integer() else value
        for name, value in given.items()
    }
    return whole, f"{whole['spent']:,} spent for {whole['completed']:,} completed onboardings"


async def _report(pool: str, given: dict[str, Any], as_person: str | None, output: Form) -> Exit:
    from console.asking import made
    from console.output import people, print_data
    from console.session import find_place, open_client
    from measures.errors import RefusedError
    from measures.requests import LoadInput

    place = find_place()
    fields = {"measured_at" if name == "at" else name: value for name, value in given.items()}
    ask = made(LoadInput, {"by": place.acting(as_person), **fields})
    async with open_client(place) as client:
        answer = await client.report_load(pool, ask)
    if not answer.accepted:
        raise RefusedError(answer.refused, answer.message)
    if output is not Form.TABLE:
        print_data(answer, output)
        return Exit.DONE
    out = people()
    out.print(
        f"{pool} is {answer.utilisation:.1%} used: {answer.action}, {answer.why}", markup=False
    )
    for measure, share in answer.shares.items():
        missed = " (its launch could not be told yet)" if measure in answer.missed else ""
        out.print(f"  {measure} runs at {share:.0%} of its ramp step{missed}", markup=False)
    return Exit.DONE
