"""`sluice connectors plan|sync|explain`: what is shown in another system, now and to be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.memory import MemoryConnector

MAPPING = """\
kind: Mapping
id: blockers
version: {version}
connection: memory
object: {object}
purpose: blockers
rules: ["decided.*"]
fields:
  - {{ours: title, theirs: title}}
  - {{ours: owner, theirs: {theirs}}}
statuses: {{open: open, cleared: {cleared}}}
flips: {{most: 1}}
"""


def mapping(version: int = 1, theirs: str = "assignee", **values: str) -> str:
    """A mapping of blockers to tickets."""
    whole = {"object": "ticket", "cleared": "done", **values}
    return MAPPING.format(version=version, theirs=theirs, **whole)


@pytest.fixture(scope="module")
def blocked(office: Any, measure_text: Callable[..., str]) -> Iterator[Any]:
    """An office where a measure waits at the gate decided for capacity and three signatures."""
    office.write("summer.yaml", measure_text("summer", amount=120))
    assert office.sluice("apply", "-f", "summer.yaml").code == 0
    for stage in ("identified", "detailed"):
        assert office.asks("advance", "summer", "--as", "ada")["stage"] == stage
    assert office.sluice("advance", "summer", "--as", "ada").code == 3
    return office


@pytest.mark.parametrize(
    ("wrong", "place", "help_"),
    [
        ({"theirs": "asignee"}, "fields[1].theirs", "did you mean 'assignee'?"),
        ({"cleared": "Done"}, "statuses.cleared", "did you mean 'done'?"),
        ({"object": "tickets"}, "object", "did you mean 'ticket'?"),
    ],
)
def test_a_mapping_that_does_not_fit_is_found_before_it_is_applied(
    blocked: Any, wrong: dict[str, str], place: str, help_: str
) -> None:
    """Each fault at its place, with what to write; nothing is written anywhere."""
    blocked.write("wrong.yaml", mapping(**wrong))
    ran = blocked.sluice("connectors", "plan", "-f", "wrong.yaml", "-o", "json")
    assert ran.code == 1, ran
    [fault] = ran.data[0]["faults"]
    assert (fault["level"], fault["place"], fault["help"]) == ("error", place, help_)


def test_from_the_preview_to_the_tickets(blocked: Any, wait_until: Callable[..., Any]) -> None:
    """What is foreseen is what is written; a fight comes to rest and is resumed."""
    blocked.write("mapping.yaml", mapping())
    [foreseen] = blocked.asks("connectors", "plan", "-f", "mapping.yaml")
    assert foreseen["faults"] == []
    assert foreseen["concerned"] == 1
    assert {one["does"] for one in foreseen["objects"]} == {"create"}
    titles = {one["fields"]["title"] for one in foreseen["objects"]}
    assert blocked.sluice("connectors", "explain", "summer").code != 0

    assert blocked.sluice("apply", "-f", "mapping.yaml").code == 0
    synced = blocked.asks("connectors", "sync", "--measure", "summer")
    assert {one["shown"]["title"] for one in synced["objects"]} == titles
    assert {one["standing"] for one in synced["objects"]} == {"in step"}
    [again] = blocked.asks("connectors", "plan", "blockers")
    assert again["objects"] == []

    one = synced["objects"][0]
    system = MemoryConnector(blocked.state)
    name = one["id"].rpartition("/")[2]
    for count in (1, 2):
        with system.by_hand("robot") as tickets:
            tickets.upsert("ticket", name, {"assignee": f"robot-{count}"}, None)
        ran = blocked.sluice("connectors", "sync", "memory")
        assert ran.code == count - 1, ran
    assert f"sluice connectors sync --resume {one['id']}" in (
        blocked.sluice("connectors", "explain", one["ref"]).out
    )
    assert "suspended" in blocked.sluice("explain", "summer").out
    resumed = blocked.asks(
        "connectors", "sync", "--resume", one["id"], "--reason", "the robot is off", "--as", "ada"
    )
    assert resumed["done"][0]["kind"] == "remote_resumed"
    wait_until(lambda: blocked.sluice("connectors", "sync", "memory").code == 0)
    lives = blocked.asks("connectors", "explain", "summer")
    life = next(each for each in lives if each["id"] == one["id"])["life"]
    assert {"remote_wanted", "remote_written", "remote_suspended", "remote_resumed"} <= {
        entry["kind"] for entry in life
    }


def test_a_newer_version_is_for_whoever_is_moved_to_it(blocked: Any) -> None:
    """A change needs a number of its own; a measure keeps what it began with until then."""
    same_number = mapping().replace("theirs: assignee", "theirs: priority")
    blocked.write("newer.yaml", same_number)
    refused = blocked.sluice("apply", "-f", "newer.yaml")
    assert refused.code != 0
    assert "version: 2" in refused.out + refused.err
    blocked.write("newer.yaml", same_number.replace("version: 1", "version: 2"))
    assert blocked.sluice("apply", "-f", "newer.yaml").code == 0
    [plan] = blocked.asks("connectors", "plan", "blockers")
    assert plan["kept"] == {"summer": 1}
    moved = blocked.asks(
        "connectors", "sync", "--mapping", "blockers", "--move", "summer", "--as", "ada"
    )
    assert {one["mapping_version"] for one in moved["objects"]} == {2}
    assert all(one["shown"]["priority"] for one in moved["objects"] if one["wanted"]["priority"])
    [after] = blocked.asks("connectors", "plan", "blockers")
    assert after["kept"] == {}


def test_a_person_settles_what_a_mapping_leaves_to_people(
    blocked: Any, wait_until: Callable[..., Any]
) -> None:
    """The message names the command; the command is taken, and said in the object's life."""
    asking = mapping(version=3).replace("theirs: assignee", "theirs: assignee, policy: ask")
    asking = asking.replace("most: 1", "most: 9")  # the object may have been fought over above
    blocked.write("asking.yaml", asking)
    assert blocked.sluice("apply", "-f", "asking.yaml").code == 0
    moved = blocked.asks(
        "connectors", "sync", "--mapping", "blockers", "--move", "summer", "--as", "ada"
    )
    one = next(each for each in moved["objects"] if each["wanted"]["assignee"])
    with MemoryConnector(blocked.state).by_hand("ann") as tickets:
        tickets.upsert("ticket", one["id"].rpartition("/")[2], {"assignee": "ann"}, None)
    assert blocked.sluice("connectors", "sync", "memory").code == 0
    told = blocked.sluice("connectors", "explain", one["ref"]).out
    command = f"sluice connectors sync --settle {one['id']} --with engine|remote"
    assert command in told.replace("\n", " ")
    words = ("connectors", "sync", "--settle", one["id"])
    assert blocked.sluice(*words).code == 2, "with whose value?"
    settled = blocked.asks(*words, "--with", "engine", "--as", "ada", "--reason", "as agreed")
    assert [each["kind"] for each in settled["done"]] == ["remote_settled", "remote_written"]
    assert settled["done"][0]["said"].startswith("ada decided that engine counts for assignee")
    again = blocked.sluice(*words, "--with", "engine", "--as", "ada")
    assert "is to be decided: sluice connectors explain summer" in again.err


def test_a_mapping_is_removed_with_what_it_keeps(
    blocked: Any, wait_until: Callable[..., Any]
) -> None:
    """Foreseen, done, explained; nothing is open any more in the other system."""
    [foreseen] = blocked.asks("connectors", "plan", "blockers", "--remove")
    live = {one["object"] for one in foreseen["objects"]}
    assert {one["does"] for one in foreseen["objects"]} == {"release"}
    assert blocked.sluice("connectors", "remove", "blockers").code == 2, "without a reason"
    removed = blocked.asks("connectors", "remove", "blockers", "--reason", "a new tracker")
    assert removed["outcome"] == "removed"
    assert len(removed["objects"]) == len(live) > 0
    wait_until(lambda: blocked.sluice("connectors", "sync").code == 0)
    lives = blocked.asks("connectors", "explain", "summer")
    gone = [one for one in lives if one["ref"] in live]
    assert {(one["standing"], one["wanted"]["status"]) for one in gone} == {("ended", "done")}
    assert "was removed by operator: a new tracker" in str(gone[0]["life"])
    with MemoryConnector(blocked.state).by_hand("ann") as tickets:
        assert {tickets.get("ticket", ref).status for ref in live} == {"done"}
    again = blocked.asks("connectors", "remove", "blockers", "--reason", "a new tracker")
    assert again["outcome"] == "unchanged"
