"""5,998 real changes of 890 incidents: however their news comes, the same is known in the end."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.cursor import cursor_from
from connectors.servicenow.connector import ServiceNowConfig, ServiceNowConnector
from ledger.inbox import Inbox, News
from ledger.polls import Polls
from ledger.writer import AsyncLedger
from measures.entry import Draft, measure_stream
from measures.plan import Measure
from tests.simulators.incidents import INCIDENTS, IncidentEvent, IncidentHistory
from tests.simulators.servicenow import PASSWORD, USER, ServiceNow
from tests.unit.worker.hooks import url_of
from worker.inbound.desk import Desk
from worker.inbound.poll import Poller

LATEST = 600
"""So many changes later the last news of a change may come."""

LINKS = 50
"""So many links a measure may have."""

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


class OneConnection:
    """Stands for the connections of a worker; its only system is simulated."""

    def __init__(self, connector: ServiceNowConnector) -> None:
        self._connector = connector

    async def get(self, name: str) -> ServiceNowConnector:
        """Returns it."""
        assert name == "now"
        return self._connector


class Sleepers:
    """Stands for the measures: nobody waits here."""

    async def tell_facts_changed(self, measures: Sequence[str]) -> None:
        """Nobody is there to be woken."""
        assert not measures


class Office:
    """A ledger whose measures wait for every incident, and the instance with them."""

    def __init__(self, ledger: AsyncLedger, history: IncidentHistory) -> None:
        self.history = history
        self.instance = ServiceNow(states=history.states)
        config = ServiceNowConfig(url="https://now.test", user=USER, password="env:TEST_NOW")
        connections: Any = OneConnection(ServiceNowConnector(config, transport=self.instance))
        client: Any = Sleepers()
        self.ledger = ledger.ledger
        self.inbox = Inbox(self.ledger.database)
        self.desk = Desk(ledger, connections, client)
        self.poller = Poller(ledger, connections, timedelta(seconds=60))
        self._measures = [self._define(refs) for refs in in_parts(sorted(history.last), LINKS)]

    def facts(self) -> dict[str, tuple[str | None, bool | None]]:
        """What the rules see of each incident."""
        directory = self.ledger.directory()
        return {
            one.ref: (one.status, one.done)
            for name in self._measures
            for one in self.ledger.facts(self.ledger.measure(name), directory, NOW)  # type: ignore[arg-type]
            if one.kind == "link"
        }

    def expected(self) -> dict[str, tuple[str, bool]]:
        """What the log says of each incident in the end."""
        return {
            ref: (event.state, event.state in ("Closed", "Resolved"))
            for ref, event in self.history.last.items()
        }

    def tell(self, events: Sequence[IncidentEvent]) -> None:
        """News of changes comes in, as webhooks bring it."""
        self.inbox.put(
            [News("now", "incident", one.sys_id, _delivery(one)) for one in events],
            datetime.now(UTC),
        )

    async def work(self) -> None:
        """A worker looks at new links, and acts on what is due."""
        await self.desk.fit_to_links()
        await self.desk.work()

    def _define(self, refs: Sequence[str]) -> str:
        name = f"m{refs[0]}"
        links = [
            {"id": f"l{n}", "connection": "now", "object": "incident", "ref": ref}
            for n, ref in enumerate(refs)
        ]
        plan = Measure.model_validate(
            {"id": name, "title": name, "type": "t", "package": "p", "owner": "o", "links": links},
            strict=False,
        )
        draft = Draft(
            stream=measure_stream(name),
            number=1,
            kind="measure_defined",
            at=NOW,
            by="o",
            command=name,
            body={"plan": plan.model_dump(mode="json", by_alias=True)},
        )
        self.ledger.append([draft])
        return name


def _delivery(event: IncidentEvent) -> str:
    return f"{event.sys_id}:{event.sys_mod_count}@{event.updated_at}"


def in_parts(things: Sequence[str], many: int) -> Iterator[Sequence[str]]:
    """Cuts a list into parts."""
    for first in range(0, len(things), many):
        yield things[first : first + many]


@pytest.fixture(scope="session")
def history() -> IncidentHistory:
    """The real log."""
    if not INCIDENTS.exists():
        pytest.skip("NOT TESTED ON REAL EVENTS: ../shared/data/servicenow-incidents is not there")
    return IncidentHistory()


@asynccontextmanager
async def office(folder: Path, history: IncidentHistory) -> AsyncIterator[Office]:
    """An office of its own."""
    async with await AsyncLedger.open(url_of(folder)) as ledger:
        yield Office(ledger, history)


def as_sent(manner: str, events: Sequence[IncidentEvent]) -> list[list[IncidentEvent]]:
    """The news that comes in after each change."""
    chance = random.Random(7)
    arriving: list[list[IncidentEvent]] = [[] for _ in range(len(events) + LATEST + 1)]
    for place, event in enumerate(events):
        for _ in range(2 if manner == "doubled" else 1):
            late = 0 if manner == "in order" else chance.randrange(LATEST)
            arriving[place + late].append(event)
    for batch in arriving:
        chance.shuffle(batch)
    return arriving


@pytest.mark.parametrize("manner", ["in order", "shuffled", "doubled"])
async def test_however_news_comes_the_same_is_known_in_the_end(
    tmp_path: Path, history: IncidentHistory, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    """In order, late and in another order, or everything twice."""
    monkeypatch.setenv("TEST_NOW", PASSWORD)
    async with office(tmp_path, history) as here:
        came: list[IncidentEvent] = []
        for place, news in enumerate(as_sent(manner, history.events)):
            if place < len(history.events):
                history.apply(history.events[place], here.instance)
            came += news
            if place % 400 == 0:
                here.tell(came)
                came.clear()
                await here.work()
        here.tell(came)
        await here.work()
        assert here.facts() == here.expected()
        assert here.inbox.waiting() == []
        entries = list(here.ledger.entries(kinds=["object_observed"]))
        latest: dict[str, tuple[str, str]] = {}
        for entry in entries:
            shown = (entry.body["status"], entry.body["title"])
            assert latest.get(entry.stream) != shown, f"{entry.stream}: {shown} recorded twice"
            latest[entry.stream] = shown
        assert len(history.events) == 5998


async def test_thirty_days_that_no_webhook_told_are_found_by_one_poll(
    tmp_path: Path, history: IncidentHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine was away; the cursor is still where it was."""
    monkeypatch.setenv("TEST_NOW", PASSWORD)
    first = history.events[len(history.events) // 2].updated_at
    month = [one for one in history.events if first <= one.updated_at <= first + timedelta(days=30)]
    assert len({one.updated_at.date() for one in month}) > 25
    async with office(tmp_path, history) as here:
        for event in history.events:
            if event.updated_at < first:
                history.apply(event, here.instance)
        await here.work()
        polls, now = Polls(here.ledger.database), datetime.now(UTC)
        poll = polls.take("now", "incident", cursor_from(first), now, timedelta(seconds=1))
        assert poll is not None
        polls.complete(poll, now, now)
        for event in month:
            history.apply(event, here.instance)
        told = await here.poller.work()
        assert told == len({one.sys_id for one in month})
        await here.work()
        last = {one.sys_id: one.state for one in month}
        seen = {ref: status for ref, (status, _) in here.facts().items()}
        assert {ref: seen[ref] for ref in last} == last
        assert await here.poller.work() == 0
