"""Launches: a campaign does what its measure may, whatever happens to its system."""

from typing import Any

from connectors.memory import MemoryConnector
from measures.launch import LaunchState, PauseOrder
from measures.requests import ReasonInput


def crm(engine: Any) -> MemoryConnector:
    """The system behind the engine's memory connector, as a person sees it."""
    return MemoryConnector(engine.settings.state_dir)


def launch(engine: Any) -> LaunchState:
    """What the ledger says of the test's launch."""
    state = engine.ledger.launch(engine.id("CMP"))
    assert state is not None
    return state


async def shows(engine: Any, state: str, share: float = 1.0) -> None:
    """Waits until the system shows a state and the launch knows."""
    wanted = (state, share if state == "released" else 0.0)

    def look() -> bool:
        seen = crm(engine)._show(engine.id("CMP"))
        known = engine.ledger.launch(engine.id("CMP"))
        return (
            seen is not None
            and known is not None
            and (seen.state, seen.share) == wanted
            and known.confirmed
        )

    await engine.until(
        look, f"the campaign is not {wanted}: {engine.ledger.launch(engine.id('CMP'))}"
    )


async def launched(engine: Any, **campaign: Any) -> str:
    """A measure whose campaign has its permit."""
    measure = await engine.define(campaign={**engine.campaign(), **campaign})
    await engine.reach(measure, "decided")
    await shows(engine, "held")
    assert (await engine.client.launch(measure, "olga")).permit == "granted"
    return measure


async def test_a_campaign_is_held_until_its_permit_and_again_after_the_end(engine: Any) -> None:
    """Held from the day the measure exists; a cancelled measure's launch ends."""
    measure = await launched(engine)
    await shows(engine, "released")
    await engine.client.cancel(measure, ReasonInput(by="olga", reason="enough"))
    await shows(engine, "held")
    await engine.client.temporal.get_workflow_handle(f"launch:{engine.id('CMP')}").result()
    await engine.client.temporal.get_workflow_handle(f"measure:{measure}").result()
    assert launch(engine).phase == "ended"
    assert engine.state(measure).campaign_told == "held"


async def test_a_person_pauses_and_unpauses(engine: Any) -> None:
    """By those who have a part in the measure only."""
    await launched(engine)
    await shows(engine, "released")
    ref = engine.id("CMP")
    denied = await engine.client.pause_launch(ref, PauseOrder(by="kim", reason="I want to"))
    assert denied.refused == "not-entitled"
    paused = await engine.client.pause_launch(ref, PauseOrder(by="sam", reason="bad press"))
    assert paused.phase == "paused"
    await shows(engine, "held")
    again = await engine.client.pause_launch(ref, PauseOrder(by="sam", reason="bad press"))
    assert again.refused == "already-paused"
    await engine.client.unpause_launch(ref, PauseOrder(by="olga", reason="over"))
    await shows(engine, "released")
    nothing = await engine.client.unpause_launch(ref, PauseOrder(by="olga", reason="over"))
    assert nothing.refused == "not-paused"
