"""Commands that ask a measure or a pool for something: one for each request."""

from collections.abc import Awaitable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from console.asking import MeasureName, ask_and_end, assignment, made, whole
from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from measures.answers import Answer
    from workflows.client import SluiceClient


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog="Example: sluice advance spring-signups --as olga")(advance)
    app.command(epilog="Example: sluice launch spring-signups --as olga")(launch)
    app.command(
        epilog="Example: sluice sign spring-signups --gate decided --role sponsor --as sam"
    )(sign)
    app.command(epilog="Example: sluice amend spring-signups --set campaign.budget=200000")(amend)
    app.command(
        epilog="Examples: sluice report crm --kpi churn --period 2031-03 --value 4.6;"
        " sluice report load kyc --value 12500 --as kim"
    )(report)
    app.command(epilog="Example: sluice capacity kyc --period 2031-03 --amount 13000 --as kim")(
        capacity
    )
    app.command(epilog='Example: sluice hold spring-signups --reason "budget review"')(hold)
    app.command(epilog="Example: sluice resume spring-signups")(resume)
    app.command(epilog='Example: sluice cancel spring-signups --reason "no longer wanted"')(cancel)
    app.command("step-back", epilog='Example: sluice step-back crm --reason "wrong target"')(
        step_back
    )


def advance(measure: MeasureName, as_person: AsPerson = None, output: Output = Form.TABLE) -> None:
    """Ask for the next gate; a blocked request keeps waiting and goes through by itself."""
    ask_and_end(measure, lambda client, by: client.advance(measure, by), as_person, output)


def launch(measure: MeasureName, as_person: AsPerson = None, output: Output = Form.TABLE) -> None:
    """Ask for the launch permit."""
    ask_and_end(
        measure, lambda client, by: client.launch(measure, by), as_person, output, permit=True
    )


def sign(
    measure: MeasureName,
    gate: Annotated[str, typer.Option(help="The gate to sign.")],
    role: Annotated[str, typer.Option(help="sponsor, committee, controller or owner.")],
    decision: Annotated[str, typer.Option(help="approve or reject.")] = "approve",
    advance: Annotated[bool, typer.Option("--advance", help="Also ask for this gate.")] = False,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Give a role's decision at a gate, bound to the content as it is now."""
    from measures.requests import SignInput

    content = {"gate": gate, "role": role, "decision": decision, "advance": advance}
    verb = "rejected" if decision == "reject" else "signed"
    ask_and_end(
        measure,
        lambda client, by: client.sign(measure, made(SignInput, {"by": by, **content})),
        as_person,
        output,
        lambda by, _: f"{by} {verb} gate {gate} as {role}",
        judged=advance,
    )


def amend(
    measure: MeasureName,
    changes: Annotated[
        list[str],
        typer.Option("--set", metavar="PATH=VALUE", help="A field and its new value; repeatable."),
    ],
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Change single fields of a plan, until it freezes."""
    from measures.requests import AmendInput

    fields = dict(assignment(change) for change in changes)
    ask_and_end(
        measure,
        lambda client, by: client.amend(measure, made(AmendInput, {"by": by, "set": fields})),
        as_person,
        output,
        lambda *_: f"changed {', '.join(fields)}",
    )


def report(
    measure: Annotated[
        str, typer.Argument(metavar="MEASURE|load", help="The measure's id; or: load POOL.")
    ],
    pool: Annotated[
        str | None, typer.Argument(metavar="[POOL]", help="The pool whose load it is.")
    ] = None,
    kpi: Annotated[str | None, typer.Option(help="A KPI's id; with --period and --value.")] = None,
    period: Annotated[
        str | None,
        typer.Option(help="Of a KPI: a period that is over. Of a load: the one it is of."),
    ] = None,
    value: Annotated[
        float | None,
        typer.Option(help="The KPI's value; the load of a whole period at the present pace."),
    ] = None,
    to_date: Annotated[
        float | None, typer.Option(help="Load: what came since the period began.")
    ] = None,
    utilisation: Annotated[
        float | None, typer.Option(help="Load: as a part of the capacity, 0.9 is 90 %.")
    ] = None,
    capacity: Annotated[
        float | None, typer.Option(help="Load: what the pool can take as things are.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Load: when it was so; else now.")
    ] = None,
    milestone: Annotated[str | None, typer.Option(help="A milestone's id; with --on.")] = None,
    commitment: Annotated[str | None, typer.Option(help="A commitment's id; with --on.")] = None,
    on: Annotated[str | None, typer.Option(metavar="DAY", help="When it was done.")] = None,
    forecast: Annotated[list[str] | None, typer.Option(metavar="LINE=AMOUNT")] = None,
    actual: Annotated[list[str] | None, typer.Option(metavar="LINE=AMOUNT")] = None,
    spend: Annotated[
        float | None, typer.Option(help="What the campaign has spent so far; with --completed.")
    ] = None,
    completed: Annotated[
        float | None, typer.Option(help="Onboardings that it has completed so far.")
    ] = None,
    reached: Annotated[
        float | None, typer.Option(help="People that it has reached so far.")
    ] = None,
    evidence: Annotated[str | None, typer.Option(metavar="ID:SHA256", help="A proof.")] = None,
    title: Annotated[str | None, typer.Option(help="The proof's title.")] = None,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Report news: of a measure a KPI, a milestone, money or evidence; of a pool its live load."""
    from measures.requests import ReportInput

    of_load = {"to_date": to_date, "utilisation": utilisation, "capacity": capacity, "at": at}
    if pool is not None:
        if measure != "load":
            raise typer.BadParameter(f"a report is of a measure, or of a pool: load {pool}")
        from console.load_reporting import report_and_end

        report_and_end(pool, {"value": value, "period": period, **of_load}, as_person, output)
    if any(given is not None for given in of_load.values()):
        raise typer.BadParameter("a load is reported of a pool: sluice report load POOL ...")

    done = on or date.today().isoformat()  # noqa: DTZ011 - the reporter's own day
    news: dict[str, Any] = {}
    told = ""
    parts = {"--kpi": kpi, "--period": period, "--value": value}
    missing = [name for name, given in parts.items() if given is None]
    if 0 < len(missing) < len(parts):
        raise typer.BadParameter(f"a KPI needs {', '.join(parts)}; missing: {', '.join(missing)}")
    if kpi is not None and value is not None:
        news["kpi"] = {"id": kpi, "period": period, "value": value}
        told = f"kpi {kpi} {period}: {whole(value)}"
    if milestone is not None:
        news["milestone"] = {"id": milestone, "done_on": done}
        told = f"milestone {milestone}: {done}"
    if commitment is not None:
        news["commitment"] = {"id": commitment, "kept_on": done}
        told = f"commitment {commitment}: {done}"
    if forecast:
        news["forecast"] = dict(assignment(line) for line in forecast)
        told = f"forecast {', '.join(forecast)}"
    if actual:
        news["actual"] = dict(assignment(line) for line in actual)
        told = f"actual {', '.join(actual)}"
    if spend is not None or completed is not None or reached is not None:
        from console.load_reporting import delivery_of

        news["delivery"], told = delivery_of(spend, completed, reached)
    if evidence is not None:
        name, _, sha256 = evidence.partition(":")
        news["evidence"] = {"id": name, "title": title or name, "sha256": sha256}
        told = f"evidence {name}"
    ask_and_end(
        measure,
        lambda client, by: client.report(measure, made(ReportInput, {"by": by, **news})),
        as_person,
        output,
        lambda _, answer: (
            f"reported {told}"
            + (f"; it is on hold, see: sluice explain {measure}" if answer.on_hold else "")
        ),
    )


def hold(
    measure: MeasureName,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Stop a measure until it is resumed; its campaign is held too."""
    _side_move("hold", "on hold", measure, reason, as_person, output)


def resume(
    measure: MeasureName,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """End a hold."""
    _side_move("resume", "resumed", measure, reason, as_person, output)


def cancel(
    measure: MeasureName,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """End a measure without a result and release its capacity."""
    _side_move("cancel", "cancelled", measure, reason, as_person, output)


def step_back(
    measure: MeasureName,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Go back to the stage before; its gate must be passed and signed again."""
    _side_move("step_back", "back in stage", measure, reason, as_person, output)


def capacity(
    pool: Annotated[str, typer.Argument(metavar="POOL", help="The pool's id.")],
    period: Annotated[list[str], typer.Option(help="2031-03, 2031-W09 or 2031-03-02; repeatable.")],
    amount: Annotated[
        list[float], typer.Option(help="What it can take, in its unit; one for each --period.")
    ],
    connector: Annotated[
        str | None, typer.Option(help="The connected system that fed the number.")
    ] = None,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Report what a pool can take; waiting measures that now fit move on by themselves."""
    from console.answering import refusals_as_data

    if len(period) != len(amount):
        raise typer.BadParameter(
            f"{len(period)} periods and {len(amount)} amounts: give --amount once for each --period"
        )
    told = [
        {"period": one, "amount": whole(much), "connector": connector}
        for one, much in zip(period, amount, strict=True)
    ]
    with refusals_as_data(output):
        run(_capacity(pool, told, as_person, output))


async def _capacity(
    pool: str, told: list[dict[str, Any]], as_person: str | None, output: Form
) -> Exit:
    from console.output import people, print_data
    from console.pool_showing import print_uncovered
    from console.session import find_place, open_client
    from measures.errors import RefusedError
    from measures.requests import CapacityInput

    place = find_place()
    by = place.acting(as_person)
    # All of them before the first is sent: a mistake in the last must not leave half of it done.
    asks = [made(CapacityInput, {"by": by, **one}) for one in told]
    answers: list[dict[str, Any]] = []
    async with open_client(place) as client:
        for ask in asks:
            answer = await client.report_capacity(pool, ask)
            if not answer.accepted:
                raise RefusedError(answer.refused, answer.message)
            freed = await client.freed_by(answer)
            answers.append({**answer.model_dump(mode="json"), "freed_for": freed})
            if output is not Form.TABLE:
                continue
            people().print(f"{pool} {ask.period}: {ask.amount:,} reported by {by}", markup=False)
            print_uncovered(pool, answer.uncovered)
            for measure in freed:
                people().print(f"{measure} has moved on", markup=False)
    if output is not Form.TABLE:
        print_data(answers[0] if len(answers) == 1 else answers, output)
    return Exit.DONE


def _side_move(
    verb: str, done: str, measure: str, reason: str, as_person: str | None, output: Form
) -> NoReturn:
    from measures.requests import ReasonInput

    def move(client: "SluiceClient", by: str) -> Awaitable["Answer"]:
        ask = getattr(client, verb)
        return cast(
            "Awaitable[Answer]", ask(measure, made(ReasonInput, {"by": by, "reason": reason}))
        )

    def words(_: str, answer: "Answer") -> str:
        stage = f" {answer.stage}" if verb == "step_back" else ""
        return f"{done}{stage}" + (f": {reason}" if reason else "")

    # Only a resumed measure can go through a gate because of a side move.
    ask_and_end(measure, move, as_person, output, words, may_pass=verb == "resume")
