"""Tickets at vendors stay in step though any answer is lost: one ticket, each comment once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from connectors.conformance.faults import writes
from connectors.contract import Connector
from connectors.github.connector import GithubConnector
from connectors.github.settings import GithubConfig
from connectors.jira.adf import text_of
from connectors.jira.connector import JiraConnector
from connectors.jira.settings import JiraConfig
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.settings import ServiceNowConfig
from connectors.zendesk.connector import ZendeskConnector
from connectors.zendesk.settings import ZendeskConfig
from measures.remote import STATUS, MappingUse, RemoteState, RemoteWant, WantedField
from measures.syncing import Brought
from tests.simulators import (
    github,
    github_described,
    jira,
    jira_content,
    jira_described,
    servicenow,
    zendesk,
    zendesk_described,
)
from tests.simulators.openapi import Described, Description
from tests.simulators.servicenow_description import TABLE_API
from worker.activities.remote_objects import RemoteObjectActivities

AT = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)


class LosingOne(httpx.AsyncBaseTransport):
    """Loses the answer to one writing request, by number; counts them all."""

    def __init__(self, inner: httpx.AsyncBaseTransport, lost: int) -> None:
        self._inner = inner
        self._lost = lost
        self.writes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes a request on."""
        response = await self._inner.handle_async_request(request)
        self.writes += writes(request)
        if writes(request) and self.writes == self._lost:
            msg = "the connection broke before the answer came"
            raise httpx.ReadError(msg, request=request)
        return response


@dataclass(frozen=True)
class Vendor:
    """A simulated vendor.

    Attributes:
        connect: makes a connection through a transport that is put in between.
        transport: the way to it.
        closed: the status of a ticket that is done.
        opened: the status of a new one.
        titles: of all its tickets.
        comments: of its first ticket.
        people_close: closes its first ticket as a person does.
        writes: how many it takes to open a ticket, say why, close it, and say why.
        kind: what it calls a ticket.
    """

    connect: Callable[[httpx.AsyncBaseTransport], Connector]
    transport: httpx.AsyncBaseTransport
    opened: str
    closed: str
    titles: Callable[[], list[str]]
    comments: Callable[[], list[str]]
    people_close: Callable[[], None]
    writes: int
    kind: str = "issue"


def _jira() -> Vendor:
    site = jira.JiraSite(lag=1000)
    config = JiraConfig(
        url=jira_content.SITE, email=jira_content.EMAIL, token="env:TEST_JIRA", project="OPS"
    )
    return Vendor(
        connect=lambda transport: JiraConnector(config, transport=transport),
        transport=jira_described.described(site),
        opened="In Progress",
        closed="Done",
        titles=lambda: [one["fields"]["summary"] for one in site._issues.values()],
        comments=lambda: [text_of(one) for one in site.said("OPS-1")],
        people_close=lambda: site.change("OPS-1", status="Done"),
        writes=5,  # a new issue does not stand in the status that is wanted
    )


def _github() -> Vendor:
    repository = github.GithubRepository()
    config = GithubConfig(url=github.API, repository=github.REPOSITORY, token="env:TEST_GITHUB")
    return Vendor(
        connect=lambda transport: GithubConnector(config, transport=transport),
        transport=github_described.described(repository),
        opened="open",
        closed="completed",
        titles=lambda: [one["title"] for one in repository._issues.values()],
        comments=lambda: repository.said(1),
        people_close=lambda: repository.change(1, state="closed", state_reason="completed"),
        writes=4,
    )


def _zendesk() -> Vendor:
    account = zendesk.Zendesk()
    config = ZendeskConfig(url="https://desk.test", user=zendesk.USER, token="env:TEST_DESK")
    return Vendor(
        connect=lambda transport: ZendeskConnector(config, transport=transport),
        transport=Described(account, zendesk_described.zendesk()),
        opened="open",
        closed="solved",
        titles=lambda: [one["subject"] for one in account.tickets.values()],
        comments=lambda: account.comments(1)[1:],  # the first one is what it is about
        people_close=lambda: account.write(1, status="solved"),
        writes=5,
        kind="ticket",
    )


def _servicenow() -> Vendor:
    instance = servicenow.ServiceNow()
    rows, notes = instance.rows["incident"], instance.rows["sys_journal_field"]
    config = ServiceNowConfig(url="https://now.test", user=servicenow.USER, password="env:TEST_NOW")
    return Vendor(
        connect=lambda transport: ServiceNowConnector(config, transport=transport),
        transport=Described(instance, Description(TABLE_API)),
        opened="In Progress",
        closed="Resolved",
        titles=lambda: [one["short_description"] for one in rows.values()],
        comments=lambda: [one["value"] for one in notes.values()],
        people_close=lambda: instance.write(next(iter(rows)), state=instance.states["Resolved"]),
        writes=5,
        kind="incident",
    )


VENDORS = pytest.mark.parametrize(
    "make",
    [_jira, _github, _zendesk, _servicenow],
    ids=["jira", "github", "zendesk", "servicenow"],
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_JIRA", jira_content.TOKEN)
    monkeypatch.setenv("TEST_GITHUB", github.TOKEN)
    monkeypatch.setenv("TEST_DESK", zendesk.TOKEN)
    monkeypatch.setenv("TEST_NOW", servicenow.PASSWORD)


def _wanted(vendor: Vendor) -> RemoteState:
    want = RemoteWant(
        fields=(
            WantedField(ours="title", theirs="title", value="KYC is 2,000 short"),
            WantedField(ours="text", theirs="text", value="why\n\nhttps://sluice.example.com/m/1"),
        ),
        status=vendor.opened,
        phase="open",
        remark="decided.lead-times-fit blocks spring",
    )
    return RemoteState(
        connection="tracker",
        kind=vendor.kind,
        external_id="sluice-0123456789",
        measure="spring",
        mapping=MappingUse(id="tickets", version=1, digest="0" * 64),
        want=want,
        number=1,
        opened_at=AT,
        changed_at=AT,
        remark_number=1,
    )


def _known(state: RemoteState, brought: Brought) -> RemoteState:
    """Returns what is known once an object was brought in step."""
    shown = brought.shown
    assert shown is not None
    return state.model_copy(
        update={
            "ref": shown.ref,
            "remote_version": shown.version,
            "sent": dict(brought.sent),
            "shown": {"title": shown.fields["title"], "text": shown.fields["text"],
                      STATUS: shown.status},
            "remark_number": None,
        }
    )  # fmt: skip


def _cleared(vendor: Vendor, state: RemoteState) -> RemoteState:
    want = state.want.model_copy(
        update={"status": vendor.closed, "phase": "cleared", "open": False, "remark": "Cleared."}
    )
    return state.model_copy(update={"want": want, "wanted_number": 3, "remark_number": 3})


async def _bring(connector: Connector, state: RemoteState) -> Brought:
    """Brings an object in step as Temporal has it done: again, after an answer was lost."""

    class OneConnection:
        async def get(self, name: str) -> Connector:
            return connector

    bringing: Any = RemoteObjectActivities(OneConnection(), None)  # type: ignore[arg-type]
    for _ in range(5):
        try:
            brought: Brought = await ActivityEnvironment().run(bringing.bring_remote, state)
        except ApplicationError as failure:
            if failure.non_retryable:
                raise
        else:
            return brought
    raise AssertionError("it never came in step")


@VENDORS
@pytest.mark.parametrize("lost", range(1, 8))
async def test_whichever_answer_is_lost_there_is_one_ticket(
    make: Callable[[], Vendor], lost: int
) -> None:
    """Opened, said why, closed, said why; what was done is not done again."""
    vendor = make()
    transport = LosingOne(vendor.transport, lost)
    opened = await _bring(vendor.connect(transport), _wanted(vendor))
    assert opened.shown is not None
    assert opened.shown.status == vendor.opened
    known = _known(_wanted(vendor), opened)
    closed = await _bring(vendor.connect(transport), _cleared(vendor, known))
    assert closed.shown is not None
    assert closed.shown.status == vendor.closed
    assert vendor.titles() == ["KYC is 2,000 short"]
    assert [one.splitlines()[0] for one in vendor.comments()] == [
        "decided.lead-times-fit blocks spring",
        "Cleared.",
    ]
    assert transport.writes == vendor.writes


@VENDORS
async def test_what_is_in_step_is_not_written(make: Callable[[], Vendor]) -> None:
    """Looking again leads to nothing."""
    vendor = make()
    state = _wanted(vendor)
    known = _known(state, await _bring(vendor.connect(vendor.transport), state))
    counting = LosingOne(vendor.transport, 0)
    again = await _bring(vendor.connect(counting), known)
    assert again.shown is not None
    assert again.shown.version == known.remote_version
    # What nobody maps stays out of Temporal's histories.
    assert set(again.shown.fields) == {"title", "text"}
    assert counting.writes == 0


@VENDORS
async def test_a_ticket_that_somebody_closes_too_early_is_opened_again(
    make: Callable[[], Vendor],
) -> None:
    """With a comment that says why."""
    vendor = make()
    state = _wanted(vendor)
    known = _known(state, await _bring(vendor.connect(vendor.transport), state))
    vendor.people_close()
    reverted = await _bring(vendor.connect(vendor.transport), known)
    assert reverted.shown is not None
    assert reverted.shown.status == vendor.opened
    assert [one.field for one in reverted.reverted] == [STATUS]
    assert len(vendor.comments()) == 2


async def test_a_ticket_that_was_closed_for_good_goes_on_in_its_follow_up() -> None:
    """What blocked before blocks again: there is one new ticket, opened, and it says why."""
    account = zendesk.Zendesk()
    config = ZendeskConfig(
        url="https://desk.test", user=zendesk.USER, token="env:TEST_DESK", follow_up=True
    )
    connector = ZendeskConnector(config, transport=Described(account, zendesk_described.zendesk()))
    vendor = _zendesk()
    state = _known(_wanted(vendor), await _bring(connector, _wanted(vendor)))
    state = _known(_cleared(vendor, state), await _bring(connector, _cleared(vendor, state)))
    account.write(1, status="closed")
    again = state.model_copy(
        update={"want": _wanted(vendor).want, "wanted_number": 5, "remark_number": 5}
    )
    brought = await _bring(connector, again)
    assert brought.shown is not None
    assert (brought.shown.ref, brought.shown.status) == ("2", "open")
    (said,) = account.comments(2)
    assert said.startswith("decided.lead-times-fit blocks spring")
    assert await _bring(connector, _known(again, brought)) is not None
    assert len(account.tickets) == 2
