"""News reaches whom it concerns by itself: launches whose campaigns changed, and own tickets."""

from datetime import UTC, datetime
from typing import Any

from connectors.memory import MemoryConnector
from ledger.inbox import Inbox, News
from tests.workflow.test_launches import crm, launch, shows
from tests.workflow.test_remotes import apply, blocked, in_step, kinds, mapping, system, tickets


async def test_a_poll_finds_a_ticket_of_ours_that_was_closed_too_early(own_engine: Any) -> None:
    """It is opened again; that our own writes come back with the next polls changes nothing."""
    async with own_engine(poll=0.3) as engine:
        apply(engine, mapping(engine))
        await blocked(engine)
        [remote] = await in_step(engine)
        with system(engine).by_hand("ann") as shown:
            shown.move("ticket", remote.ref, "done")
        await engine.until(
            lambda: "remote_reverted" in kinds(engine, remote), "nobody found the change"
        )
        await in_step(engine)
        [ticket] = tickets(engine)
        before = kinds(engine, remote)
        assert ticket.status == "open"
        with system(engine).by_hand("ann") as shown:
            other = shown.upsert("ticket", engine.id("other"), {"title": "o"}, None).ref
        await polled_past(engine, other)
        assert kinds(engine, remote) == before
        assert tickets(engine)[0].version == ticket.version


async def polled_past(engine: Any, ref: str) -> None:
    """Waits until a link to another ticket was read and later polls were complete."""
    links = ({"id": "other", "connection": "memory", "object": "ticket", "ref": ref},)
    await engine.define("other", links=links)
    stream = f"object:memory/ticket/{ref}"
    await engine.until(lambda: engine.ledger.object_state(stream), "it was not read")
    with system(engine).by_hand("ann") as shown:
        shown.move("ticket", ref, "done")
    await engine.until(
        lambda: engine.ledger.object_state(stream).shown.done, "the next poll did not come"
    )


async def test_news_of_a_campaign_makes_its_launch_look_at_once(own_engine: Any) -> None:
    """Without any look in between; news of somebody else's campaign of that name does not."""
    async with own_engine(poll=60) as engine:
        await engine.define(campaign=engine.campaign())
        await shows(engine, "held")
        crm(engine).set_by_hand(engine.id("CMP"), "released")
        inbox = Inbox(engine.ledger.database)
        other = News("other", "campaign", engine.id("CMP"), "m0")
        inbox.put([other], datetime.now(UTC))
        await engine.until(lambda: inbox.backlog("other") == 0, "it was not acted on")
        assert launch(engine).put_backs == 0
        inbox.put([News("memory", "campaign", engine.id("CMP"), "m1")], datetime.now(UTC))
        await engine.until(lambda: launch(engine).put_backs == 1, "the launch did not look")
        await shows(engine, "held")


async def test_news_waits_while_its_system_is_down(own_engine: Any) -> None:
    """It is acted on when the system is back, with nobody asking."""
    async with own_engine(poll=60, circuit=0.1) as engine:
        with system(engine).by_hand("ann") as shown:
            ref = shown.upsert("ticket", engine.id("t"), {"title": "t"}, None).ref
        down = MemoryConnector(engine.settings.state_dir)
        down.take_down()
        links = ({"id": "t", "connection": "memory", "object": "ticket", "ref": ref},)
        await engine.define(links=links)
        inbox = Inbox(engine.ledger.database)
        await engine.until(
            lambda: any("does not answer" in one.fault for one in inbox.waiting()),
            "it was not put off",
        )
        down.take_down(down=False)
        stream = f"object:memory/ticket/{ref}"
        await engine.until(lambda: engine.ledger.object_state(stream), "it was not read")
        await engine.until(lambda: not inbox.waiting(), "it was not finished")
