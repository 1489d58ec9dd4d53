"""The answer to a request, in words."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape

from console.exits import exit_for
from console.explaining import print_reason, print_ways_out
from console.output import Form, aside, print_data
from console.output import people as screen
from console.running import finish
from console.waiver_showing import counted, print_waived
from measures.answers import Answer
from measures.errors import RefusedError
from measures.status import Reason, Status

_COLOURS = {"pass": "green", "block": "red", "inconclusive": "yellow"}


def print_standing(status: Status) -> None:
    """Prints in one line where a measure stands."""
    waits = f", waits for {', '.join(status.waiting_for)}" if status.waiting_for else ""
    side = "cancelled" if status.cancelled else "on hold" if status.on_hold else status.verdict
    screen().print(f"{status.id} is {status.stage} ({side or 'not asked'}){waits}", markup=False)


@contextmanager
def refusals_as_data(output: Form) -> Iterator[None]:
    """Prints what is refused at the door as a program expects it, where a program asks."""
    try:
        yield
    except RefusedError as error:
        if output not in (Form.JSON, Form.YAML):
            raise
        print_data(_as_data(error), output)
        finish(exit_for(error.code))


@contextmanager
def denied_by_default(output: Form) -> Iterator[None]:
    """Ends a request for a permit with no where it cannot even be asked, as for an unknown name."""
    try:
        yield
    except RefusedError as error:
        if output in (Form.JSON, Form.YAML):
            print_data({**_as_data(error), "permit": "denied"}, output)
        else:
            said = f"launch permit denied: {error.message} ({error.code})"
            aside().print(said, style="red", markup=False)
        finish(exit_for(error.code, permit="denied"))


def _as_data(error: RefusedError) -> dict[str, object]:
    return {"accepted": False, "refused": error.code, "message": error.message}


def print_done(done: str, answer: Answer, before: str) -> None:
    """Prints what an accepted request did, what followed by itself, and the standing.

    Args:
        done: what was done, in words.
        before: the stage before it; empty when it is not known or does not matter.
    """
    out = screen()
    out.print(done, markup=False)
    _print_voided(answer)
    if before and before != answer.stage:
        out.print(f"The waiting request went through: {answer.stage}", markup=False)
    standing = f"{answer.measure} is {answer.stage}"
    if answer.on_hold:
        out.print(f"{standing} (on hold); to go on: sluice resume {answer.measure}", markup=False)
    elif answer.waiting_for:
        waits = f"waits for {', '.join(answer.waiting_for)}"
        why = f"sluice explain {answer.measure}"
        out.print(f"{standing} ({answer.verdict}), {waits}; why: {why}", markup=False)
    else:
        verdict = f" ({answer.verdict}{counted(answer.waived)})" if answer.verdict else ""
        out.print(standing + verdict, markup=False)


def print_answer(answer: Answer) -> None:
    """Prints whether a request was taken, what the gate said and where the measure stands."""
    out = screen()
    if answer.refused:
        out.print(f"[red]refused[/] {escape(answer.message)} [dim]({answer.refused})[/]")
        return
    if answer.permit:
        colour = "green" if answer.permit == "granted" else "red"
        out.print(
            f"launch permit [{colour}]{answer.permit}[/]{counted(answer.waived)}"
            f" for {answer.measure}"
        )
        if answer.permit_token and answer.permit_until:
            out.print(
                f"{answer.permit_id}, until {answer.permit_until:%Y-%m-%d %H:%M} UTC"
                " unless it is renewed:",
                markup=False,
            )
            # On one line whatever the width, to be copied.
            out.print(answer.permit_token, markup=False, soft_wrap=True)
    elif answer.verdict:
        colour = _COLOURS[answer.verdict]
        out.print(
            f"gate {answer.gate}: [{colour}]{answer.verdict}[/]{counted(answer.waived)};"
            f" {answer.measure} is [bold]{answer.stage}[/]"
        )
    else:
        out.print(f"done; {answer.measure} is [bold]{answer.stage}[/]")
    _print_voided(answer)
    for number, reason in enumerate(answer.reasons, start=1):
        print_reason(number, reason, {})
    print_waived(answer.waived, str)
    print_ways_out(answer, {}, out)
    if answer.waiting_for:
        out.print(
            f"\nThe request keeps waiting, for {', '.join(answer.waiting_for)};"
            " it goes through by itself.",
            markup=False,
        )
        if any(_is_about_capacity(reason) for reason in answer.reasons):
            what = f"what the pools can offer meanwhile: sluice explain {answer.measure}"
            out.print(what, markup=False)


def _is_about_capacity(reason: Reason) -> bool:
    """Tells whether a reason is a demand that is not covered, or a reservation that was lost."""
    return any(part.startswith(("demand:", "reservation")) for part in reason.subject.split())


def _print_voided(answer: Answer) -> None:
    for name in answer.voided:
        screen().print(f"[yellow]void[/] sign-off {escape(name)}: what was signed has changed")
