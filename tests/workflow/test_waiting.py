"""A blocked request goes through by itself when what it waits for comes true."""

import json
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from measures.documents import document_content
from measures.people import Delegation
from measures.requests import AmendInput, ReasonInput
from worker.activities.court import Court, Judgement

Engine = Any

WINDOW = {
    "id": "identified.window",
    "gate": "identified",
    "when": {"campaign": {"kind": "campaign"}},
    "require": "campaign.inside_window",
    "message": "the window is not open",
    "clear_by": "measure.owner",
}
DEPENDS = {
    "id": "identified.dependencies",
    "gate": "identified",
    "when": {"dependency": {"kind": "dependency"}},
    "require": "dependency.done",
    "message": "{dependency.measure} is not done",
    "clear_by": "measure.owner",
}
GUARD = {
    "id": "identified.reported",
    "gate": "identified",
    "when": {"kpi": {"kind": "kpi", "guarded": True}},
    "require": "kpi.periods_held >= 1",
    "message": "{kpi.name} is not reported",
    "clear_by": "kpi.owner",
}


def apply_pack(engine: Engine, name: str, *rules: dict[str, Any]) -> None:
    """Puts a pack in force beside the standard one; its rules speak only where they match."""
    pack = {"kind": "RulePack", "pack": name, "title": name, "lifecycle": "doi",
            "rules": list(rules)}  # fmt: skip
    engine.ledger.append_document("RulePack", name, pack, "x", engine.now(), f"pack-{name}")


@pytest.mark.temporal
class TestOnAnyServer:
    @pytest.fixture(autouse=True)
    def _packs(self, engine: Engine) -> None:
        apply_pack(engine, "more", WINDOW, DEPENDS, GUARD)

    async def test_for_a_signature(self, engine: Engine) -> None:
        """The last one that was missing opens the gate."""
        measure = await engine.define()
        await engine.reach(measure, "detailed")
        assert (await engine.client.advance(measure, "olga")).verdict == "block"
        await engine.sign(measure, "sam", "sponsor")
        waiting = await engine.sign(measure, "tom", "committee")
        assert waiting.blockers == ("decided.committee-has-signed",)
        assert waiting.waiting_for == ("uma", "vera")
        assert (await engine.sign(measure, "vera", "committee")).stage == "decided"

    async def test_for_capacity(self, engine: Engine) -> None:
        """One unit too few holds it, the last one lets it through and is held."""
        await engine.pool(amount=50)
        measure = await engine.define(demands=[engine.demand("kyc", 60)])
        await engine.reach(measure, "detailed")
        await engine.approve(measure)
        blocked = await engine.client.advance(measure, "olga")
        assert blocked.blockers == ("decided.capacity-covers-demand",)
        assert blocked.seen["decided.capacity-covers-demand"]["short"] == 10
        answer = await engine.capacity("kyc", 59)
        assert answer.woken == (measure,)
        assert await engine.client.freed_by(answer) == ()
        answer = await engine.capacity("kyc", 60)
        assert await engine.client.freed_by(answer) == (measure,)
        assert engine.state(measure).reserved.amounts == {engine.id("kyc"): {engine.period(): 60}}

    async def test_for_capacity_that_nobody_has_stated(self, engine: Engine) -> None:
        """Unknown is inconclusive and holds; stating it lets through."""
        await engine.pool()
        measure = await engine.define(demands=[engine.demand("kyc", 60)])
        await engine.reach(measure, "detailed")
        await engine.approve(measure)
        assert (await engine.client.advance(measure, "olga")).verdict == "inconclusive"
        await engine.capacity("kyc", 60)
        await engine.until_stage(measure, "decided")

    async def test_for_capacity_that_another_measure_lets_go(self, engine: Engine) -> None:
        """Cancelled, stepped back or held anew for less: whoever waits is told."""
        await engine.pool(amount=100)
        first = await engine.define("first", demands=[engine.demand("kyc", 80)])
        await engine.reach(first, "decided")
        second = await engine.define("second", demands=[engine.demand("kyc", 50)])
        await engine.reach(second, "detailed")
        await engine.approve(second)
        assert (await engine.client.advance(second, "olga")).verdict == "block"
        await engine.client.cancel(first, ReasonInput(by="olga", reason="enough"))
        await engine.until_stage(second, "decided")

    async def test_for_another_measure(self, engine: Engine) -> None:
        """Reaching the stage wakes those who depend on it; nobody asks again."""
        base = await engine.define("base")
        measure = await engine.define(dependencies=[{"measure": base, "stage": "identified"}])
        blocked = await engine.client.advance(measure, "olga")
        assert blocked.blockers == ("identified.dependencies",)
        await engine.client.advance(base, "olga")
        await engine.until_stage(measure, "identified")
        assert engine.entries(measure, "stage_advanced")[0].by == "engine"

    async def test_for_many_at_once(self, engine: Engine) -> None:
        """Everybody who waits is told, more than one batch of them."""
        base = await engine.define("base")
        waiting = [
            await engine.define(f"m{n}", dependencies=[{"measure": base, "stage": "identified"}])
            for n in range(12)
        ]
        for measure in waiting:
            await engine.client.advance(measure, "olga")
        await engine.client.advance(base, "olga")
        for measure in waiting:
            await engine.until_stage(measure, "identified")

    async def test_for_a_report(self, engine: Engine) -> None:
        """A KPI reported by its owner is a fact like any other."""
        kpi = {"id": "k", "title": "K", "baseline": 1, "target": 2, "owner": "kim",
               "cadence": "monthly", "guardrail": {"at_most": 5}}  # fmt: skip
        measure = await engine.define(kpis=[kpi])
        assert (await engine.client.advance(measure, "olga")).verdict == "block"
        answer = await engine.report(
            measure, "kim", kpi={"id": "k", "period": "2020-01", "value": 4}
        )
        assert answer.stage == "identified"

    async def test_for_an_amendment(self, engine: Engine) -> None:
        """Mending the plan is enough."""
        measure = await engine.define(description="")
        assert (await engine.client.advance(measure, "olga")).verdict == "block"
        ask = AmendInput(by="olga", set={"description": "It saves postage"})
        assert (await engine.client.amend(measure, ask)).stage == "identified"

    async def test_for_changed_rules(self, engine: Engine) -> None:
        """A new version of a pack is judged by at once when measures are told."""
        strict = {**WINDOW, "id": "identified.never", "when": {"m": {"kind": "measure"}},
                  "require": f'm.id != "{engine.id("spring")}"', "message": "never"}  # fmt: skip
        apply_pack(engine, engine.id("own"), strict)
        measure = await engine.define()
        blocked = await engine.client.advance(measure, "olga")
        assert blocked.blockers == ("identified.never",)
        apply_pack(engine, engine.id("own"), {**strict, "mode": "warn"})
        await engine.client.tell_facts_changed([measure])
        await engine.until_stage(measure, "identified")

    async def test_news_between_judging_and_recording_is_not_missed(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody is told yet that the request waits: it must notice by itself."""
        await engine.pool(amount=50)
        base = await engine.define("base")
        measure = await engine.define(
            demands=[engine.demand("kyc", 60)],
            dependencies=[{"measure": base, "stage": "identified"}],
        )
        # All that is known has been judged when it gets to decided: nothing is looked at anyway.
        await engine.client.advance(measure, "olga")
        await engine.approve(measure)
        await engine.client.advance(base, "olga")
        await engine.until_stage(measure, "identified")
        await engine.client.advance(measure, "olga")
        real = Court.judge
        told: list[str] = []

        async def slow(self: Court, state: Any, gate: str, *args: Any, **more: Any) -> Judgement:
            judgement = await real(self, state, gate, *args, **more)
            if state.id == measure and gate == "decided" and not told:
                told.append(gate)
                answer = await engine.capacity("kyc", 60)
                assert answer.woken == (), "nobody waits yet"
            return judgement

        monkeypatch.setattr(Court, "judge", slow)
        await engine.client.advance(measure, "olga")
        assert told
        await engine.until_stage(measure, "decided")

    async def test_what_waits_says_the_same_only_once(self, engine: Engine) -> None:
        """Being judged again with the same outcome leaves no entry."""
        measure = await engine.define()
        await engine.reach(measure, "detailed")
        await engine.client.advance(measure, "olga")
        number = engine.state(measure).number
        for _ in range(5):
            await engine.client.tell_facts_changed([measure])
            await engine.client.settle(measure)
        assert engine.state(measure).number == number


@pytest.mark.time_skipping
class TestByTime:
    async def test_for_the_window_to_open(
        self, skipping: Engine, time_skipping_server: WorkflowEnvironment
    ) -> None:
        """At midnight of its first day, without anybody asking."""
        apply_pack(skipping, "more", WINDOW)
        measure = await skipping.define(campaign=skipping.campaign(opens=12))
        blocked = await skipping.client.advance(measure, "olga")
        assert blocked.blockers == ("identified.window",)
        await time_skipping_server.sleep(timedelta(days=11))
        assert skipping.state(measure).stage == "defined"
        await time_skipping_server.sleep(timedelta(days=1, minutes=1))
        await skipping.until_stage(measure, "identified")
        moved = skipping.entries(measure, "stage_advanced")[0]
        assert moved.by == "engine"
        assert moved.at.date().isoformat() == skipping.day(12)

    async def test_reminders_and_escalation_while_it_waits(
        self, skipping: Engine, time_skipping_server: WorkflowEnvironment
    ) -> None:
        """To whoever acts on the day, once each, also when time jumps over several."""
        measure = await skipping.define(
            sponsor="wim",
            approvals={"remind_after": ["3d", "6d", "7d"], "escalate_after": "9d",
                       "escalate_to": "tom"},
        )  # fmt: skip
        delegate = {"from": "wim", "to": "sam", "role": "sponsor", "starts": skipping.day(5),
                    "ends": skipping.day(60)}  # fmt: skip
        delegation = Delegation.model_validate_json(json.dumps(delegate))
        skipping.ledger.append_document(
            "Delegation", delegation.id, document_content(delegation), "x", skipping.now(), "d"
        )
        for _ in range(2):
            await skipping.client.advance(measure, "olga")
        for member in ("tom", "uma"):
            await skipping.sign(measure, member, "committee")
        await skipping.client.advance(measure, "olga")

        async def sent() -> list[tuple[str, int]]:
            await skipping.client.settle(measure)
            notices = skipping.entries(measure, "reminder_sent", "escalation_sent")
            return [(entry.body["to"], entry.body["day"]) for entry in notices]

        await time_skipping_server.sleep(timedelta(days=2))
        assert await sent() == []
        await time_skipping_server.sleep(timedelta(days=2))
        assert await sent() == [("wim", 3)]
        await time_skipping_server.sleep(timedelta(days=4))
        assert await sent() == [("wim", 3), ("sam", 6), ("sam", 7)]
        await time_skipping_server.sleep(timedelta(days=30))
        assert await sent() == [("wim", 3), ("sam", 6), ("sam", 7), ("tom", 9)]
        assert (await skipping.sign(measure, "sam", "sponsor")).stage == "decided"

    async def test_a_later_request_is_reminded_of_without_anybody_asking(
        self, skipping: Engine, time_skipping_server: WorkflowEnvironment
    ) -> None:
        """Each request sets its own alarm; what was slept for before does not count."""
        measure = await skipping.define(approvals={"remind_after": ["2d"]})
        await skipping.reach(measure, "detailed")
        await skipping.client.advance(measure, "olga")
        await skipping.approve(measure)
        await skipping.until_stage(measure, "decided")
        await time_skipping_server.sleep(timedelta(days=3))
        assert (await skipping.client.advance(measure, "olga")).verdict == "block"

        await time_skipping_server.sleep(timedelta(days=2, minutes=1))

        [reminder] = await skipping.until(lambda: skipping.entries(measure, "reminder_sent"))
        assert reminder.body["gate"] == "implemented"

    async def test_a_hold_silences_reminders_until_it_ends(
        self, skipping: Engine, time_skipping_server: WorkflowEnvironment
    ) -> None:
        """Nobody is reminded of what is on hold."""
        measure = await skipping.define(approvals={"remind_after": ["2d"]})
        await skipping.reach(measure, "detailed")
        await skipping.client.advance(measure, "olga")
        await skipping.client.hold(measure, ReasonInput(by="olga"))
        await time_skipping_server.sleep(timedelta(days=5))
        await skipping.client.settle(measure)
        assert skipping.entries(measure, "reminder_sent") == []
        await skipping.client.resume(measure, ReasonInput(by="olga"))
        await skipping.client.settle(measure)
        assert {e.body["to"] for e in skipping.entries(measure, "reminder_sent")} == {
            "sam", "tom", "uma", "vera",
        }  # fmt: skip
