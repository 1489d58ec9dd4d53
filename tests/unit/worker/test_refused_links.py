"""A link that its system refuses to look at concerns only itself."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.contract import ConnectionConfig, Connector, Manifest, Remote, RemoteSchema
from connectors.failures import Rejected
from ledger.inbox import Inbox
from ledger.polls import Polls
from ledger.writer import AsyncLedger
from measures.entry import Draft, measure_stream
from measures.objects import ObjectState
from measures.plan import Measure
from tests.unit.worker.hooks import url_of
from worker.inbound.desk import Desk
from worker.inbound.poll import Poller

NOW = datetime.now(UTC)


class Tracker(Connector):
    """Does not tell what has changed, and takes only numbers for names."""

    manifest: ClassVar[Manifest] = Manifest(
        name="tracker", title="Tracker", api="1", kinds=("issue",), can=frozenset({"describe"})
    )
    Config: ClassVar[type[ConnectionConfig]] = ConnectionConfig

    def __init__(self) -> None:
        self.closed = False
        self.kinds = {"issue", "bug"}
        self.refuses = {"KYC form"}

    async def get(self, kind: str, ref: str) -> Remote:
        """Shows an issue."""
        if kind not in self.kinds:
            msg = f"it has no {kind!r}, only issue"
            raise Rejected(msg)
        if ref in self.refuses:
            msg = f"{ref!r} is no number of an issue"
            raise Rejected(msg)
        status = "closed" if self.closed else "open"
        return Remote(kind=kind, ref=ref, status=status, version=status, updated_at=NOW)

    async def describe(self, kind: str) -> RemoteSchema:
        """Says what means done."""
        return RemoteSchema(kind=kind, statuses=("open", "closed"), closed=("closed",))


class Office:
    """A measure that waits for three objects, a tracker, and what a worker does about both."""

    def __init__(self, ledger: AsyncLedger) -> None:
        self.tracker = Tracker()
        self.woken: list[str] = []
        self.ledger = ledger.ledger
        connections: Any = self
        client: Any = self
        self.desk = Desk(ledger, connections, client)
        self.poller = Poller(ledger, connections, timedelta(microseconds=1))
        plan = Measure.model_validate(
            {
                "id": "m", "title": "M", "type": "t", "package": "p", "owner": "o",
                "links": [
                    {"id": "good", "connection": "tracker", "object": "issue", "ref": "7"},
                    {"id": "bad", "connection": "tracker", "object": "issue", "ref": "KYC form"},
                    {"id": "kind", "connection": "tracker", "object": "bug", "ref": "9"},
                ],
            },
            strict=False,
        )  # fmt: skip
        draft = Draft(
            stream=measure_stream("m"), number=1, kind="measure_defined", at=NOW, by="o",
            command="c", body={"plan": plan.model_dump(mode="json", by_alias=True)},
        )  # fmt: skip
        self.ledger.append([draft])

    async def get(self, name: str) -> Tracker:
        """Stands for the connections of a worker."""
        assert name == "tracker"
        return self.tracker

    async def tell_facts_changed(self, measures: Sequence[str]) -> None:
        """Stands for the measures."""
        self.woken += measures

    async def work(self) -> None:
        """One round of a worker."""
        await self.poller.work()
        await self.desk.fit_to_links()
        await self.desk.work()

    def shown(self, ref: str, kind: str = "issue") -> ObjectState:
        """What is recorded of an object."""
        state = self.ledger.object_state(f"object:tracker/{kind}/{ref}")
        assert state is not None, f"nobody has read {ref}"
        return state

    def faults(self) -> dict[str, str]:
        """Why each kind could not be read last."""
        return {one.kind: one.fault for one in Polls(self.ledger.database).all()}

    def done(self) -> dict[str, bool | None]:
        """What the rules see, by link."""
        state = self.ledger.measure("m")
        assert state is not None
        facts = self.ledger.facts(state, self.ledger.directory(), NOW)
        return {one.id: one.done for one in facts if one.kind == "link"}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office of its own."""
    async with await AsyncLedger.open(url_of(tmp_path)) as ledger:
        yield Office(ledger)


async def test_the_others_are_read_and_it_says_why_it_is_not(office: Office) -> None:
    """The connection counts as heard; the bad link is unknown for the system's own reason."""
    await office.work()
    office.tracker.closed = True
    await office.work()
    assert office.faults() == {"issue": "", "bug": ""}
    assert office.done() == {"good": True, "bad": None, "kind": True}
    assert office.shown("KYC form").shown.refused == "'KYC form' is no number of an issue"


async def test_what_is_refused_from_some_day_on_is_no_longer_believed(office: Office) -> None:
    """It was done; nobody knows any more whether it is. That is recorded once."""
    office.tracker.closed = True
    await office.work()
    assert office.done()["good"] is True
    office.tracker.refuses.add("7")
    for _ in range(3):
        await office.work()
    assert office.done()["good"] is None
    assert office.shown("7").number == 2


async def test_a_kind_that_a_system_no_longer_has_concerns_only_its_links(office: Office) -> None:
    """What it showed is no longer believed; the connection counts as heard all the same."""
    await office.work()
    assert office.done()["kind"] is False
    office.tracker.kinds.remove("bug")
    for _ in range(3):
        await office.work()
    assert office.done() == {"good": False, "bad": None, "kind": None}
    assert office.faults() == {"issue": "", "bug": ""}
    assert office.shown("9", "bug").shown.refused == "it has no 'bug', only issue"


async def test_it_is_read_again_until_the_system_shows_it(office: Office) -> None:
    """A right that was missing may be given there, which no system tells as a change."""
    await office.work()
    office.tracker.refuses.clear()
    inbox = Inbox(office.ledger.database)
    [waiting] = inbox.waiting()
    assert (waiting.many, waiting.fault) == (1, "'KYC form' is no number of an issue")
    inbox.hurry("tracker", datetime.now(UTC))
    await office.desk.work()
    assert office.done() == {"good": False, "bad": False, "kind": False}
    assert inbox.waiting() == []
