"""`sluice pause` and `sluice unpause`: stopping one campaign without holding its measure."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from workflows.contract import LaunchAnswer

CampaignRef = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name in its system.")
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog='Example: sluice pause CMP-1 --reason "bad press" --as sam')(pause)
    app.command(epilog='Example: sluice unpause CMP-1 --reason "over" --as sam')(unpause)


def pause(
    campaign: CampaignRef,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Stop a campaign until it is unpaused; its permit ends meanwhile, its measure goes on."""
    run(_ask("pause", campaign, reason, as_person, output))


def unpause(
    campaign: CampaignRef,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Let a paused campaign go on, once its launch gate passes again."""
    run(_ask("unpause", campaign, reason, as_person, output))


async def _ask(verb: str, campaign: str, reason: str, as_person: str | None, output: Form) -> Exit:
    from console.asking import made
    from console.output import people, print_data
    from console.session import find_place, open_client
    from measures.errors import RefusedError
    from measures.launch import PauseOrder

    place = find_place()
    order = made(PauseOrder, {"by": place.acting(as_person), "reason": reason})
    async with open_client(place) as client:
        ask = client.pause_launch if verb == "pause" else client.unpause_launch
        answer: LaunchAnswer = await ask(campaign, order)
    if not answer.accepted:
        raise RefusedError(answer.refused, answer.message)
    if output is Form.TABLE:
        people().print(f"{campaign}: {answer.phase}", markup=False)
    else:
        print_data(answer, output)
    return Exit.DONE
