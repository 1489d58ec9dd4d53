"""Launches: a campaign does what its measure may, whatever happens to its system."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty

from connectors.memory import MemoryConnector
from console.plan_cases import Scenes
from console.rebuilding import rebuild
from ledger.history import past_decisions
from ledger.live import live_measures
from measures.blackouts import Blackout
from measures.documents import document_content
from measures.errors import RefusedError
from measures.launch import FLIPS, LaunchState, PauseOrder, Sighting
from measures.requests import AmendInput, ReasonInput
from measures.state import MeasureState


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


async def server_now(engine: Any) -> datetime:
    """The time on the time-skipping server's clock."""
    answer = await engine.client.temporal.test_service.get_current_time(Empty())
    now: datetime = answer.time.ToDatetime(tzinfo=UTC)
    return now


def apply_blackout(engine: Any, begins: datetime, ends: datetime) -> None:
    """A black-out for the test's campaign becomes known."""
    audience = {"scope": {"types": ["efficiency"]}}
    content = {"id": engine.id("quiet"), "reason": "settlement", "owner": "kim", **audience}
    blackout = Blackout.model_validate({**content, "starts": begins, "ends": ends}, strict=False)
    engine.ledger.append_document(
        "Blackout", blackout.id, document_content(blackout), "operator", begins, blackout.id
    )


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
    blank = await engine.client.pause_launch(ref, PauseOrder(by="sam", reason="  "))
    assert blank.refused == "no-reason"
    paused = await engine.client.pause_launch(ref, PauseOrder(by="sam", reason="bad press"))
    assert paused.phase == "paused"
    await shows(engine, "held")
    again = await engine.client.pause_launch(ref, PauseOrder(by="sam", reason="bad press"))
    assert again.refused == "already-paused"
    await engine.client.unpause_launch(ref, PauseOrder(by="olga", reason="over"))
    await shows(engine, "released")
    nothing = await engine.client.unpause_launch(ref, PauseOrder(by="olga", reason="over"))
    assert nothing.refused == "not-paused"


async def test_a_campaign_opened_by_hand_is_found_put_back_and_reported(own_engine: Any) -> None:
    """While the gate is shut, whoever opens it in the system's own pages."""
    async with own_engine(watch=0.05) as engine:
        await engine.define(campaign=engine.campaign())
        await shows(engine, "held")
        crm(engine).set_by_hand(engine.id("CMP"), "released")
        await engine.until(lambda: launch(engine).put_backs == 1)
        await shows(engine, "held")
        found = launch(engine).last_put_back
        assert found is not None
        assert found.seen is not None
        assert (found.seen.state, found.wanted.state) == ("released", "held")
        kinds = [one.kind for one in engine.ledger.entries(f"launch:{engine.id('CMP')}")]
        assert kinds[-2:] == ["campaign_put_back", "campaign_observed"]


async def test_a_fight_over_a_campaign_is_handed_to_a_person(own_engine: Any) -> None:
    """It stays held, and even its permit does not open it before somebody has looked."""
    async with own_engine(watch=0.05) as engine:
        measure = await engine.define(campaign=engine.campaign())
        await shows(engine, "held")
        for count in range(FLIPS):
            crm(engine).set_by_hand(engine.id("CMP"), "released")
            await engine.until(lambda count=count: launch(engine).put_backs > count)
            await shows(engine, "held")
        assert launch(engine).escalated_at is not None
        assert set(launch(engine).pauses) == {"tampered"}
        await engine.reach(measure, "decided")
        answer = await engine.client.launch(measure, "olga")
        assert answer.blockers == ("launch.campaign-obeys",)
        await engine.client.unpause_launch(engine.id("CMP"), PauseOrder(by="olga", reason="seen"))
        await shows(engine, "released")


async def test_a_campaign_stopped_by_hand_stays_stopped(own_engine: Any) -> None:
    """Stopping is always safe: it is taken as a pause, not fought."""
    async with own_engine(watch=0.05) as engine:
        await launched(engine)
        await shows(engine, "released")
        crm(engine).set_by_hand(engine.id("CMP"), "held")
        await engine.until(lambda: set(launch(engine).pauses) == {"outside"})
        assert launch(engine).put_backs == 0
        await engine.client.unpause_launch(engine.id("CMP"), PauseOrder(by="sam", reason="fine"))
        await shows(engine, "released")


async def test_a_quiet_campaign_costs_no_events(
    own_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often its system is looked at."""
    async with own_engine(watch=0.02) as engine:
        await engine.define(campaign=engine.campaign())
        await shows(engine, "held")
        looks = [0]
        look = MemoryConnector.look

        async def counted(self: MemoryConnector, ref: str) -> Any:
            looks[0] += 1
            return await look(self, ref)

        monkeypatch.setattr(MemoryConnector, "look", counted)
        handle = engine.client.temporal.get_workflow_handle(f"launch:{engine.id('CMP')}")
        # What was seen before the hold was confirmed may still be on its way.
        await engine.until(lambda: looks[0] > 20)
        before = (await handle.describe()).history_length
        seen = looks[0]
        await engine.until(lambda: looks[0] > seen + 20)
        assert (await handle.describe()).history_length == before


async def test_a_hold_that_is_due_while_the_system_is_down_is_tried_on(own_engine: Any) -> None:
    """The launch is shut at once in our state, says since when that is not confirmed."""
    async with own_engine() as engine:
        measure = await launched(engine)
        await shows(engine, "released")
        crm(engine).take_down()
        await engine.client.hold(measure, ReasonInput(by="olga", reason="bad press"))
        await engine.until(lambda: launch(engine).unconfirmed_since is not None)
        assert launch(engine).desire.state == "held"
        assert not launch(engine).confirmed
        assert "does not answer" in launch(engine).unconfirmed_why
        assert crm(engine)._show(engine.id("CMP")).state == "released"
        crm(engine).take_down(down=False)
        await shows(engine, "held")
        assert launch(engine).unconfirmed_since is None


async def test_a_release_that_is_taken_back_half_way_ends_held(
    own_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had its effect already, though nobody heard of it: what was seen before proves nothing."""
    release, released = MemoryConnector.release, asyncio.Event()

    async def silent(self: MemoryConnector, ref: str, share: float, *, key: str) -> Sighting:
        seen = await release(self, ref, share, key=key)
        released.set()
        await asyncio.Event().wait()
        return seen

    monkeypatch.setattr(MemoryConnector, "release", silent)
    async with own_engine() as engine:
        measure = await engine.define(campaign=engine.campaign())
        await shows(engine, "held")
        await engine.reach(measure, "decided")
        assert (await engine.client.launch(measure, "olga")).permit == "granted"
        await asyncio.wait_for(released.wait(), 30)
        await engine.client.hold(measure, ReasonInput(by="olga", reason="bad press"))
        await engine.until(lambda: launch(engine).wanted == "held")
        await shows(engine, "held")
        await engine.until(lambda: launch(engine).confirmed)
        assert launch(engine).put_backs == 0, "nobody changed it by hand"


async def test_a_lost_worker_and_a_lost_server_lose_no_hold(own_engine: Any) -> None:
    """A hold that was due when everything went is done by whatever comes after."""
    async with own_engine() as engine:
        measure = await launched(engine)
        await shows(engine, "released")
        crm(engine).take_down()
        await engine.client.hold(measure, ReasonInput(by="olga", reason="bad press"))
        await engine.until(lambda: launch(engine).unconfirmed_since is not None)
        for stream in (f"launch:{engine.id('CMP')}", f"measure:{measure}"):
            await engine.client.temporal.get_workflow_handle(stream).terminate("lost")
    async with own_engine() as later:
        again = later.renamed_as(engine)
        crm(again).take_down(down=False)
        rebuilt = await rebuild(again.ledger, again.client)
        assert rebuilt.measures == 1
        await shows(again, "held")
        assert not launch(again).pauses


async def test_two_measures_cannot_have_one_campaign(engine: Any) -> None:
    """Neither at first nor by a change of plan."""
    await engine.define(campaign=engine.campaign())
    with pytest.raises(RefusedError) as refusal:
        await engine.define("other", campaign=engine.campaign())
    assert refusal.value.code == "campaign-taken"
    other = await engine.define("other", campaign={**engine.campaign(), "ref": engine.id("OWN")})
    answer = await engine.client.amend(
        other, AmendInput(by="olga", set={"campaign.ref": engine.id("CMP")})
    )
    assert answer.refused == "campaign-taken"
    assert engine.state(other).plan.campaign.ref == engine.id("OWN")


async def test_a_measure_that_takes_another_campaign_lets_go_of_the_old_one(engine: Any) -> None:
    """The old launch ends, held; the new one begins, held."""
    measure = await engine.define(campaign=engine.campaign())
    await shows(engine, "held")
    await engine.client.amend(
        measure, AmendInput(by="olga", set={"campaign.ref": engine.id("NEW")})
    )
    await engine.until(lambda: engine.ledger.launch(engine.id("NEW")) is not None)
    await engine.until(lambda: launch(engine).ended_at is not None)


class TestInSkippedTime:
    async def test_a_ramp_reaches_everybody_step_by_step(
        self, skipping: Any, time_skipping_server: Any
    ) -> None:
        """Each step after its time; one that a guardrail stops waits, and says why."""
        ramp = [{"share": 0.1}, {"share": 0.3, "after": "2h"}, {"share": 1.0, "after": "1d"}]
        kpi = {
            "id": "cac", "title": "Cost", "baseline": 9, "target": 2, "owner": "olga",
            "cadence": "daily", "guardrail": {"at_most": 5},
        }  # fmt: skip
        campaign = {**skipping.campaign(), "ramp": ramp}
        measure = await skipping.define(campaign=campaign, kpis=[kpi])
        await skipping.reach(measure, "decided")
        await shows(skipping, "held")
        assert (await skipping.client.launch(measure, "olga")).permit == "granted"
        await shows(skipping, "released", 0.1)
        await time_skipping_server.sleep(timedelta(hours=1))
        assert launch(skipping).step == 1
        bad = {"id": "cac", "period": skipping.day(-1), "value": 9}
        await skipping.report(measure, "olga", kpi=bad)
        await time_skipping_server.sleep(timedelta(hours=2))
        await skipping.until(lambda: launch(skipping).verdict is not None)
        assert launch(skipping).step == 1
        assert launch(skipping).verdict.blocking_rules == ("ramp.guardrails-hold",)
        await skipping.report(measure, "olga", kpi={**bad, "value": 4})
        await shows(skipping, "released", 0.3)
        await time_skipping_server.sleep(timedelta(days=1, minutes=5))
        await shows(skipping, "released", 1.0)
        assert launch(skipping).phase == "open"

    async def test_a_blackout_pauses_a_running_campaign_and_lets_it_go_on(
        self, skipping: Any, time_skipping_server: Any
    ) -> None:
        """Both by themselves, with the permit gone in between."""
        measure = await launched(skipping)
        await shows(skipping, "released")
        begins = await server_now(skipping) + timedelta(hours=5)
        apply_blackout(skipping, begins, begins + timedelta(hours=8))
        await skipping.client.tell_launches_facts_changed([skipping.id("CMP")])
        await time_skipping_server.sleep(timedelta(hours=4))
        await shows(skipping, "released")
        await time_skipping_server.sleep(timedelta(hours=2))
        await shows(skipping, "held")
        await skipping.until(lambda: skipping.state(measure).permit is None)
        assert skipping.state(measure).launch_waits is not None
        assert launch(skipping).phase == "paused"
        await time_skipping_server.sleep(timedelta(hours=8))
        await shows(skipping, "released")
        assert skipping.state(measure).permit is not None


async def test_an_audience_is_had_by_one_campaign_at_a_time(engine: Any) -> None:
    """The second waits, and goes on by itself when the first ends."""
    first = await launched(engine, audience=[engine.id("all")])
    await shows(engine, "released")
    own = {"ref": engine.id("SECOND"), "audience": [engine.id("all"), engine.id("few")]}
    second = await engine.define("second", campaign={**engine.campaign(), **own})
    await engine.reach(second, "decided")
    answer = await engine.client.launch(second, "olga")
    assert answer.blockers == ("launch.audience-is-free",)
    assert answer.reasons[0].seen["other"] == first
    assert scenes_of_a_plan(engine, second) == scenes_of_a_judge(engine, second)
    await engine.client.cancel(first, ReasonInput(by="olga", reason="enough"))
    await engine.until(lambda: engine.state(second).permit is not None)
    for one in past_decisions(engine.ledger, wanted=lambda state, _: state.id in (first, second)):
        assert one.facts is not None, one.entry


def scenes_of_a_judge(engine: Any, measure: str) -> tuple[str | None, list[str]]:
    """The launch and the rivals that a judge sees."""
    scene = engine.ledger.surroundings(engine.state(measure)).scene
    return scene.launch and scene.launch.ref, [rival.id for rival in scene.rivals]


def scenes_of_a_plan(engine: Any, measure: str) -> tuple[str | None, list[str]]:
    """The launch and the rivals that `sluice rules plan` sees."""
    with live_measures(engine.ledger.database) as live:
        for page in live.pages(live.places):
            for text in page.states:
                state = MeasureState.model_validate_json(text, strict=False)
                if state.id == measure:
                    scene = Scenes(page).of(state)
                    return scene.launch and scene.launch.ref, [one.id for one in scene.rivals]
    raise AssertionError("it does not live")


async def test_the_pause_of_a_person_ends_the_permit_until_it_is_over(engine: Any) -> None:
    """Who checks the permit elsewhere hears no; nobody asks for it again."""
    measure = await launched(engine)
    await shows(engine, "released")
    ref = engine.id("CMP")
    await engine.client.pause_launch(ref, PauseOrder(by="sam", reason="bad press"))
    await engine.until(lambda: engine.state(measure).permit is None)
    assert (
        engine.entries(measure, "permit_denied")[-1].body["verdict"]["blockers"][0]["rule"]
        == "launch.campaign-obeys"
    )
    await engine.client.unpause_launch(ref, PauseOrder(by="sam", reason="over"))
    await engine.until(lambda: engine.state(measure).permit is not None)
    await shows(engine, "released")
