"""A real instance's audit log can be played into a simulated one."""

from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from connectors.contract import Remote
from connectors.cursor import cursor_from
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.settings import ServiceNowConfig
from tests.simulators.incidents import INCIDENTS, IncidentHistory
from tests.simulators.servicenow import PASSWORD, USER, ServiceNow


@pytest.fixture(scope="module")
def history() -> IncidentHistory:
    """The whole log."""
    if not INCIDENTS.is_file():
        pytest.skip(f"no audit log: {INCIDENTS} is not there")
    return IncidentHistory()


def test_nothing_of_the_log_is_lost_or_out_of_order(history: IncidentHistory) -> None:
    """Every event once, oldest first, and each change of an incident tells itself apart."""
    assert len(history.events) == 5_998
    assert len(history.last) == 890
    assert all(one.updated_at <= two.updated_at for one, two in pairwise(history.events))
    versions = {(one.sys_id, one.sys_mod_count, one.updated_at) for one in history.events}
    assert len(versions) == 5_998


async def test_in_the_end_an_instance_shows_the_last_of_each(history: IncidentHistory) -> None:
    """What somebody who missed everything reads then."""
    instance = ServiceNow(states=history.states)
    for event in history.events:
        history.apply(event, instance)
    async with httpx.AsyncClient(
        transport=instance, base_url="http://now.test/api/now/table/", auth=(USER, PASSWORD)
    ) as client:
        shown = (await client.get("incident")).json()["result"]
    labels = {value: label for label, value in history.states.items()}
    assert {row["sys_id"]: labels[row["state"]] for row in shown} == {
        sys_id: event.state for sys_id, event in history.last.items()
    }


@pytest.mark.parametrize("days", [1, 30])
async def test_who_polls_every_so_many_days_knows_the_same(
    history: IncidentHistory, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """A day at a time or a month after everybody else: the states are the same in the end."""
    monkeypatch.setenv("TEST_NOW", PASSWORD)
    instance = ServiceNow(states=history.states)
    config = ServiceNowConfig(url="https://now.test", user=USER, password="env:TEST_NOW")
    connector = ServiceNowConnector(config, transport=instance)
    since = history.events[0].updated_at
    cursor, known, came = cursor_from(since), dict[str, Remote](), 0

    async def poll() -> None:
        nonlocal cursor, came
        more = True
        while more:
            page = await connector.changes("incident", cursor)
            known.update({one.ref: one for one in page.items})
            cursor, more, came = page.cursor, page.more, came + len(page.items)

    for event in history.events:
        if event.updated_at > since + timedelta(days=days):
            await poll()
            since = event.updated_at
        history.apply(event, instance)
    await poll()
    assert {ref: one.status for ref, one in known.items()} == {
        sys_id: event.state for sys_id, event in history.last.items()
    }
    assert came <= len(history.events)
