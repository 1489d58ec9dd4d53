"""`sluice actuals` and `sluice confirm`: what really came, and who can take what is coming."""

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from console.asking import MeasureName, ask_and_end, made
from console.exits import Exit
from console.options import AsPerson, Output
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from ledger.store import Ledger
    from measures.conversion import Conversion
    from measures.requests import ActualsInput


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(
        epilog="Example: sluice actuals clicks-to-leads --period 2031-03 --in 250000 --out 14100"
    )(actuals)
    app.command(
        epilog="Example: sluice confirm spring-signups --pool kyc --as kim,"
        ' or --decline "two of us are ill" if it cannot be taken'
    )(confirm)


def confirm(
    measure: MeasureName,
    pool: Annotated[str, typer.Option(help="The pool that the surge touches.")],
    period: Annotated[
        str | None, typer.Option(help="Only this period; all that wait for you by default.")
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="Only this team; the pool and all that wait for you.")
    ] = None,
    decline: Annotated[
        str | None,
        typer.Option(metavar="WHY", help="It cannot be taken; takes back a confirmation."),
    ] = None,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Confirm that a pool or a team can take more than is normal; for the amount as it is now."""
    from measures.requests import ReportInput

    surge = {"pool": pool, "period": period, "team": team, "declined": decline}
    words = " ".join(part for part in (pool, team, period) if part)
    done = f"confirmed the surge at {words}"
    if decline is not None:
        done = f"declined the surge at {words}; gate and launch are shut until it is confirmed"
    ask_and_end(
        measure,
        lambda client, by: client.report(measure, made(ReportInput, {"by": by, "surge": surge})),
        as_person,
        output,
        lambda by, _: f"{by} {done}",
    )


def actuals(
    conversion: Annotated[str, typer.Argument(metavar="CONVERSION", help="The conversion's id.")],
    period: Annotated[str, typer.Option(help="A period that is over: 2031-03.")],
    went_in: Annotated[float, typer.Option("--in", help="How many units went in.")],
    came_out: Annotated[float, typer.Option("--out", help="How many units came out of them.")],
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Report what really went in and came out; the ratio learns, and who waits for it is judged."""
    from console.answering import refusals_as_data

    with refusals_as_data(output):
        run(_actuals(conversion, period, went_in, came_out, as_person, output))


async def _actuals(
    name: str, period: str, went_in: float, came_out: float, as_person: str | None, output: Form
) -> Exit:
    from console.conversion_showing import view_of
    from console.output import people, print_data
    from console.session import find_place, open_client, open_ledger
    from measures.chains import CONVERSIONS
    from measures.conversion import estimate_of
    from measures.requests import ActualsInput

    place = find_place()
    by = place.acting(as_person)
    report = {"by": by, "period": period, "went_in": went_in, "came_out": came_out}
    ask = made(ActualsInput, report)
    async with open_client(place) as client:
        with open_ledger(place) as ledger:
            before, after, version = _record(ledger, name, ask)
            waiting = ledger.waiting_on(CONVERSIONS)
            await client.tell_facts_changed(waiting)
            settled = await client.settle_all(waiting)
            freed = [one for one in waiting if _has_moved(ledger, one)] if settled else []
    view = view_of(after, version)
    if output is not Form.TABLE:
        print_data({**view.model_dump(mode="json"), "freed_for": freed}, output)
        return Exit.DONE
    lesson = next(one for one in view.history if one.period == period)
    out = people()
    far = "; that is far off, so it counts as three standard deviations" if lesson.outlier else ""
    out.print(
        f"{name} {period}: {went_in:,.10g} {view.from_unit} became {came_out:,.10g}"
        f" {view.to_unit}{far}",
        markup=False,
    )
    out.print(
        f"ratio {estimate_of(before).mean:.4g} -> {view.ratio:.4g}, plus or minus {view.error:.1%}"
        f" ({view.version})",
        markup=False,
    )
    for measure in freed:
        out.print(f"{measure} has moved on", markup=False)
    return Exit.DONE


def _record(
    ledger: "Ledger", name: str, ask: "ActualsInput"
) -> "tuple[Conversion, Conversion, int]":
    """Records a report on top of the newest version; two at once both count, one after the other.

    What is reported already in the same words makes no new version.

    Returns:
        The conversion before and after, and how many versions there are.

    Raises:
        RefusedError: ``not-found``, or what `measures.conversion.report_actual` refuses.
    """
    from console.session import system_clock
    from measures.conversion import Conversion, report_actual
    from measures.errors import RefusedError
    from measures.model import restore

    command = str(uuid.uuid4())
    while True:
        applied = ledger.document("Conversion", name)
        if applied is None:
            raise RefusedError(
                "not-found", f"there is no conversion {name!r}: sluice get conversions"
            )
        before = restore(Conversion, applied.body)
        after, draft = report_actual(
            before,
            version=applied.version,
            period=ask.period,
            went_in=ask.went_in,
            came_out=ask.came_out,
            by=ask.by,
            at=system_clock(),
            command=command,
        )
        known = before.actuals.get(ask.period)
        if known is not None and (known.went_in, known.came_out) == (ask.went_in, ask.came_out):
            return before, before, applied.version
        if ledger.append([draft])[0].command == command:
            return before, after, draft.number


def _has_moved(ledger: "Ledger", measure: str) -> bool:
    state = ledger.measure(measure)
    return state is not None and state.request is None
