"""A surge that operations cannot absorb, with the campaign in Tryton and the ticket in Roundup.

The first of the acceptance stories, its days counted from today as the demo has them.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from console.demo import demo_documents
from measures.documents import document_content
from measures.plan import Measure
from tests.real_people import PASSWORD, Marketing, Tracker

CAMPAIGN = "Spring sign-ups"
TODAY = datetime.now(UTC).date()

SYSTEMS = """\
- kind: Connection
  id: crm
  connector: tryton
  settings: {{url: "http://127.0.0.1:{tryton}/crm", key: "file:{key}"}}
- kind: Connection
  id: tracker
  connector: roundup
  settings: {{url: "http://127.0.0.1:{roundup}/gate/", user: admin, password: "file:{password}"}}
- kind: Mapping
  id: blockers-to-tracker
  version: 1
  connection: tracker
  object: issue
  purpose: blockers
  for: {{types: [campaign]}}
  fields:
    - {{ours: title, theirs: title}}
    - {{ours: owner, theirs: assignedto, policy: remote, values: {{kim: bot}}}}
  statuses: {{open: in-progress, cleared: resolved}}
"""


@pytest.fixture
def place(make_shell: Callable[[], Any], end: Callable[..., str]) -> Iterator[Any]:
    """A folder where everything runs, with a worker that looks and tries often."""
    shell = make_shell()
    shell.environment |= {"SLUICE_WATCH_SECONDS": "0.5", "SLUICE_CIRCUIT_SECONDS": "0.5"}
    process = shell.up()
    yield shell
    end(process)


@pytest.mark.timeout(600)
def test_the_campaign_is_held_and_the_ticket_opened_until_operations_can_absorb_it(
    place: Any, tryton: Any, roundup: Any, wait_until: Callable[..., Any]
) -> None:
    """Both systems die while the gate is shut, and our own server and worker with them."""
    key = tryton.data / "token"
    marketing = Marketing(tryton.port, key.read_text(), CAMPAIGN)
    tracker = Tracker(roundup.port)

    def standing() -> str:
        return str(place.asks("connectors", "explain", "spring-signups")[0]["standing"])

    marketing.do("run")
    password = place.write("password", PASSWORD)
    place.write(
        "systems.yaml",
        SYSTEMS.format(tryton=tryton.port, key=key, roundup=roundup.port, password=password),
    )
    place.write("plan.json", json.dumps(plan()))
    applied = place.sluice("apply", "-f", "systems.yaml", "-f", "plan.json")
    assert applied.code == 0, applied
    wait_until(lambda: marketing.state() == "stopped")
    [fits] = place.asks("connectors", "plan", "blockers-to-tracker")
    assert [one for one in fits["faults"] if one["level"] == "error"] == []

    for stage in ("identified", "detailed"):
        assert place.asks("advance", "spring-signups", "--as", "olga")["stage"] == stage
    for role, person in (("sponsor", "sam"), ("committee", "tom"), ("committee", "uma")):
        signed = ("sign", "spring-signups", "--gate", "decided", "--role", role, "--as", person)
        assert place.sluice(*signed).code == 0
    assert place.sluice("advance", "spring-signups", "--as", "olga").code == 3
    assert place.sluice("launch", "spring-signups", "--as", "olga").code == 3

    wait_until(lambda: [one["status"]["name"] for one in tracker.issues()] == ["in-progress"])
    wait_until(lambda: standing() == "in step")
    [ticket] = tracker.issues()
    assert ticket["assignedto"]["username"] == "bot"
    assert "13,000 checks needed" in ticket["title"]
    [reason] = tracker.said(ticket)
    assert "decided.capacity-covers-demand" in reason
    assert "sluice capacity kyc" in reason

    # A person thinks it is done; it is not.
    tracker.move(ticket, "resolved")
    place.sluice("connectors", "sync", "tracker")
    assert [one["status"]["name"] for one in tracker.issues()] == ["in-progress"]
    assert "still does" in tracker.said(tracker.issues()[0])[-1]

    tryton.kill()
    roundup.kill()
    stack = place.stack
    for process in (stack.worker.pid, stack.server.pid):
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: place.stack.worker.pid != stack.worker.pid and place.stack.ready)
    enough = ("capacity", "kyc", "--period", f"{TODAY:%Y-%m}", "--as", "kim", "--amount")
    assert place.asks(*enough, "12999")["freed_for"] == []
    assert place.asks(*enough, "13000")["freed_for"] == ["spring-signups"]
    assert place.asks("get", "measure", "spring-signups")["stage"] == "decided"
    tryton.run("start.sh")
    roundup.run("start.sh")

    wait_until(lambda: standing() == "ended")
    [closed] = tracker.issues()
    assert (closed["id"], closed["status"]["name"]) == (ticket["id"], "resolved")
    said = tracker.said(closed)
    assert len(said) == 3
    assert said[-1].startswith("Cleared: gate decided of measure spring-signups opened")
    assert marketing.state() == "stopped"

    wait_until(lambda: place.sluice("launch", "spring-signups", "--as", "olga").code == 0)
    wait_until(lambda: marketing.state() == "running")
    assert place.sluice("ledger", "verify").code == 0
    tracker.close()
    marketing.close()


def plan() -> list[dict[str, Any]]:
    """People, tree, pool and the measure, whose campaign is one in Tryton."""
    documents = []
    for located in demo_documents(TODAY).documents:
        content = document_content(located.document)
        if isinstance(located.document, Measure):
            content["campaign"] |= {"connector": "crm", "ref": CAMPAIGN}
        documents.append(content)
    return documents
