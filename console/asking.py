"""Having one request to a measure answered: who asks, with what, and how the command ends."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from console.exits import Exit, exit_for
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from console.session import Place
    from measures.answers import Answer
    from workflows.client import SluiceClient

MeasureName = Annotated[str, typer.Argument(metavar="MEASURE", help="The measure's id.")]
_Ask = Callable[["SluiceClient", str], Awaitable["Answer"]]
_Words = Callable[[str, "Answer"], str]
"""Says what somebody's accepted request did."""


def ask_and_end(
    measure: str,
    ask: _Ask,
    as_person: str | None,
    output: Form,
    words: _Words | None = None,
    *,
    judged: bool = False,
    may_pass: bool = True,
    permit: bool = False,
) -> NoReturn:
    """Asks and ends.

    Args:
        words: what was done; None where the answer is what the gate said.
        judged: the gate's answer ends the command even so.
        may_pass: a waiting request may go through because of it.
        permit: a permit is asked for: whatever is refused, it is denied.
    """
    from console.answering import denied_by_default, refusals_as_data

    refusals = denied_by_default if permit else refusals_as_data

    by_verdict = judged or words is None
    with refusals(output):
        run(_asked(measure, ask, as_person, output, words, by_verdict, may_pass))


async def _asked(
    measure: str,
    ask: _Ask,
    as_person: str | None,
    output: Form,
    words: _Words | None,
    by_verdict: bool,
    may_pass: bool,
) -> Exit:
    """Asks, prints the answer, and returns the exit code for it."""
    from console.answering import print_answer, print_done
    from console.output import people, print_data
    from console.session import find_place, open_client

    place = find_place()
    by = place.acting(as_person)
    before = ""
    if output is Form.TABLE and may_pass and not by_verdict:
        before = _stage(place, measure)
    async with open_client(place) as client:
        answer = await ask(client, by)
    if output is Form.NAME and answer.permit_token:
        typer.echo(answer.permit_token)
    elif output is not Form.TABLE:
        print_data(answer, output)
    elif answer.refused or words is None:
        print_answer(answer)
    elif by_verdict:
        people().print(words(by, answer), markup=False)
        print_answer(answer)
    else:
        print_done(words(by, answer), answer, before)
    if answer.accepted and not by_verdict:
        return Exit.DONE
    return exit_for(answer.refused, answer.verdict, answer.permit)


def _stage(place: "Place", measure: str) -> str:
    """Returns the stage a measure is in, for comparison; empty where the ledger is not at hand."""
    from console.session import open_ledger
    from measures.errors import SluicegateError

    with suppress(SluicegateError), open_ledger(place) as ledger:
        state = ledger.measure(measure)
        return state.stage if state else ""
    return ""


def made(model: type[Any], fields: dict[str, Any]) -> Any:
    """Returns a request, or says what does not fit in the words that documents are refused with."""
    import json

    from pydantic import ValidationError

    text = json.dumps(fields)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise typer.BadParameter("; ".join(_misfits(model, text)) or str(error)) from None


def _misfits(model: type[Any], request: str) -> list[str]:
    from rules.source import FaultsFound, parse, validate

    try:
        validate(parse(request, "request"), (0,), model)
    except FaultsFound as found:
        told = ((fault.message, fault.help) for fault in found.faults)
        return [f"{message}; {help_}" if help_ else message for message, help_ in told]
    return []


def assignment(text: str) -> tuple[str, Any]:
    """Reads ``path=value``; the value is JSON where it can be read as such, else text."""
    import json

    path, equals, value = text.partition("=")
    if not equals or not path:
        raise typer.BadParameter(f"write PATH=VALUE, not {text!r}")
    try:
        return path, json.loads(value, parse_constant=_refuse_constant)
    except json.JSONDecodeError:
        return path, value


def _refuse_constant(name: str) -> NoReturn:
    raise typer.BadParameter(f"{name} is no finite number")


def whole(amount: float) -> float | int:
    """Returns an amount as people write it, 13000 rather than 13000.0."""
    # Infinity and NaN are left for the request's model to refuse.
    return int(amount) if amount.is_integer() else amount
