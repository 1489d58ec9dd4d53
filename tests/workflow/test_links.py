"""Work in other systems: who waits for it goes on when it is done, and never before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connectors.memory import MemoryConnector
from connectors.memory_tickets import KIND, Tickets
from ledger.chain import write_moment
from ledger.history import past_decisions
from ledger.inbox import Inbox, News
from ledger.live import live_measures
from ledger.past import situation_at
from ledger.polls import Polls
from ledger.store import Ledger
from ledger.tables import polls
from measures.facts import LinkFact
from measures.requests import ReasonInput

RULE = "launch.linked-work-done"


@pytest.fixture
def tracker(own_engine: Any) -> Any:
    """An engine that asks its systems all the time."""
    return own_engine(poll=0.3, circuit=0.1)


@contextmanager
def by_hand(engine: Any) -> Iterator[Tickets]:
    """The ticket system as a person sees it."""
    with MemoryConnector(engine.settings.state_dir).by_hand("piet") as tickets:
        yield tickets


def a_ticket(engine: Any, name: str = "form") -> str:
    """A person opens a ticket; returns its ref."""
    with by_hand(engine) as tickets:
        return tickets.upsert(KIND, engine.id(name), {"title": "Sign-up form"}, None).ref


def close(engine: Any, ref: str) -> None:
    """A person closes a ticket."""
    with by_hand(engine) as tickets:
        tickets.move(KIND, ref, "done")


def link(ref: str, **fields: Any) -> dict[str, Any]:
    """A link to a ticket."""
    return {"id": "form", "connection": "memory", "object": KIND, "ref": ref, **fields}


async def ready(engine: Any, *links: dict[str, Any]) -> str:
    """A measure whose launch gate is next, with links that have been read."""
    measure = await engine.define(campaign=engine.campaign(), links=links)
    await engine.reach(measure, "decided")
    for one in links:
        await read(engine, one["ref"])
    return str(measure)


async def read(engine: Any, ref: str) -> Any:
    """Waits until a ticket was read."""
    stream = f"object:memory/{KIND}/{ref}"
    return await engine.until(lambda: engine.ledger.object_state(stream), f"{stream} is not read")


def fact(engine: Any, measure: str) -> LinkFact:
    """What the rules would see of the only link now."""
    facts = engine.ledger.facts(engine.state(measure), engine.ledger.directory(), engine.now())
    [found] = [one for one in facts if one.kind == "link"]
    return found


async def test_a_closed_ticket_lets_the_launch_go_on(tracker: Any) -> None:
    """Who asked waits, and nobody has to ask again."""
    async with tracker as engine:
        ref = a_ticket(engine)
        measure = await ready(engine, link(ref))
        denied = await engine.client.launch(measure, "olga")
        assert denied.permit == "denied"
        assert denied.blockers == (RULE,)
        close(engine, ref)
        await engine.until(lambda: engine.state(measure).permit, "the launch did not go on")
        found = fact(engine, measure)
        assert (found.status, found.done, found.source) == (
            "done", True, f"memory:{KIND}/{ref}",
        )  # fmt: skip


async def test_a_ticket_opened_again_ends_the_permit(tracker: Any) -> None:
    """What was done and is not any more shuts the gate, and closing it opens it again."""
    async with tracker as engine:
        ref = a_ticket(engine)
        close(engine, ref)
        measure = await ready(engine, link(ref))
        assert (await engine.client.launch(measure, "olga")).permit == "granted"
        with by_hand(engine) as tickets:
            tickets.move(KIND, ref, "open")
        await engine.until(lambda: engine.state(measure).permit is None, "the permit stands")
        assert engine.state(measure).last_verdict.blocking_rules == (RULE,)
        close(engine, ref)
        await engine.until(lambda: engine.state(measure).permit, "the launch did not go on")


async def test_a_link_says_which_statuses_are_enough(tracker: Any) -> None:
    """Here one that the system itself does not call closed."""
    async with tracker as engine:
        ref = a_ticket(engine)
        measure = await ready(engine, link(ref, until=("open",)))
        assert (await engine.client.launch(measure, "olga")).permit == "granted"


async def test_a_ticket_that_is_not_there_is_inconclusive(tracker: Any) -> None:
    """A wrong name opens no gate."""
    async with tracker as engine:
        measure = await engine.define(campaign=engine.campaign(), links=(link("no-such"),))
        await engine.reach(measure, "decided")
        await read(engine, "no-such")
        denied = await engine.client.launch(measure, "olga")
        assert (denied.permit, denied.verdict) == ("denied", "inconclusive")
        assert denied.blockers == (RULE,)


async def test_only_what_concerns_somebody_is_recorded(tracker: Any) -> None:
    """Neither other tickets, nor changes that no rule looks at."""
    async with tracker as engine:
        ref, other = a_ticket(engine), a_ticket(engine, "other")
        measure = await ready(engine, link(ref))
        with by_hand(engine) as tickets:
            tickets.comment(KIND, ref, "nearly", "k1")
        close(engine, other)
        close(engine, ref)
        await engine.until(lambda: fact(engine, measure).done, "it was not seen")
        kinds = [one.stream for one in engine.ledger.entries(kinds=["object_observed"])]
        assert kinds == [f"object:memory/{KIND}/{ref}"] * 2


async def test_the_same_news_twice_is_acted_on_once(tracker: Any) -> None:
    """In any order; the object is read again, whatever news says."""
    async with tracker as engine:
        ref = a_ticket(engine)
        await ready(engine, link(ref))
        inbox = Inbox(engine.ledger.database)
        news = [News("memory", KIND, ref, f"d{number % 3}") for number in range(9)]
        assert len(inbox.put(news, datetime.now(UTC))) == 3
        assert not inbox.put(news, datetime.now(UTC))
        await engine.until(lambda: inbox.backlog("memory") == 0, "news was not acted on")
        assert len(list(engine.ledger.entries(f"object:memory/{KIND}/{ref}"))) == 1


async def test_a_system_that_is_down_is_noticed_and_heard_again(tracker: Any) -> None:
    """What it showed counts as seen when all of it was last known, however long that is ago."""
    async with tracker as engine:
        ref = a_ticket(engine)
        close(engine, ref)
        measure = await ready(engine, link(ref))
        crm = MemoryConnector(engine.settings.state_dir)
        crm.take_down()
        lost = await engine.until(
            lambda: (c := engine.ledger.contact("memory")) and c.lost_since and c,
            "nobody noticed that the system is down",
        )
        assert lost.why
        assert fact(engine, measure).seen_at == lost.lost_since
        crm.take_down(down=False)
        await engine.until(
            lambda: engine.ledger.contact("memory").lost_since is None, "it is not heard again"
        )
        assert (await engine.client.launch(measure, "olga")).permit == "granted"


async def test_a_link_to_what_a_system_does_not_have_concerns_only_itself(own_engine: Any) -> None:
    """A slip in one plan must not make everybody else's links unknown."""
    # Three intervals without a whole poll count as unheard, and a busy machine needs longer ones.
    async with own_engine(poll=2, circuit=0.1) as engine:
        measure = await engine.define(links=[link("1", object="tikcet")])
        stream = "object:memory/tikcet/1"
        await engine.until(lambda: engine.ledger.object_state(stream), "it is not refused")
        assert "only ticket" in engine.ledger.object_state(stream).shown.refused
        defined = datetime.now(UTC)
        await engine.until(
            lambda: any(
                one.kind == "tikcet" and one.complete_at > defined
                for one in Polls(engine.ledger.database).all()
            ),
            "the connection counts as unheard",
        )
        assert engine.ledger.contact("memory") is None
        assert fact(engine, measure).done is None


async def test_nothing_opens_after_days_in_which_nothing_ran(own_engine: Any) -> None:
    """A worker notes that a system went unheard before it judges anything.

    The gate is inconclusive and names the connection; who asked waits, and goes on when it is
    heard again.
    """
    # No poll may be under way when it ends: its last write would come after ours.
    async with own_engine(queue="days", poll=60, circuit=0.1) as engine:
        ref = a_ticket(engine)
        close(engine, ref)
        measure = await ready(engine, link(ref))
        await engine.until(
            lambda: any(one.newest_at for one in Polls(engine.ledger.database).all()),
            "it was not polled",
        )
    crm = MemoryConnector(engine.settings.state_dir)
    crm.take_down()
    with Ledger.open(engine.settings.ledger_url.get_secret_value()) as ledger:
        days_ago = write_moment(datetime.now(UTC) - timedelta(days=3))
        with ledger.database.writing() as connection:
            connection.execute(update(polls).values(complete_at=days_ago, taken_until=days_ago))
    async with own_engine(queue="days", poll=0.1, circuit=0.1) as again:
        denied = await again.client.launch(measure, "olga")
        assert (denied.permit, denied.verdict) == ("denied", "inconclusive")
        [blocker] = again.state(measure).last_verdict.blockers
        assert blocker.rule == RULE
        assert "memory shows ticket 1 as done (cannot be known: link:form was last" in (
            blocker.message
        )
        crm.take_down(down=False)
        await again.until(lambda: again.state(measure).permit, "the launch did not go on")


async def test_the_past_and_what_is_live_are_gathered_with_the_links(tracker: Any) -> None:
    """Each decision has the digest of the facts that follow from the entries before it."""
    async with tracker as engine:
        ref = a_ticket(engine)
        measure = await ready(engine, link(ref))
        await engine.client.launch(measure, "olga")
        close(engine, ref)
        await engine.until(lambda: engine.state(measure).permit, "the launch did not go on")
        decided = [
            one for one in past_decisions(engine.ledger) if one.entry.stream.endswith(measure)
        ]
        assert all(one.facts is not None for one in decided)
        kinds = [one.entry.kind for one in decided]
        assert kinds[-2:] == ["permit_denied", "permit_granted"]
        past = situation_at(engine.ledger, measure, decided[-1].entry.position)
        assert list(past.facts) == decided[-1].facts
        with live_measures(engine.ledger.database) as live:
            [page] = [
                page for page in live.pages(live.places) if any(measure in s for s in page.states)
            ]
        assert page.linked == engine.ledger.surroundings(engine.state(measure)).linked


async def test_what_nobody_waited_for_meanwhile_is_read_anew(tracker: Any) -> None:
    """Who links a ticket that another measure had waited for knows nothing of it from then."""
    async with tracker as engine:
        ref = a_ticket(engine)
        close(engine, ref)
        before = await ready(engine, link(ref))
        await engine.until(lambda: fact(engine, before).done, "it was not seen")
        await engine.client.cancel(before, ReasonInput(by="olga", reason="enough"))
        stream = f"object:memory/{KIND}/{ref}"
        await engine.until(
            lambda: not engine.ledger.object_state(stream).known, "it was not forgotten"
        )
        with by_hand(engine) as tickets:
            tickets.move(KIND, ref, "open")
        plan = {**engine.campaign(), "ref": engine.id("CMP-2")}
        measure = await engine.define("other", campaign=plan, links=(link(ref),))
        await engine.reach(measure, "decided")
        denied = await engine.client.launch(measure, "olga")
        assert denied.permit == "denied"
        await engine.until(lambda: fact(engine, measure).status == "open", "it was not read anew")
