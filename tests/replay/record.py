"""Records the histories that the replay tests hold the present code to.

Run it after a change of workflow code that is meant to break old histories, which is only right
as long as nobody runs the old ones: `.venv/bin/python tests/replay/record.py`. With names it
writes those only, which is how a life of a new kind comes to the others.
"""

import asyncio
import json
import re
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from connectors.memory import MemoryConnector
from ledger.store import Ledger
from measures.answers import Answer
from measures.documents import Pool, RulePack, document_content, document_digest
from measures.mapping import Mapping
from measures.people import Person
from measures.plan import Measure
from measures.requests import (
    AmendInput,
    CapacityInput,
    LoadInput,
    MigrateInput,
    ReasonInput,
    ReportInput,
    RevokeInput,
    SignInput,
    WaiveInput,
)
from worker.assembly import assemble
from worker.server import SEARCH_ATTRIBUTES, program
from worker.settings import WorkerSettings
from workflows.client import SluiceClient
from workflows.contract import STAGE
from workflows.remote_contract import RemoteNews, RemoteResume

HISTORIES = Path(__file__).parent / "histories"
TODAY = datetime.now(UTC).date()
PERIOD = (TODAY + timedelta(days=40)).isoformat()[:7]
PEOPLE = {"olga": "owner", "sam": "sponsor", "carla": "controller", "tom": "committee",
          "kim": "operations"}  # fmt: skip


def plan(name: str, **fields: Any) -> Measure:
    """A small plan."""
    whole: dict[str, Any] = {
        "id": name, "title": name.title(), "description": "Saves postage", "type": "efficiency",
        "package": "media", "owner": "olga", "sponsor": "sam", "controller": "carla",
        "business_unit": "Retail", "function": "Operations", "legal_entity": "Bank AG",
        "steering_committee": ["tom"],
        "kpis": [{"id": "k", "title": "K", "baseline": 9, "target": 2, "owner": "olga",
                  "cadence": "monthly"}],
        "milestones": [{"id": "live", "title": "Live", "due": day(20), "owner": "olga"}],
        "finance": {"currency": "EUR", "plan": {"ebitda": 100, "cost": 20}},
        **fields,
    }  # fmt: skip
    return Measure.model_validate(whole, strict=False)


def day(days: int) -> date:
    """A day so many from now."""
    return TODAY + timedelta(days=days)


async def closed(client: SluiceClient) -> None:
    """From defined to closed, with capacity and a campaign, blocked once on the way."""
    campaign = {"connector": "memory", "ref": "C", "launch_on": day(0), "ends_on": day(30)}
    demands = [{"pool": "kyc", "period": PERIOD, "amount": 60}]
    name = "closed"
    await client.define(plan(name, campaign=campaign, demands=demands), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    await client.sign(name, SignInput(by="sam", gate="decided", role="sponsor"))
    await client.sign(name, SignInput(by="tom", gate="decided", role="committee"))
    assert (await client.advance(name, "olga")).verdict == "block"
    capacity = CapacityInput(by="kim", period=PERIOD, amount=70)
    assert await client.freed_by(await client.report_capacity("kyc", capacity)) == (name,)
    assert (await client.launch(name, "olga")).permit == "granted"
    for news in (
        {"milestone": {"id": "live", "done_on": day(0)}},
        {"forecast": {"ebitda": 90}},
    ):
        await report(client, name, "olga", news)
    assert (await client.advance(name, "olga")).stage == "implemented"
    await report(client, name, "carla", {"actual": {"ebitda": 90}})
    await report(client, name, "carla", {"evidence": {"id": "b", "title": "B", "sha256": "a" * 64}})
    await client.sign(name, SignInput(by="carla", gate="closed", role="controller"))
    assert (await client.advance(name, "olga")).stage == "closed"


async def waiting(client: SluiceClient) -> None:
    """Waits for another measure and its sponsor, is reminded, held, amended, and told of news."""
    name = "waiting"
    approvals = {"remind_after": ["1s", "2s"], "escalate_after": "2s"}
    await client.define(plan(name, approvals=approvals), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    await client.advance(name, "kim")
    await client.amend(name, AmendInput(by="olga", set={"title": "Waiting"}))
    await client.hold(name, ReasonInput(by="olga", reason="budget"))
    await client.resume(name, ReasonInput(by="olga"))
    while not (await client.status(name)).escalated:  # noqa: ASYNC110 - nobody is told of it
        await asyncio.sleep(0.1)
    await client.tell_facts_changed([name])
    await client.settle(name)


async def cancelled(client: SluiceClient) -> None:
    """Decided, stepped back, decided again, cancelled: what it held is given back."""
    name = "cancelled"
    demands = [{"pool": "kyc", "period": PERIOD, "amount": 5}]
    await client.define(plan(name, demands=demands), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    for _ in range(2):
        await client.sign(name, SignInput(by="sam", gate="decided", role="sponsor"))
        await client.sign(name, SignInput(by="tom", gate="decided", role="committee"))
        assert (await client.advance(name, "olga")).stage == "decided"
        if _ == 0:
            await client.step_back(name, ReasonInput(by="olga", reason="target"))
    await client.cancel(name, ReasonInput(by="olga", reason="enough"))


async def hurried(client: SluiceClient) -> None:
    """Passes gates quickly, rests until what Temporal lists has caught up, and is cancelled."""
    name = "hurried"
    await client.define(plan(name), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    handle = client.temporal.get_workflow_handle(f"measure:{name}")
    while (  # noqa: ASYNC110 - nobody is told of it
        await handle.describe()
    ).typed_search_attributes.get(STAGE) != "detailed":
        await asyncio.sleep(0.1)
    assert (await client.advance(name, "olga")).verdict == "block"
    await client.cancel(name, ReasonInput(by="olga", reason="enough"))


async def throttled(client: SluiceClient) -> None:
    """Runs on a pool whose load is too high, then still too high too early, then of no report."""
    name, month = "throttled", f"{TODAY:%Y-%m}"
    pool = Pool(id="agents", title="A", unit="hours", owner="kim", capacity={month: 50})
    await client.open_pool(pool, "operator")
    campaign = {"connector": "memory", "ref": "T", "launch_on": day(0), "ends_on": day(30)}
    demands = [{"pool": "agents", "period": month, "amount": 40}]
    await client.define(plan(name, campaign=campaign, demands=demands), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    await client.sign(name, SignInput(by="sam", gate="decided", role="sponsor"))
    await client.sign(name, SignInput(by="tom", gate="decided", role="committee"))
    assert (await client.advance(name, "olga")).stage == "decided"
    assert (await client.launch(name, "olga")).permit == "granted"
    while (await client.launch_status("T")).desire.share < 1:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    over = LoadInput(by="kim", value=60)
    assert (await client.report_load("agents", over)).action == "throttle"
    assert (await client.report_load("agents", over)).action == "hold"
    assert not (await client.report_load("agents", LoadInput(by="olga", value=60))).accepted
    while not (await client.launch_status("T")).confirmed:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def waived(client: SluiceClient) -> None:
    """Decided on three waivers, of which one is revoked then; a fourth ends by its timer."""
    name = "waived"
    campaign = {"connector": "memory", "ref": "W", "launch_on": day(20), "ends_on": day(50)}
    items = [{"item": "site", "days": 60}, {"item": "photos", "days": 50}]
    demands = [{"pool": "kyc", "period": PERIOD, "amount": 500}]
    fields = {"campaign": campaign, "lead_times": items, "demands": demands}
    await client.define(plan(name, **fields), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    await client.sign(name, SignInput(by="sam", gate="decided", role="sponsor"))
    await client.sign(name, SignInput(by="tom", gate="decided", role="committee"))
    assert (await client.advance(name, "olga")).verdict == "block"
    lead, short = "decided.lead-times-fit", "decided.capacity-covers-demand"
    await waive(client, name, "decided", lead, "5d", subject="lead_time:photos")
    given = await waive(client, name, "decided", lead, "5d", subject="lead_time:site")
    assert given.blockers == (short,)
    moved = await waive(client, name, "decided", short, "5d", up_to={"short": 900})
    assert moved.stage == "decided"
    end = RevokeInput(by="sam", waiver=given.waiver, reason="delivered")
    await client.revoke_waiver(name, end)
    assert (await client.launch(name, "olga")).permit == "denied"
    await waive(client, name, "launch", "launch.capacity-reserved", "1s")
    while (await client.status(name)).waivers[-1].ended != "expired":  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def waive(
    client: SluiceClient, name: str, gate: str, rule: str, span: str, **more: Any
) -> Answer:
    """The sponsor sets a blocker aside."""
    ask = {"by": "sam", "gate": gate, "rule": rule, "for": span, "reason": "in parts", **more}
    return await client.waive(name, WaiveInput.model_validate(ask, strict=False))


async def moved(client: SluiceClient, ledger_url: str) -> None:
    """Waits under a version of a pack, which changes, until it is moved to another that opens."""
    name = "moved"
    await client.define(plan(name, type="trial"), "operator")
    versions = []
    with Ledger.open(ledger_url) as ledger:
        for number, wanted in enumerate(("small", "large")):
            pack = trial(wanted)
            versions.append(document_digest(pack))
            content = document_content(pack)
            ledger.append_document("RulePack", "trial", content, "x", datetime.now(UTC), wanted)
            if number == 0:
                assert (await client.advance(name, "olga")).verdict == "block"
    await client.tell_facts_changed([name])
    assert (await client.settle(name)).blockers == ("identified.small",)
    ask = MigrateInput(by="operator", pack="trial", to=versions[1], reason="tried")
    assert (await client.migrate(name, ask)).blockers == ("identified.large",)
    await client.amend(name, AmendInput(by="olga", set={"scope": "large"}))
    assert (await client.status(name)).stage == "identified"


def trial(scope: str) -> RulePack:
    """A version of a pack that wants a scope of trials."""
    rule = {
        "id": f"identified.{scope}", "gate": "identified", "message": f"not {scope}",
        "when": {"measure": {"kind": "measure", "type": "trial"}},
        "require": f'measure.scope == "{scope}"',
    }  # fmt: skip
    return RulePack(pack="trial", title="Trials", policy="migrate", rules=(rule,))


async def shown(client: SluiceClient, ledger: Ledger, place: Path) -> str:
    """Its blocker becomes a ticket, closed too early, fought over, resumed, cleared.

    Returns:
        The id of the ticket.
    """
    name = "shown"
    fields = [{"ours": "title", "theirs": "title"}, {"ours": "owner", "theirs": "assignee"}]
    whole = {
        "id": "tickets", "version": 1, "connection": "memory", "object": "ticket",
        "purpose": "blockers", "for": {"packages": [name]}, "fields": fields,
        "statuses": {"open": "open", "cleared": "done"}, "flips": {"most": 1},
        "rules": ["*capacity*"],
    }  # fmt: skip
    content = document_content(Mapping.model_validate(whole, strict=False))
    ledger.append_document("Mapping", "tickets", content, "x", datetime.now(UTC), "tickets")
    pool = Pool(id="shown", title="S", unit="c", owner="kim", capacity={PERIOD: 50})
    await client.open_pool(pool, "operator")
    demands = [{"pool": "shown", "period": PERIOD, "amount": 60}]
    await client.define(plan(name, package=name, demands=demands), "operator")
    await client.advance(name, "olga")
    await client.advance(name, "olga")
    await client.sign(name, SignInput(by="sam", gate="decided", role="sponsor"))
    await client.sign(name, SignInput(by="tom", gate="decided", role="committee"))
    assert (await client.advance(name, "olga")).verdict == "block"
    while not (found := ledger.remotes(measure=name)) or not found[0].in_step:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    [ticket] = found
    system = MemoryConnector(place)
    with system.by_hand("ann") as tickets:
        tickets.move("ticket", ticket.ref, "done")
    await client.remote_changed(ticket.id, RemoteNews(seen_at=datetime.now(UTC)))
    system.take_down()
    await client.bring_remote_now(ticket.id)
    system.take_down(down=False)
    for robot in ("one", "two"):
        with system.by_hand("robot") as tickets:
            tickets.upsert("ticket", ticket.external_id, {"assignee": robot}, None)
        await client.bring_remote_now(ticket.id)
    resume = RemoteResume(by="olga", reason="it is off")
    assert (await client.resume_remote(ticket.id, resume)).accepted
    await client.bring_remote_now(ticket.id)
    await client.report_capacity("shown", CapacityInput(by="kim", period=PERIOD, amount=60))
    while (known := ledger.remote(ticket.id)) is None or not known.ended_at:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return ticket.id


async def report(client: SluiceClient, name: str, by: str, news: dict[str, Any]) -> None:
    """Reports."""
    await client.report(name, ReportInput.model_validate({"by": by, **news}, strict=False))


async def save(client: Client, workflow: str, name: str = "") -> None:
    """Writes a history, without what only its server knew."""
    stem = name or workflow.replace(":", "-")
    if sys.argv[1:] and stem not in sys.argv[1:]:
        return
    history = await client.get_workflow_handle(workflow).fetch_history()
    file = HISTORIES / f"{stem}.json"
    file.write_text(json.dumps(_of_no_machine(history.to_json_dict()), sort_keys=True) + "\n")


_OF_THE_MACHINE = frozenset(
    {"identity", "binaryChecksum", "workerVersion", "workerInstanceKey", "stackTrace"}
)


def _of_no_machine(content: Any) -> Any:
    """Takes out who recorded it: process, host, build and folders. The SDK's flags must stay."""
    if isinstance(content, dict):
        return {
            name: _of_no_machine(value)
            for name, value in content.items()
            if name not in _OF_THE_MACHINE
        }
    if isinstance(content, list):
        return [_of_no_machine(value) for value in content]
    if isinstance(content, str):
        return re.sub(r"\b\d+@[\w.-]+", "recorder", content)
    return content


async def main() -> None:
    """Lives, and writes their histories."""
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=program("temporal", override="TEMPORAL_BIN"),
            dev_server_log_level="error",
            data_converter=pydantic_data_converter,
            search_attributes=[SearchAttributeKey.for_keyword(n) for n in SEARCH_ATTRIBUTES],
        ) as server:
            settings = WorkerSettings.load(
                ledger_url=f"sqlite:///{folder}/ledger.db", state_dir=Path(folder)
            )
            with Ledger.open(settings.ledger_url.get_secret_value()) as ledger:
                for name, role in PEOPLE.items():
                    person = Person.model_validate({"id": name, "name": name, "roles": (role,)})
                    content = document_content(person)
                    ledger.append_document("Person", name, content, "x", datetime.now(UTC), name)
            async with assemble(settings, server.client) as worker, worker:
                client = SluiceClient(server.client)
                pool = Pool(id="kyc", title="K", unit="c", owner="kim", capacity={PERIOD: 50})
                await client.open_pool(pool, "operator")
                for live in (closed, waiting, cancelled, waived, throttled, hurried):
                    await live(client)
                await moved(client, settings.ledger_url.get_secret_value())
                with Ledger.open(settings.ledger_url.get_secret_value()) as ledger:
                    ticket = await shown(client, ledger, Path(folder))
                await save(server.client, f"remote:{ticket}", "remote-shown")
                for workflow in (
                    "measure:closed", "measure:waiting", "measure:cancelled", "measure:waived",
                    "measure:moved", "pool:kyc", "launch:C", "pool:agents", "launch:T",
                    "measure:shown", "measure:hurried",
                ):  # fmt: skip
                    await save(server.client, workflow)


if __name__ == "__main__":
    asyncio.run(main())
