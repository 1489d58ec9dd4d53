"""What workers, lists and counts read is what was recorded, in the order they need it."""

from datetime import date, timedelta
from typing import Any

import pytest

from ledger.applied import REMOVED
from ledger.overview import Money
from ledger.store import Ledger
from measures.documents import KINDS, RulePack, document_content
from measures.people import Delegation, Person
from measures.plan import Finance
from measures.tree import Node


def test_waiting_requests_are_found_by_what_they_watch(ledger: Ledger, lives: Any) -> None:
    """The oldest request comes first; a request that is answered no longer waits."""
    for name in ("late", "early", "passed", "unasked"):
        ledger.append([lives.defined(name)])
    ledger.append([lives.draft("late", 2, "hold_placed", reason="r"), lives.judged("late", 3, "r")])
    ledger.append([lives.judged("early", 2, "r")])
    ledger.append([lives.judged("passed", 2, "r")])
    assert ledger.waiting_on("pool:kyc") == ["early", "passed", "late"]
    ledger.append(
        [lives.judged("passed", 3), lives.draft("passed", 4, "stage_advanced", to="decided")]
    )
    assert ledger.waiting_on("pool:kyc") == ["early", "late"]
    assert ledger.waiting_on("measure:base") == ["early", "late"]
    assert ledger.waiting_on("pool:other") == []
    assert ledger.waiting() == ["early", "late"]


def test_amended_request_watches_its_new_pools(ledger: Ledger, lives: Any) -> None:
    """When the plan changes while it waits, so does what may wake it."""
    ledger.append([lives.defined("m1"), lives.judged("m1", 2, "r")])
    plan = lives.plan("m1", dependencies=()).model_dump(mode="json", by_alias=True)
    ledger.append([lives.draft("m1", 3, "measure_amended", plan=plan)])
    assert ledger.waiting_on("measure:base") == []
    assert ledger.waiting_on("pool:kyc") == ["m1"]


def test_cancelled_measure_waits_and_runs_no_more(ledger: Ledger, lives: Any) -> None:
    """What has ended needs no workflow; everything else does, pools first."""
    ledger.append([lives.defined("m2")])
    ledger.append([lives.defined("m1"), lives.judged("m1", 2, "r")])
    ledger.append([lives.pool("kyc")])
    assert list(ledger.running()) == [("pool:kyc", 1), ("measure:m1", 2), ("measure:m2", 1)]
    ledger.append([lives.draft("m1", 3, "measure_cancelled", reason="r")])
    assert list(ledger.running()) == [("pool:kyc", 1), ("measure:m2", 1)]
    assert ledger.waiting() == []
    assert ledger.standings(["m1", "m2", "none"])["m1"].cancelled
    assert set(ledger.standings(["m1", "m2", "none"])) == {"m1", "m2"}


def test_changes_since_a_position_are_seen_per_subject(ledger: Ledger, lives: Any) -> None:
    """Facts gathered at a position are stale when one of their subjects has a later entry."""
    ledger.append([lives.pool("kyc")])
    ledger.append([lives.defined("m1")])
    seen = ledger.position()
    assert not ledger.changed_since(["pool:kyc", "measure:m1", "documents"], seen)
    ledger.append([lives.defined("m2")])
    assert not ledger.changed_since(["pool:kyc", "measure:m1", "documents"], seen)
    ledger.append([lives.capacity("kyc", 2, 5)])
    assert ledger.changed_since(["measure:m1", "pool:kyc"], seen)
    assert not ledger.changed_since(["measure:m1", "documents"], seen)
    ledger.append_document("Person", "x", {"id": "x", "name": "X"}, "root", lives.now, "c")
    assert ledger.changed_since(["documents"], seen)
    assert not ledger.changed_since([], 0)


def test_documents_have_versions_and_say_nothing_twice(ledger: Ledger, lives: Any) -> None:
    """The same content again makes no version, whatever the order of its fields."""

    def apply(body: dict[str, Any]) -> Any:
        return ledger.append_document("Person", "olga", body, "root", lives.now, "c")

    first = apply({"id": "olga", "name": "Olga"})
    assert (first.stream, first.number, first.kind) == (
        "document:Person/olga",
        1,
        "document_applied",
    )
    assert apply({"name": "Olga", "id": "olga"}) is None
    assert apply({"id": "olga", "name": "Olga B"}).number == 2
    assert apply({"id": "olga", "name": "Olga"}).number == 3
    newest = ledger.document("Person", "olga")
    assert newest is not None
    assert (newest.version, newest.body["name"], newest.applied_by) == (3, "Olga", "root")
    assert ledger.document("Person", "nobody") is None
    assert [document.id for document in ledger.documents("Person")] == ["olga"]
    assert ledger.documents("Node") == []


def test_directory_follows_every_writer(ledger: Ledger, url: str, lives: Any) -> None:
    """It is read once, and again as soon as anybody applied a document."""
    day = date(2031, 1, 1)
    documents = [
        Person(id="olga", name="Olga", roles=("owner",)),
        Node(id="bank", level="organization", name="Bank"),
        Delegation(from_="olga", to="piet", role="owner", starts=day, ends=day),
        RulePack(pack="standard", title="Standard", rules=({"id": "r"},)),
    ]
    for document in documents:
        body = document_content(document)
        ledger.append_document(document.kind, document.id, body, "root", lives.now, "c")
    directory = ledger.directory()
    assert directory.people == {"olga": documents[0]}
    assert directory.nodes == {"bank": documents[1]}
    assert directory.delegations == (documents[2],)
    assert directory.packs == {"standard": documents[3]}
    assert ledger.directory() is directory
    with Ledger.open(url) as other:
        other.append_document(
            "Node", "p", {**document_content(documents[1]), "id": "p"}, "r", lives.now, "c"
        )
    assert set(ledger.directory().nodes) == {"bank", "p"}
    assert ledger.directory_position() == 5


def test_entries_are_filtered_in_order(ledger: Ledger, lives: Any) -> None:
    """By stream, kind, place and time, over more than one page."""
    ledger.append([lives.pool("kyc"), *(lives.capacity("kyc", n, n) for n in range(2, 1102))])
    ledger.append([lives.defined("m1"), lives.draft("m1", 2, "hold_placed", reason="r")])
    assert [e.position for e in ledger.entries()] == list(range(1, 1104))
    assert [e.position for e in ledger.entries(after=700, limit=600)] == list(range(701, 1104))
    assert [e.position for e in ledger.entries(limit=501)] == list(range(1, 502))
    assert [e.number for e in ledger.entries("measure:m1")] == [1, 2]
    assert [e.position for e in ledger.entries(kinds=["pool_opened", "hold_placed"])] == [1, 1103]
    since = lives.now + timedelta(minutes=2)
    assert [e.position for e in ledger.entries(since=since)] == [1103]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["a", "b", "c", "d"]),
        ({"stage": "decided"}, ["d"]),
        ({"verdict": "block"}, ["b", "c"]),
        ({"package": "other"}, ["c"]),
        ({"type": "campaign", "verdict": "pass"}, ["d"]),
        ({"owner": "nobody"}, []),
        ({"rule": "r.two"}, ["b", "c"]),
        ({"rule": "r.on"}, []),
        ({"rule": "r_two"}, []),
        ({"waiting_for": "kim"}, ["b"]),
        ({"waiting_for": "%"}, []),
        ({"limit": 2, "offset": 1}, ["b", "c"]),
    ],
)
def test_measures_are_found(
    ledger: Ledger, lives: Any, wanted: dict[str, Any], found: list[str]
) -> None:
    """Every filter narrows the list; what looks like a pattern is taken by the letter."""
    ledger.append([lives.defined("a")])
    ledger.append([lives.defined("b"), lives.judged("b", 2, "r.one", "r.two")])
    other = lives.plan("c", dependencies=()).model_copy(update={"package": "other"})
    defined = lives.draft("c", 1, "measure_defined", plan=other.model_dump(mode="json"))
    ledger.append([defined, lives.judged("c", 2, "r.two", waiting_for=("tom", "uma"))])
    passed = [lives.judged("d", 2), lives.draft("d", 3, "stage_advanced", to="decided")]
    ledger.append([lives.defined("d"), *passed])
    assert [row.id for row in ledger.find_measures(**wanted)] == found


def test_row_shows_the_waiting_request(ledger: Ledger, lives: Any) -> None:
    """A list shows what holds a measure and whom it waits for."""
    ledger.append([lives.defined("m1"), lives.judged("m1", 2, "r.one", waiting_for=("kim", "tom"))])
    row = ledger.find_measures()[0]
    assert (row.gate, row.verdict, row.rules, row.waiting_for) == (
        "decided",
        "block",
        ("r.one",),
        ("kim", "tom"),
    )
    assert row.requested_at == lives.now + timedelta(minutes=2)


def test_counts_weigh_benefit_and_never_cost(ledger: Ledger, lives: Any) -> None:
    """Pipeline value = stage weight x benefit (formula 5), per currency, without the cancelled."""

    def define(name: str, stage: str, currency: str = "EUR") -> None:
        finance = Finance(currency=currency, plan={"ebitda": 1000, "fte": 10, "cost": 200})
        drafts = [lives.defined(name, finance=finance)]
        if stage != "defined":
            drafts.append(lives.draft(name, 2, "stage_advanced", to=stage))
        ledger.append(drafts)

    define("a", "defined")
    define("b", "detailed")
    define("c", "closed")
    define("d", "decided", "USD")
    define("e", "decided")
    ledger.append([lives.draft("e", 3, "measure_cancelled", reason="r")])
    ledger.append([lives.judged("a", 2, "r.one", "r.two")])
    ledger.append([lives.judged("b", 3, "r.two")])
    counts = ledger.counts()
    assert counts.measures == 5
    assert counts.waiting == 2
    assert counts.by_stage == {"defined": 1, "detailed": 1, "closed": 1, "decided": 2}
    assert counts.by_verdict == {"block": 2, "none": 3}
    assert counts.by_rule == {"r.one": 1, "r.two": 2}
    assert counts.pipeline["EUR"] == Money(benefit=3030, weighted=1010 * (0 + 0.3 + 1), cost=600)
    assert counts.pipeline["USD"].weighted == pytest.approx(606)


def test_waivers_are_listed_and_counted(ledger: Ledger, lives: Any) -> None:
    """What is set aside in the latest answer counts by rule; every waiver stays to be found."""
    for name in ("m1", "m2", "m3"):
        ledger.append([lives.defined(name)])
    for name in ("m2", "m1"):
        ledger.append([lives.judged(name, 2, "r.one", "r.two"), lives.waived(name, 3, "r.one")])
    assert ledger.counts().waived_by_rule == {}
    ledger.append([lives.judged("m1", 4, "r.two", aside={"r.one": "w3"})])
    rows = {row.id: row.waived for row in ledger.find_measures()}
    assert rows == {"m1": ("r.one",), "m2": (), "m3": ()}
    assert ledger.counts().waived_by_rule == {"r.one": 1}
    assert ledger.counts().by_rule == {"r.one": 1, "r.two": 2}
    found = ledger.waivers(lives.now + timedelta(days=1))
    assert [(one.measure, one.id, one.use) for one in found] == [
        ("m1", "w3", "covers"),
        ("m2", "w3", "unused"),
    ]
    later = ledger.waivers(lives.now + timedelta(days=40), "m2")
    assert [(one.measure, one.standing) for one in later] == [("m2", "expired")]
    assert ledger.waivers(lives.now, "none") == []


def test_unknown_things_are_none(ledger: Ledger) -> None:
    """Asking for what is not there is not an error."""
    assert ledger.measure("m1") is None
    assert ledger.pool("kyc") is None
    assert ledger.pools(["kyc"]) == {}
    assert ledger.pools() == {}
    assert ledger.position() == 0
    assert ledger.counts().measures == 0


def test_a_removed_document_counts_no_more_until_it_is_applied_again(
    ledger: Ledger, lives: Any
) -> None:
    """Its versions stay readable, also after projections are made anew; repeating is safe."""
    body = document_content(RulePack(pack="p", title="P", rules=()))

    def apply() -> Any:
        return ledger.append_document("RulePack", "p", body, "rex", lives.now, "apply")

    def remove() -> Any:
        return ledger.remove_document("RulePack", "p", "tried", "rex", lives.now, "remove")

    assert remove() is None
    for _ in range(2):
        assert apply() is not None
        version = ledger.document("RulePack", "p")
        assert version is not None
        assert "p" in ledger.directory().packs
        removal = remove()
        assert removal is not None
        assert removal.body["document"] == {REMOVED: "tried"}
        assert remove() is None
        ledger.rebuild_projections()
        assert ledger.document("RulePack", "p") is None
        assert ledger.documents("RulePack") == []
        assert "p" not in ledger.directory().packs
        assert ledger.document_names("RulePack") == {"p"}
        assert {one.digest for one in ledger.versions("RulePack", "p")} == {version.digest}
        assert ledger.pack_version("p", version.digest) is not None


def test_no_document_can_pass_for_a_removal() -> None:
    """The key that marks a removal is a field of no kind."""
    assert not [kind for kind, model in KINDS.items() if REMOVED in model.model_fields]
