"""`sluice waive`: sets one named blocker aside, or ends a waiver before its time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, NoReturn

import typer

from console.asking import MeasureName, ask_and_end, made
from console.options import AsPerson, Output, Reason
from console.output import Form

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SPAN = re.compile(r"\d+[smhdw]", re.ASCII)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(
        epilog="Example: sluice waive crm --gate decided --rule decided.lead-times-fit"
        ' --until 30d --reason "the agency works over Christmas" --as sam'
    )(waive)


def waive(
    measure: MeasureName,
    rule: Annotated[str | None, typer.Option(help="The rule whose blocker is set aside.")] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="What the blocker is about, as `explain -o json` has it; if several."),
    ] = None,
    gate: Annotated[str | None, typer.Option(help="The gate that it blocks.")] = None,
    up_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=BOUND",
            help="Let a number or a day that the blocker shows move up to here.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DATE|SPAN", help="Through that day (UTC), or for so long: 30d."),
    ] = None,
    revoke: Annotated[
        str | None, typer.Option(metavar="ID", help="End this waiver now instead of giving one.")
    ] = None,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Set one named blocker aside until a day; the waiting request moves on by itself.

    It covers exactly what is seen now, and nothing any more when a value changes. Where more is
    accepted, say with --up-to how far which value may move.
    """
    given = {"--rule": rule, "--gate": gate, "--until": until}
    if revoke is not None:
        more = {**given, "--subject": subject, "--up-to": up_to}
        extra = [name for name, value in more.items() if value]
        if extra:
            raise typer.BadParameter(f"--revoke names a waiver; leave out {', '.join(extra)}")
        _revoke(measure, revoke, reason, as_person, output)
    missing = [name for name, value in {**given, "--reason": reason}.items() if not value]
    if missing:
        raise typer.BadParameter(f"a waiver needs {', '.join(missing)}")
    fields: dict[str, Any] = {
        "gate": gate,
        "rule": rule,
        "reason": reason,
        **_ending(until or ""),
    }
    fields["up_to"] = dict(_bound(text) for text in up_to or ())
    if subject is not None:
        fields["subject"] = subject
    _waive(measure, fields, as_person, output)


def _waive(measure: str, fields: dict[str, Any], as_person: str | None, output: Form) -> NoReturn:
    from measures.requests import WaiveInput

    ask_and_end(
        measure,
        lambda client, by: client.waive(measure, made(WaiveInput, {"by": by, **fields})),
        as_person,
        output,
        lambda by, answer: (
            f"waiver {answer.waiver} by {by}: {fields['rule']} does not hold gate"
            f" {fields['gate']} as it is seen now, until {answer.waiver_until:%Y-%m-%d %H:%M} UTC;"
            " take it back:"
            f" sluice waive {measure} --revoke {answer.waiver} --reason ..."
        ),
    )


def _revoke(measure: str, name: str, reason: str, as_person: str | None, output: Form) -> NoReturn:
    from measures.requests import RevokeInput

    if not reason:
        raise typer.BadParameter("say why it is revoked: --reason TEXT")
    waiver = name.removeprefix(f"{measure}/")
    ask_and_end(
        measure,
        lambda client, by: client.revoke_waiver(
            measure, made(RevokeInput, {"by": by, "waiver": waiver, "reason": reason})
        ),
        as_person,
        output,
        lambda by, _: f"waiver {waiver} revoked by {by}: {reason}",
    )


def _bound(text: str) -> tuple[str, str]:
    """Reads how far a value may move; its name and its bound, as text."""
    from measures.model import parse_bound

    name, equals, bound = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"--up-to: write NAME=BOUND, such as short=3000, not {text!r}")
    try:
        parse_bound(bound)
    except ValueError as error:
        raise typer.BadParameter(f"--up-to {name}: {error}") from None
    return name, bound


def _ending(text: str) -> dict[str, str]:
    """Reads when a waiver ends: a day counts to its end, a span from now on."""
    from measures.model import parse_span

    if _DAY.fullmatch(text):
        return {"until": _end_of_day(text).isoformat()}
    if _SPAN.fullmatch(text):
        try:
            parse_span(text)
        except ValueError as error:
            raise typer.BadParameter(f"--until: {error}") from None
        return {"for": text}
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"--until: {text!r} is neither a day, such as 2031-03-02, nor a moment, such as"
            " 2031-03-02T18:00Z, nor a span from now, such as 30d"
        ) from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"--until: {text} needs its time zone, such as {text}Z")
    return {"until": moment.isoformat()}


def _end_of_day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"--until: there is no day {text}") from None
