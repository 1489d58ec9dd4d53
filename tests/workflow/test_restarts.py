"""Continue-as-new, many at once, several workers, a lost ledger, and total loss."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, TypedSearchAttributes
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from console.rebuilding import rebuild
from measures import decisions
from measures.entry import Draft, measure_stream, pool_stream
from measures.requests import CapacityInput, ReasonInput, SignInput
from worker.server import SEARCH_ATTRIBUTES, program
from workflows.contract import OWNER, PACKAGE, STAGE, TYPE, VERDICT
from workflows.showing import SPACING

pytestmark = pytest.mark.temporal

Engine = Any


@pytest.fixture(scope="session")
async def short_server() -> AsyncIterator[WorkflowEnvironment]:
    """A dev server that suggests continue-as-new after few events."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal", override="TEMPORAL_BIN"),
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=[SearchAttributeKey.for_keyword(name) for name in SEARCH_ATTRIBUTES],
        dev_server_extra_args=[
            "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=30",
        ],
    ) as server:
        yield server


class TestAtOnce:
    async def test_twenty_requests_at_once_are_all_taken(self, engine: Engine) -> None:
        """Nothing is lost or doubled, the numbers have no gaps, votes count once."""
        measure = await engine.define()
        signers = [("sam", "sponsor"), ("tom", "committee"), ("uma", "committee"),
                   ("vera", "committee")]  # fmt: skip
        answers = await asyncio.gather(
            *(engine.sign(measure, by, role) for by, role in signers * 4),
            *(engine.report(measure, "olga", milestone={"id": "live", "done_on": engine.day(n)})
              for n in range(4)),
        )  # fmt: skip
        codes = [answer.refused for answer in answers]
        assert codes.count("") == 8
        assert codes.count("already-signed") == 12
        entries = engine.entries(measure)
        assert [entry.number for entry in entries] == list(range(1, 10))
        assert len({s.name for s in engine.state(measure).sign_offs}) == 4
        assert (await engine.client.status(measure)).number == 9

    async def test_the_same_request_twenty_times_is_one(self, engine: Engine) -> None:
        """Asked with one id, by however many, it happens once and all hear the same."""
        measure = await engine.define()
        answers = await asyncio.gather(
            *(engine.client.advance(measure, "olga", key="one") for _ in range(20))
        )
        assert len({answer.number for answer in answers}) == 1
        assert engine.state(measure).stage == "identified"

    async def test_two_workers_share_the_work(self, own_engine: Any) -> None:
        """One queue, two workers with caches of their own: each life stays one life."""
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(own_engine(queue="pair"))
            two = await stack.enter_async_context(own_engine(queue="pair", fresh=True))
            await one.pool(amount=1000)
            measures = [
                await one.define(f"m{n}", demands=[one.demand("kyc", 100)]) for n in range(6)
            ]
            await asyncio.gather(*(two.renamed_as(one).reach(m, "decided") for m in measures))
            for measure in measures:
                entries = one.entries(measure)
                assert [e.number for e in entries] == list(range(1, len(entries) + 1))
            pool = await two.client.pool_status(one.id("kyc"))
            assert pool.held(one.period()) == 600
            one.ledger.verify()


class TestContinueAsNew:
    """On a server that suggests it all the time."""

    async def test_no_request_is_lost_or_doubled(
        self, own_engine: Any, short_server: WorkflowEnvironment
    ) -> None:
        """Requests in flight while a life continues as new are all answered, once."""
        async with own_engine(server=short_server) as engine:
            measure = await engine.define()
            handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
            first = (await handle.describe()).run_id

            async def hold_and_resume(n: int) -> None:
                for move in (engine.client.hold, engine.client.resume):
                    answer = await move(measure, ReasonInput(by="olga"), key=f"{move.__name__}{n}")
                    assert answer.accepted or answer.refused in ("on-hold", "not-on-hold")

            for batch in range(5):
                await asyncio.gather(*(hold_and_resume(batch * 5 + n) for n in range(5)))
            assert (await handle.describe()).run_id != first
            entries = engine.entries(measure)
            assert [e.number for e in entries] == list(range(1, len(entries) + 1))
            kinds = [entry.kind for entry in entries[1:]]
            assert kinds == ["hold_placed", "hold_released"] * (len(kinds) // 2) + (
                ["hold_placed"] if len(kinds) % 2 else []
            )
            assert (await engine.client.status(measure)).number == len(entries)

    async def test_a_command_is_remembered(
        self, own_engine: Any, short_server: WorkflowEnvironment
    ) -> None:
        """Temporal forgets update ids at continue-as-new; the measure does not."""
        async with own_engine(server=short_server) as engine:
            measure = await engine.define()
            ask = SignInput(by="tom", gate="decided", role="committee")
            await engine.client.sign(measure, ask, key="the-one")
            handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
            first = (await handle.describe()).run_id
            while (await handle.describe()).run_id == first:
                await engine.client.hold(measure, ReasonInput(by="olga"))
                await engine.client.resume(measure, ReasonInput(by="olga"))
            number = engine.state(measure).number
            again = await engine.client.sign(measure, ask, key="the-one")
            assert again.accepted
            assert engine.state(measure).number == number

    async def test_a_waiting_request_lives_on(
        self, own_engine: Any, short_server: WorkflowEnvironment
    ) -> None:
        """So do pools with their reservations, and what is shown in Temporal's pages."""
        async with own_engine(server=short_server) as engine:
            await engine.pool(amount=50)
            measure = await engine.define(demands=[engine.demand("kyc", 60)])
            await engine.reach(measure, "detailed")
            await engine.approve(measure)
            await engine.client.advance(measure, "olga")
            for amount in range(20, 40):
                await engine.capacity("kyc", amount)
            for stream in (f"measure:{measure}", f"pool:{engine.id('kyc')}"):
                handle = engine.client.temporal.get_workflow_handle(stream)
                described = await handle.describe()
                assert described.raw_description.workflow_execution_info.first_run_id != (
                    described.run_id
                ), f"{stream} never continued as new"
            await engine.capacity("kyc", 60)
            await engine.until_stage(measure, "decided")
            handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
            described = await handle.describe()
            assert (await described.memo())["title"] == "The spring measure"
            assert described.typed_search_attributes.get(PACKAGE) == "media"


class TestLostLedger:
    async def test_a_locked_ledger_is_waited_for(
        self, own_engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Requests wait, none is answered wrongly, and all go on when it is back."""
        async with own_engine() as engine:
            measure = await engine.define()
            lock = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
            lock.execute("BEGIN EXCLUSIVE")
            asked = asyncio.create_task(engine.client.advance(measure, "olga"))
            done, _ = await asyncio.wait({asked}, timeout=0.7)
            assert not done, "a gate was answered without a record"
            lock.execute("ROLLBACK")
            lock.close()
            assert (await asked).stage == "identified"
            assert len(engine.entries(measure, "stage_advanced")) == 1

    async def test_the_ledger_wins_over_a_workflow_that_has_not_seen_it(
        self, engine: Engine
    ) -> None:
        """An entry of an attempt that died is taken over with the next request."""
        measure = await engine.define()
        number = engine.state(measure).number
        behind = Draft(
            stream=measure_stream(measure), number=number + 1, kind="hold_placed",
            at=engine.now(), by="olga", command="crashed", body={"reason": "x"},
        )  # fmt: skip
        engine.ledger.append([behind])
        assert not (await engine.client.status(measure)).on_hold
        assert (await engine.client.advance(measure, "olga")).refused == "on-hold"
        status = await engine.client.status(measure)
        assert status.on_hold
        assert status.number == number + 1

    async def test_a_signature_behind_its_back_still_opens_the_gate(self, engine: Engine) -> None:
        """Whatever brings it to light, the waiting request is judged with it."""
        measure = await engine.define()
        await engine.reach(measure, "detailed")
        await engine.client.advance(measure, "olga")
        await engine.sign(measure, "sam", "sponsor")
        await engine.sign(measure, "tom", "committee")
        await engine.client.settle(measure)
        state = engine.state(measure)
        crashed = SignInput(by="uma", gate="decided", role="committee")
        engine.ledger.append(
            decisions.sign(state, crashed, engine.ledger.directory(), engine.now(), "crashed")
        )
        refused = await engine.sign(measure, "tom", "committee")
        assert refused.refused == "already-signed"
        await engine.until_stage(measure, "decided")

    async def test_a_pool_takes_over_what_was_recorded(self, engine: Engine) -> None:
        """The same for capacity: the record is the truth."""
        await engine.pool(amount=10)
        behind = Draft(
            stream=pool_stream(engine.id("kyc")), number=2, kind="capacity_reported",
            at=engine.now(), by="kim", command="crashed",
            body={"period": engine.period(), "amount": 77},
        )  # fmt: skip
        engine.ledger.append([behind])
        ask = CapacityInput(by="olga", period=engine.period(), amount=1)
        refused = await engine.client.report_capacity(engine.id("kyc"), ask)
        assert refused.refused == "not-entitled"
        pool = await engine.client.pool_status(engine.id("kyc"))
        assert pool.capacity[engine.period()].amount == 77


class TestTotalLoss:
    """Temporal has lost everything; the ledger starts all of it again."""

    async def lose(self, engine: Engine) -> None:
        """Ends every workflow without letting any do anything, as a lost server would."""
        temporal = engine.client.temporal
        for stream, _ in engine.ledger.running():
            await temporal.get_workflow_handle(stream).terminate("lost")

    async def test_every_life_goes_on(self, own_engine: Any) -> None:
        """Waiting request, sign-offs, reservations and remembered commands are back."""
        async with own_engine() as engine:
            await engine.pool(amount=100)
            decided = await engine.define("decided", demands=[engine.demand("kyc", 60)])
            await engine.reach(decided, "decided")
            waiting = await engine.define("waiting", demands=[engine.demand("kyc", 50)])
            await engine.reach(waiting, "detailed")
            await engine.approve(waiting)
            await engine.client.advance(waiting, "olga", key="asked")
            ended = await engine.define("ended")
            await engine.client.cancel(ended, ReasonInput(by="olga"))
            before = {m: engine.state(m) for m in (decided, waiting, ended)}
            await self.lose(engine)
            rebuilt = await rebuild(engine.ledger, engine.client)
            assert (rebuilt.measures, rebuilt.pools) == (2, 1)
            await engine.client.settle_all([decided, waiting])
            assert {m: engine.state(m) for m in (decided, waiting, ended)} == before
            pool = await engine.client.pool_status(engine.id("kyc"))
            assert pool.held(engine.period()) == 60
            status = await engine.client.status(waiting)
            assert status.blockers == ("decided.capacity-covers-demand",)
            await engine.client.advance(waiting, "olga", key="asked")
            assert engine.state(waiting).number == before[waiting].number
            await engine.capacity("kyc", 110)
            await engine.until_stage(waiting, "decided")
            engine.ledger.verify()

    async def test_rebuilding_twice_changes_nothing(self, own_engine: Any) -> None:
        """What runs is left alone."""
        async with own_engine() as engine:
            await engine.pool(amount=100)
            await engine.define()
            rebuilt = await rebuild(engine.ledger, engine.client)
            assert (rebuilt.measures, rebuilt.pools, rebuilt.running) == (0, 0, 2)

    async def test_a_reservation_that_was_never_recorded_is_given_back(
        self, own_engine: Any
    ) -> None:
        """Lost between reserving and recording: the pool holds what no measure knows of."""
        async with own_engine() as engine:
            await engine.pool(amount=100)
            measure = await engine.define(demands=[engine.demand("kyc", 60)])
            await engine.reach(measure, "detailed")
            pool = engine.ledger.pool(engine.id("kyc"))
            engine.ledger.append([holding(engine, pool.number + 1, measure, 60)])
            await self.lose(engine)
            await rebuild(engine.ledger, engine.client)
            await engine.until(
                lambda: not engine.ledger.pool(engine.id("kyc")).held(engine.period())
            )

    @pytest.mark.parametrize("move", ["cancel", "step_back"])
    async def test_capacity_of_what_was_ended_at_the_last_moment_is_given_back(
        self, own_engine: Any, move: str
    ) -> None:
        """Lost between recording the end and releasing: nobody else would ever release it."""
        async with own_engine() as engine:
            await engine.pool(amount=100)
            measure = await engine.define(demands=[engine.demand("kyc", 60)])
            await engine.reach(measure, "decided")
            await self.lose(engine)
            decide = getattr(decisions, move)
            drafts = decide(
                engine.state(measure), ReasonInput(by="olga"), engine.ledger.directory(),
                engine.now(), "last",
            )  # fmt: skip
            engine.ledger.append(drafts)
            await rebuild(engine.ledger, engine.client)
            await engine.until(lambda: not engine.state(measure).reserved.amounts)
            pool = await engine.client.pool_status(engine.id("kyc"))
            assert pool.held(engine.period()) == 0

    async def test_a_campaign_of_what_was_cancelled_at_the_last_moment_is_held(
        self, own_engine: Any
    ) -> None:
        """A cancelled measure's campaign must not go on running."""
        async with own_engine() as engine:
            measure = await engine.define(campaign=engine.campaign())
            await engine.until(lambda: engine.state(measure).campaign_told == "held")
            await engine.reach(measure, "decided")
            assert (await engine.client.launch(measure, "olga")).permit == "granted"
            await engine.until(lambda: engine.state(measure).campaign_told == "released")
            await self.lose(engine)
            ask = ReasonInput(by="olga")
            directory = engine.ledger.directory()
            engine.ledger.append(
                decisions.cancel(engine.state(measure), ask, directory, engine.now(), "last")
            )
            await rebuild(engine.ledger, engine.client)
            await engine.until(lambda: engine.state(measure).campaign_told == "held")
            handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
            await handle.result()


class TestWhatOperatorsSee:
    async def test_search_attributes_follow_the_life(self, engine: Engine) -> None:
        """Stage, verdict, type, package and owner are found by Temporal's own search."""
        measure = await engine.define()
        await engine.reach(measure, "detailed")
        await engine.client.advance(measure, "olga")
        handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")

        found = TypedSearchAttributes([])
        for _ in range(200):
            found = (await handle.describe()).typed_search_attributes
            if found.get(VERDICT) == "block":
                break
            await asyncio.sleep(0.02)
        assert found.get(STAGE) == "detailed"
        assert found.get(VERDICT) == "block"
        assert (found.get(TYPE), found.get(PACKAGE), found.get(OWNER)) == (
            "efficiency", "media", "olga",
        )  # fmt: skip
        if not engine.lists:
            return
        wanted = ("SluiceStage = 'detailed'", "SluiceVerdict = 'block'")
        query = " AND ".join((*wanted, f"WorkflowId = 'measure:{measure}'"))
        counted = 0
        for _ in range(200):
            counted = (await engine.client.temporal.count_workflows(query)).count
            if counted:
                break
            await asyncio.sleep(0.02)
        assert counted == 1

    async def test_a_life_in_a_hurry_is_listed_at_intervals(
        self, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What changes again at once is listed later, and in the end what it came to."""
        measure = await engine.define()
        await engine.reach(measure, "detailed")
        ask = ReasonInput(by="olga", reason="the market has gone")
        await engine.client.cancel(measure, ask)
        handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
        await handle.result()
        events = (await handle.fetch_history()).events
        lists = [
            event
            for event in events
            if event.HasField("upsert_workflow_search_attributes_event_attributes")
        ]
        lived = events[-1].event_time.ToDatetime() - events[0].event_time.ToDatetime()
        assert 1 <= len(lists) <= 1 + lived / SPACING
        listed = (await handle.describe()).typed_search_attributes
        assert listed.get(STAGE) == "cancelled"
        assert [one for one in caplog.records if "never retrieved" in one.getMessage()] == []

    async def test_titles_and_blockers_are_readable(self, engine: Engine) -> None:
        """The summary names the measure, the details say why it waits."""
        measure = await engine.define()
        await engine.reach(measure, "detailed")
        await engine.client.advance(measure, "olga")
        await engine.client.settle(measure)
        handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
        described = await handle.describe()
        assert await described.static_summary() == f"The spring measure ({measure})"
        assert (await described.memo())["title"] == "The spring measure"
        metadata = await handle.query("__temporal_workflow_metadata")
        details = metadata["currentDetails"] if isinstance(metadata, dict) else str(metadata)
        assert "**detailed**" in details
        assert "`decided.sponsor-has-signed`" in details

    async def test_a_measure_that_ended_is_completed(self, engine: Engine) -> None:
        """Not failed, not terminated."""
        measure = await engine.define()
        await engine.client.cancel(measure, ReasonInput(by="olga"))
        handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
        await handle.result(rpc_timeout=timedelta(seconds=20))
        described = await handle.describe()
        assert described.status is WorkflowExecutionStatus.COMPLETED
        assert described.typed_search_attributes.get(STAGE) == "cancelled"


def holding(engine: Engine, number: int, measure: str, amount: float) -> Draft:
    """A hard reservation in a pool's record."""
    return Draft(
        stream=pool_stream(engine.id("kyc")), number=number, kind="reservation_made",
        at=engine.now(), by="engine", command="crashed",
        body={"measure": measure, "amounts": {engine.period(): amount}, "hard": True},
    )  # fmt: skip
