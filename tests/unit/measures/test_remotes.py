"""Which remote objects a measure wants, and what each is to show."""

from typing import Any

from measures.directory import Directory
from measures.entry import Draft
from measures.mapping import Mapping
from measures.remote import RemoteOrder, RemoteState, fold_remote
from measures.remotes import TITLE, external_id, news_among, wanted_of
from measures.syncing import take_order
from measures.verdict import Blocker

CAPACITY = Blocker(
    rule="decided.capacity", answer="block", message="2,000 checks short", subject="pool:kyc",
    wanted="capacity covers demand", clear_by=("kim",), command="sluice capacity kyc",
)  # fmt: skip
SIGNED = Blocker(
    rule="decided.sponsor", answer="block", message="the sponsor has not signed", subject="s",
    role="sponsor",
)  # fmt: skip


def mapping(**fields: Any) -> Mapping:
    """Blockers as tickets."""
    whole: dict[str, Any] = {
        "id": "tickets", "version": 1, "connection": "desk", "object": "issue",
        "purpose": "blockers",
        "fields": [
            {"ours": name, "theirs": name} for name in ("title", "owner", "gate", "command")
        ],
        "statuses": {"open": "new", "cleared": "done"},
        "link": "https://plans.example.com/{measure}",
    }  # fmt: skip
    return Mapping.model_validate({**whole, **fields}, strict=False)


def recorded(orders: list[RemoteOrder], life: Any) -> list[RemoteState]:
    """What the ledger would know after these orders."""
    known = []
    for order in orders:
        state: RemoteState | None = None
        for draft in take_order(None, order, life.now, order.external_id):
            state = fold_remote(state, Draft.model_validate(draft.model_dump()))
        assert state is not None
        known.append(state)
    return known


def shown(order: RemoteOrder) -> dict[str, Any]:
    """What an object is to show, by field."""
    return {field.theirs: field.value for field in order.want.fields}


def test_one_object_per_blocker(life: Any) -> None:
    """Each names who can clear it, how, and where to look."""
    life.judge(CAPACITY, SIGNED)
    capacity, signed = wanted_of(life.state, mapping(), life.directory, [])
    assert shown(capacity) == {
        "title": "Spring campaign: 2,000 checks short",
        "owner": "kim",
        "gate": "identified",
        "command": "sluice capacity kyc",
    }
    assert shown(signed)["owner"] == "sam"
    assert capacity.external_id == external_id("spring", "tickets", CAPACITY.rule, "pool:kyc")
    assert capacity.external_id != signed.external_id
    assert len(capacity.external_id) <= 32
    for part in ("spring", "2,000 checks short", "sluice capacity kyc", "plans.example.com/spring"):
        assert part in capacity.want.remark


def test_only_rules_that_are_mapped(life: Any) -> None:
    """The others stay between us."""
    life.judge(CAPACITY, SIGNED)
    [only] = wanted_of(life.state, mapping(rules=["*.sponsor"]), life.directory, [])
    assert shown(only)["owner"] == "sam"


def test_the_same_want_is_no_news_and_a_lost_blocker_is_cleared(life: Any) -> None:
    """What was never wanted is not cleared either."""
    life.judge(CAPACITY, SIGNED)
    orders = wanted_of(life.state, mapping(), life.directory, [])
    known = recorded(orders, life)
    by_id = {one.id: one for one in known}
    assert news_among(wanted_of(life.state, mapping(), life.directory, known), by_id) == []
    life.judge(SIGNED)
    after = wanted_of(life.state, mapping(), life.directory, known)
    [cleared] = news_among(after, by_id)
    assert cleared.external_id == orders[0].external_id
    assert (cleared.want.status, cleared.want.phase, cleared.want.done) == ("done", "cleared", True)
    assert "no longer finds it" in cleared.want.remark
    assert news_among(after, {}) == [one for one in after if not one.want.done]


def test_why_it_was_cleared(life: Any) -> None:
    """The measure was cancelled: by whom, and why."""
    life.judge(CAPACITY)
    known = recorded(wanted_of(life.state, mapping(), life.directory, []), life)
    life.side("cancel", "olga", "no budget")
    [order] = wanted_of(life.state, mapping(), life.directory, known)
    assert order.want.remark == "Cleared: measure spring was cancelled by olga: no budget."


def test_a_long_title_is_cut_visibly(life: Any) -> None:
    """Every system takes so many letters; the comment has them all."""
    life.judge(CAPACITY.model_copy(update={"message": "short\n" * 100}))
    [order] = wanted_of(life.state, mapping(), life.directory, [])
    title = str(shown(order)["title"])
    assert len(title) == TITLE
    assert title.endswith("…")
    assert "\n" not in title


def test_one_object_for_the_measure(life: Any) -> None:
    """Statuses that stand for other stages are closed to people."""
    names = ("id", "stage", "verdict", "blockers", "owner")
    board = mapping(
        purpose="measure",
        fields=[{"ours": name, "theirs": name} for name in names],
        statuses={"defined": "To do", "decided": "Doing", "cancelled": "Dropped"},
    )
    [order] = wanted_of(life.state, board, Directory(), [])
    assert shown(order) == {
        "id": "spring", "stage": "defined", "verdict": "", "blockers": 0, "owner": "olga",
    }  # fmt: skip
    assert order.want.status == "To do"
    assert set(order.want.forbidden) == {"Doing", "Dropped"}
    life.side("cancel", "olga", "no budget")
    [ended] = wanted_of(life.state, board, Directory(), [])
    assert (ended.want.status, ended.want.done) == ("Dropped", True)
