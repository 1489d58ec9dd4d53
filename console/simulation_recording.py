"""Having the engine simulate a measure's queues and record what comes of it."""

from typing import TYPE_CHECKING

from console.answering import print_done
from console.asking import made
from console.exits import Exit
from console.output import Form, people, plain, print_data
from console.session import find_place, open_client, open_ledger
from console.simulation_showing import print_waits, told
from measures.errors import RefusedError
from measures.requests import ReportInput

if TYPE_CHECKING:
    from measures.queueing.asking import PlayAsk


async def record(measure: str, ask: "PlayAsk", as_person: str | None, output: Form) -> Exit:
    """Asks the engine to play the queues as they are now, and shows what it recorded.

    The engine plays them itself: what rules judge by is never a figure that somebody sent.

    Raises:
        RefusedError: as the engine refuses it.
    """
    place = find_place()
    by = place.acting(as_person)
    async with open_client(place) as client:
        report = made(ReportInput, {"by": by, "queue": ask.model_dump(mode="json")})
        answer = await client.report(measure, report)
    if not answer.accepted:
        raise RefusedError(answer.refused, answer.message)
    with open_ledger(place) as ledger:
        state = ledger.measure(measure)
    queue = state.queue if state else None
    if output is not Form.TABLE:
        print_data({**plain(answer), "queue": plain(queue)}, output)
        return Exit.DONE
    if queue is not None:
        print_waits(queue.pools)
        people().print()
        for wait in queue.pools:
            for line in told(wait):
                people().print(line, markup=False)
        people().print()
    print_done(f"recorded for {by}, {ask.replications} replications", answer, "")
    return Exit.DONE


__all__ = ["record"]
