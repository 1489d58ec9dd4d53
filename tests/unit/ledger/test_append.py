"""What is recorded once stays, whoever asks again, and nothing else gets in."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.chain import hash_of, seal
from ledger.changes import Unmoved
from ledger.lines import read_line, write_line
from ledger.store import Ledger
from ledger.turn import StateCache
from measures.digest import digest
from measures.entry import GENESIS, Draft
from measures.errors import LedgerConflictError, LedgerError, LedgerMovedError
from measures.folding import fold_measure
from measures.pool import fold_pool


def test_entries_follow_each_other(ledger: Ledger, lives: Any) -> None:
    """Positions and numbers have no gaps, each entry bears the hash of the one before."""
    first = ledger.append([lives.pool("kyc"), lives.capacity("kyc", 2, 10)])
    second = ledger.append([lives.defined("m1")])
    assert [(e.position, e.stream, e.number) for e in first + second] == [
        (1, "pool:kyc", 1),
        (2, "pool:kyc", 2),
        (3, "measure:m1", 1),
    ]
    assert [e.previous for e in first + second] == [GENESIS, first[0].hash, first[1].hash]
    assert list(ledger.entries()) == first + second
    assert ledger.verify().head == second[0].hash


def test_hash_is_that_of_the_canonical_entry(ledger: Ledger, lives: Any) -> None:
    """Anybody can recompute a hash from the entry's JSON alone."""
    entry = ledger.append([lives.defined("m1", description='é "quoted" \n 1.0')])[0]
    content = entry.model_dump(mode="json", exclude={"hash"})
    content["at"] = "2031-01-12T09:01:00.000000Z"
    assert entry.hash == digest(content)


def test_same_batch_again_changes_nothing(ledger: Ledger, lives: Any) -> None:
    """An append that is repeated returns what it returned the first time."""
    batch = [lives.pool("kyc"), lives.capacity("kyc", 2, 10)]
    assert ledger.append(batch) == ledger.append(batch)
    assert ledger.position() == 2


def test_recorded_wins(ledger: Ledger, lives: Any) -> None:
    """Whoever comes second gets what the first one wrote, all of it from that number on."""
    ledger.append([lives.pool("kyc")])
    winner = ledger.append([lives.capacity("kyc", 2, 10), lives.capacity("kyc", 3, 11)])
    assert ledger.append([lives.capacity("kyc", 2, 99)]) == winner
    pool = ledger.pool("kyc")
    assert pool is not None
    assert pool.capacity["2031-03"].amount == 11
    assert ledger.position() == 3


def test_recorded_wins_within_one_transaction(ledger: Ledger, lives: Any) -> None:
    """Appends that share a transaction see each other as if they came one after the other."""
    ledger.append([lives.pool("kyc")])
    first, second, third = ledger.append_all(
        [
            [lives.capacity("kyc", 2, 10)],
            [lives.capacity("kyc", 2, 99)],
            [lives.capacity("kyc", 3, 12)],
        ]
    )
    assert first == second
    assert isinstance(third, list)
    assert third[0].number == 3
    assert ledger.verify().entries == 3


def test_one_bad_batch_leaves_the_others_whole(ledger: Ledger, lives: Any) -> None:
    """In a shared transaction each append has its own outcome."""
    outcomes = ledger.append_all(
        [
            [lives.pool("kyc")],
            [lives.capacity("kyc", 7, 1)],
            [lives.defined("m1"), lives.draft("m1", 2, "pool_opened")],
            [lives.defined("m2")],
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [
        list,
        LedgerConflictError,
        LedgerError,
        list,
    ]
    assert [entry.stream for entry in ledger.entries()] == ["pool:kyc", "measure:m2"]
    assert ledger.measure("m1") is None
    ledger.verify()


def test_gap_is_refused(ledger: Ledger, lives: Any) -> None:
    """An entry whose predecessors are missing is not recorded."""
    with pytest.raises(LedgerConflictError, match="entry 3 cannot follow entry 1"):
        ledger.append([lives.pool("kyc")]) and ledger.append([lives.capacity("kyc", 3, 1)])
    assert ledger.position() == 1


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({"kind": "stage_advanced", "body": {"to": "decided"}}, id="no beginning"),
        pytest.param({"kind": "measure_defined", "body": {}}, id="no plan"),
        pytest.param({"kind": "measure_defined", "body": {"plan": {"id": "m1"}}}, id="bad plan"),
        pytest.param({"stream": "measure:other"}, id="another measure's plan"),
        pytest.param({"stream": "measure"}, id="a stream of nothing"),
        pytest.param({"stream": "launch:m1"}, id="an unknown sort of stream"),
        pytest.param({"stream": "measure:m1\x00"}, id="NUL in a name"),
        pytest.param({"by": "o" * 501}, id="a name that is too long"),
        pytest.param({"command": "\ud800"}, id="half a character"),
        pytest.param({"number": 0}, id="number 0"),
        pytest.param({"body": {"nan": float("nan")}}, id="NaN"),
    ],
)
def test_what_cannot_be_folded_is_not_recorded(
    ledger: Ledger, lives: Any, spoil: dict[str, Any]
) -> None:
    """A faulty draft is refused, and the ledger goes on as if it had never come."""
    draft = lives.defined("m1").model_copy(update=spoil)
    with pytest.raises(LedgerError):
        ledger.append([draft])
    assert ledger.position() == 0
    assert ledger.append([lives.defined("m1")])[0].position == 1


def test_a_life_begins_once(ledger: Ledger, lives: Any) -> None:
    """A second beginning would wipe out all before it."""
    ledger.append([lives.defined("m1")])
    again = lives.defined("m1").model_copy(update={"number": 2})
    with pytest.raises(LedgerError, match="only the first entry"):
        ledger.append([again])


def test_batch_is_one_stream_in_order(ledger: Ledger, lives: Any) -> None:
    """One append is one stream's, in order; an empty one is nothing."""
    with pytest.raises(LedgerError, match="one stream's entries in order"):
        ledger.append([lives.defined("m1"), lives.pool("kyc")])
    with pytest.raises(LedgerError, match="one stream's entries in order"):
        ledger.append([lives.pool("kyc"), lives.capacity("kyc", 3, 1)])
    assert ledger.append([]) == []
    assert ledger.position() == 0


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_projection_is_the_folded_life(
    ledger: Ledger, url: str, lives: Any, data: st.DataObject
) -> None:
    """However lives are cut into appends: entries folded = projection = what was returned.

    The ledger is shared by all examples on purpose: it grows, and is verified at each.
    """
    tag = ledger.position()
    names = [f"m{tag}a", f"m{tag}b"]
    queues: list[list[Draft]] = [data.draw(lives.measure_life(name)) for name in names]
    queues.append(data.draw(lives.pool_life(f"p{tag}")))
    returned: dict[str, list[Any]] = {}
    while any(queues):
        group = []
        for queue in queues:
            size = data.draw(st.integers(1, 5))
            group.append(queue[:size])
            del queue[:size]
        for drafts, outcome in zip(group, ledger.append_all(group), strict=True):
            assert not isinstance(outcome, LedgerError)
            assert len(outcome) == len(drafts)
            for entry in outcome:
                returned.setdefault(entry.stream, []).append(entry)
    for name in names:
        entries = list(ledger.entries(f"measure:{name}"))
        assert entries == returned[f"measure:{name}"]
        measure = None
        for entry in entries:
            measure = fold_measure(measure, entry)
        assert ledger.measure(name) == measure
        with Ledger.open(url) as elsewhere:
            assert elsewhere.measure(name) == measure
    pool = None
    for entry in ledger.entries(f"pool:p{tag}"):
        pool = fold_pool(pool, entry)
    assert ledger.pool(f"p{tag}") == pool
    ledger.verify()


def test_projections_can_be_thrown_away(ledger: Ledger, lives: Any) -> None:
    """Made anew from the entries, they say what they said."""
    ledger.append([lives.pool("kyc"), lives.capacity("kyc", 2, 10)])
    ledger.append([lives.defined("m1"), lives.judged("m1", 2, "r.one")])
    ledger.append_document("Person", "olga", {"id": "olga", "name": "O"}, "root", lives.now, "c")

    def shown() -> Any:
        return (
            ledger.measure("m1"),
            ledger.pool("kyc"),
            ledger.documents(),
            ledger.waiting_on("pool:kyc"),
            ledger.find_measures(),
            ledger.counts(),
        )

    before = shown()
    ledger.rebuild_projections()
    assert shown() == before
    ledger.verify()


def test_cached_state_is_only_used_where_it_stands(lives: Any) -> None:
    """A state of another number or position is not taken; the one not used for longest goes."""
    states = {name: fold_pool(None, lives.pool(name)) for name in ("one", "two", "three")}
    cache = StateCache(capacity=2)
    cache.put("pool:one", 7, states["one"])
    cache.put("pool:two", 8, states["two"])
    assert cache.get("pool:one", 1, 7) is states["one"]
    assert cache.get("pool:one", 2, 7) is None
    assert cache.get("pool:one", 1, 9) is None
    cache.put("pool:three", 9, states["three"])
    assert cache.get("pool:two", 1, 8) is None
    assert cache.get("pool:one", 1, 7) is states["one"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first text builds tables
@given(
    body=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values),
    words=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50),
)
def test_hash_and_line_are_canonical_json(lives: Any, body: dict[str, Any], words: str) -> None:
    """The hash is that of the entry as canonical JSON; its line reads back as itself."""
    draft = lives.defined("m1").model_copy(update={"body": body, "by": words, "command": words})
    row = seal(draft, 1, GENESIS)
    content = {**row, "body": json.loads(row["body"])}
    assert json.loads(write_line(row)) == content
    assert read_line(write_line(row).encode()) == row
    del content["hash"]
    assert digest(content) == row["hash"] == hash_of(row)


def test_what_a_batch_stands_on_must_not_have_moved(ledger: Ledger, lives: Any) -> None:
    """Neither before the turn nor within it; what is recorded already is returned all the same."""
    ledger.append([lives.defined("m1")])
    seen = ledger.position()
    bound = Unmoved(("measure:m1", "measure:m2"), seen)
    kyc, desk, far = (lives.pool(name) for name in ("kyc", "desk", "far"))
    recorded = ledger.append([kyc], bound)
    first, second, third = ledger.append_all(
        [[lives.defined("m2")], [desk], [far]], [None, bound, Unmoved(("measure:m3",), seen)]
    )
    assert [isinstance(one, LedgerError) for one in (first, second, third)] == [False, True, False]
    with pytest.raises(LedgerMovedError, match="pool:desk"):
        ledger.append([desk], bound)
    assert ledger.append([kyc], bound) == recorded
    assert ledger.append([desk], bound._replace(position=ledger.position()))
