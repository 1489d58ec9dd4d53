"""Two launches want one audience at the same moment: the ledger's one writer says who was first."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from ledger.store import Ledger
from ledger.writer import AsyncLedger
from measures.documents import document_content
from measures.entry import Draft, Entry
from measures.people import Person
from measures.requests import ReasonInput, SignInput
from tests.workflow.test_kills import Place
from tests.workflow.test_kills import place as place
from tests.workflow.test_kills_reserving import patiently

pytestmark = pytest.mark.temporal

Engine = Any


def most_permits_at_once(ledger: Ledger, *measures: str) -> int:
    """How many of these measures held a permit at the same moment, going by the record."""
    standing: set[str] = set()
    most = 0
    for entry in ledger.entries():
        name = entry.stream.removeprefix("measure:")
        if name not in measures:
            continue
        if entry.kind == "permit_granted":
            standing.add(name)
        elif entry.kind in ("permit_revoked", "permit_expired"):
            standing.discard(name)
        most = max(most, len(standing))
    return most


async def rivals(engine: Engine) -> tuple[str, str]:
    """Two decided measures whose campaigns are for the same people in the same days."""
    found = []
    for name in ("first", "second"):
        campaign = {**engine.campaign(), "ref": engine.id(name), "audience": [engine.id("all")]}
        measure = await engine.define(name, campaign=campaign)
        await engine.until(lambda measure=measure: engine.state(measure).campaign_told == "held")
        await engine.reach(measure, "decided")
        found.append(measure)
    return found[0], found[1]


@pytest.mark.parametrize("swapped", [False, True], ids=["in order", "swapped"])
async def test_who_is_recorded_first_has_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, swapped: bool
) -> None:
    """A rival launches between the verdict and its record; the verdict no longer counts."""
    slow, quick = sorted(await rivals(engine), reverse=swapped)
    append = AsyncLedger.append
    overtaken = []

    async def overtake(self: AsyncLedger, drafts: Sequence[Draft], *rest: Any) -> list[Entry]:
        granted = any(one.kind == "permit_granted" for one in drafts)
        if granted and drafts[0].stream == f"measure:{slow}" and not overtaken:
            overtaken.append(await engine.client.launch(quick, "olga"))
        return await append(self, drafts, *rest)

    monkeypatch.setattr(AsyncLedger, "append", overtake)
    answer = await engine.client.launch(slow, "olga")
    assert [one.permit for one in overtaken] == ["granted"]
    assert answer.permit == "denied"
    assert answer.blockers == ("launch.audience-is-free",)
    assert most_permits_at_once(engine.ledger, slow, quick) == 1
    await engine.client.cancel(quick, ReasonInput(by="olga", reason="enough"))
    await engine.until(lambda: engine.state(slow).permit is not None, "it does not go on")


async def test_at_once(engine: Engine) -> None:
    """One is granted, the other waits."""
    both = await rivals(engine)
    answers = await asyncio.gather(*(engine.client.launch(one, "olga") for one in both))
    assert sorted(one.permit for one in answers) == ["denied", "granted"]
    assert most_permits_at_once(engine.ledger, *both) == 1


async def test_over_a_kill(place: Place, engine: Engine) -> None:
    """The worker dies when the first permit is recorded; it is granted to one of them only."""
    now = place.stack().server.started
    for name, role in {"sam": "sponsor", "carla": "controller", "tom": "committee"}.items():
        person = Person.model_validate({"id": name, "name": name, "roles": (role,)})
        place.ledger.append_document("Person", name, document_content(person), "x", now, name)
    both = ("one", "two")
    for name in both:
        campaign = {
            **engine.campaign(),
            "ref": f"CMP-{name}",
            "launch_on": date.today().isoformat(),  # noqa: DTZ011
            "audience": ["all"],
        }
        plan = engine.plan(campaign=campaign, steering_committee=["tom"], demands=[])
        await place.client.define(plan.model_copy(update={"id": name}), "operator")
        for _ in ("identified", "detailed"):
            await place.client.advance(name, "olga")
        for by, role in (("sam", "sponsor"), ("tom", "committee")):
            ask = SignInput(by=by, gate="decided", role=role, advance=role == "committee")
            await place.client.sign(name, ask)
    asking = [
        asyncio.create_task(
            patiently(lambda name=name: place.client.launch(name, "olga", key=f"go-{name}"))
        )
        for name in both
    ]
    async with asyncio.timeout(90):
        while not most_permits_at_once(place.ledger, *both):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        place.kill("worker")
        answers = await asyncio.gather(*asking)
    assert sorted(one.permit for one in answers) == ["denied", "granted"]
    assert most_permits_at_once(place.ledger, *both) == 1
    place.ledger.verify()
