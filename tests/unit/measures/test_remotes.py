"""Which remote objects a measure wants, and what each is to show."""

from typing import Any

import pytest

from measures.directory import Directory
from measures.entry import Draft
from measures.mapping import Mapping
from measures.remote import RemoteOrder, RemoteState, fold_remote
from measures.remotes import (
    TITLE,
    external_id,
    left_over,
    news_among,
    release_of,
    wanted_of,
)
from measures.state import MeasureState
from measures.syncing import take_order
from measures.verdict import Blocker, Waived

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


def wanted(
    state: MeasureState, by: Mapping, directory: Directory, known: list[RemoteState]
) -> list[RemoteOrder]:
    """What an installation named here wants."""
    return wanted_of(state, by, directory, known, installation="here")


def shown(order: RemoteOrder) -> dict[str, Any]:
    """What an object is to show, by field."""
    return {field.theirs: field.value for field in order.want.fields}


def test_one_object_per_blocker(life: Any) -> None:
    """Each names who can clear it, how, and where to look."""
    life.judge(CAPACITY, SIGNED)
    capacity, signed = wanted(life.state, mapping(), life.directory, [])
    assert shown(capacity) == {
        "title": "Spring campaign: 2,000 checks short",
        "owner": "kim",
        "gate": "identified",
        "command": "sluice capacity kyc",
    }
    assert shown(signed)["owner"] == "sam"
    assert capacity.external_id == external_id(
        "spring", "tickets", CAPACITY.rule, "pool:kyc", installation="here"
    )
    assert capacity.external_id != signed.external_id
    assert len(capacity.external_id) <= 32
    for part in ("spring", "2,000 checks short", "sluice capacity kyc", "plans.example.com/spring"):
        assert part in capacity.want.remark


def test_only_rules_that_are_mapped(life: Any) -> None:
    """The others stay between us."""
    life.judge(CAPACITY, SIGNED)
    [only] = wanted(life.state, mapping(rules=["*.sponsor"]), life.directory, [])
    assert shown(only)["owner"] == "sam"


def test_the_same_want_is_no_news_and_a_lost_blocker_is_cleared(life: Any) -> None:
    """What was never wanted is not cleared either."""
    life.judge(CAPACITY, SIGNED)
    orders = wanted(life.state, mapping(), life.directory, [])
    known = recorded(orders, life)
    by_id = {one.id: one for one in known}
    assert news_among(wanted(life.state, mapping(), life.directory, known), by_id) == []
    life.judge(SIGNED)
    after = wanted(life.state, mapping(), life.directory, known)
    [cleared] = news_among(after, by_id)
    assert cleared.external_id == orders[0].external_id
    assert (cleared.want.status, cleared.want.phase, cleared.want.done) == ("done", "cleared", True)
    assert "no longer finds it" in cleared.want.remark
    assert news_among(after, {}) == [one for one in after if not one.want.done]


def test_why_it_was_cleared(life: Any) -> None:
    """The measure was cancelled: by whom, and why."""
    life.judge(CAPACITY)
    known = recorded(wanted(life.state, mapping(), life.directory, []), life)
    life.side("cancel", "olga", "no budget")
    [order] = wanted(life.state, mapping(), life.directory, known)
    assert order.want.remark == "Cleared: measure spring was cancelled by olga: no budget."


def test_a_long_title_is_cut_visibly(life: Any) -> None:
    """Every system takes so many letters; the comment has them all."""
    life.judge(CAPACITY.model_copy(update={"message": "short\n" * 100}))
    [order] = wanted(life.state, mapping(), life.directory, [])
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
    [order] = wanted(life.state, board, Directory(), [])
    assert shown(order) == {
        "id": "spring", "stage": "defined", "verdict": "", "blockers": 0, "owner": "olga",
    }  # fmt: skip
    assert order.want.status == "To do"
    assert set(order.want.forbidden) == {"Doing", "Dropped"}
    life.side("cancel", "olga", "no budget")
    [ended] = wanted(life.state, board, Directory(), [])
    assert (ended.want.status, ended.want.done) == ("Dropped", True)


# --- several installations on one system ---


def of(installation: str, life: Any, known: list[RemoteState]) -> list[RemoteOrder]:
    """What an installation of this name wants of the same measure by the same mapping."""
    return wanted_of(life.state, mapping(), life.directory, known, installation=installation)


def test_two_installations_name_the_same_blocker_differently(life: Any) -> None:
    """Or the test system would close the tickets of production."""
    life.judge(CAPACITY)
    [there], [here] = of("production", life, []), of("test", life, [])
    assert there.external_id != here.external_id
    assert [len(one.external_id) for one in (there, here)] == [27, 27]


@pytest.mark.parametrize("before", ["", "3f9a1c07"])
def test_what_is_known_keeps_the_name_that_it_was_made_under(life: Any, before: str) -> None:
    """By a release that knew no installations, or before somebody named this one."""
    life.judge(CAPACITY)
    known = recorded(of(before, life, []), life)
    assert news_among(of("production", life, known), {known[0].id: known[0]}) == []
    life.judge(SIGNED)
    new, cleared = of("production", life, known)
    assert (new.installation, new.want.phase) == ("production", "open")
    assert (cleared.id, cleared.installation) == (known[0].id, before)
    assert cleared.want.phase == "cleared"


def test_of_two_names_for_one_blocker_that_of_today_counts(life: Any) -> None:
    """An order of the old release was under way when the new one began; one ticket is closed."""
    life.judge(CAPACITY)
    old, new = recorded([*of("", life, []), *of("here", life, [])], life)
    stays, goes = of("here", life, [old, new])
    assert (stays.id, stays.want.phase) == (new.id, "open")
    assert (goes.id, goes.want.phase) == (old.id, "cleared")


def test_a_waiver_is_told_on_an_object_of_an_older_release(life: Any) -> None:
    """What an object stands for is found under the name that it has."""
    life.judge(CAPACITY)
    known = recorded(of("", life, []), life)
    life.judge(SIGNED)
    waived = Waived.model_validate(
        {
            **CAPACITY.model_dump(), "waiver": "w1", "by": "sam", "on_behalf_of": "sam",
            "reason": "agreed", "until": life.now,
        }
    )  # fmt: skip
    latest = life.state.last_verdict.model_copy(update={"waived": (waived,)})
    life.state = life.state.model_copy(update={"last_verdict": latest})
    [_, cleared] = of("here", life, known)
    assert "sam set it aside until" in cleared.want.remark


# --- mappings that no longer count ---


@pytest.mark.parametrize(
    "used",
    [(), (mapping(id="others"),), (mapping(connection="other"),), (mapping(object="task"),)],
)
def test_what_no_mapping_keeps_is_left_over(life: Any, used: tuple[Mapping, ...]) -> None:
    """It was removed, or shows the measure in another place now."""
    life.judge(CAPACITY)
    known = recorded(wanted(life.state, mapping(), life.directory, []), life)
    assert left_over(known, [mapping()]) == []
    assert left_over(known, used) == known
    ended = [one.model_copy(update={"ended_at": life.now}) for one in known]
    assert left_over(ended, used) == []


def test_a_blockers_object_is_released_as_if_it_were_cleared(life: Any) -> None:
    """Nothing but its status is written; the comment says why. Then nothing more follows."""
    life.judge(CAPACITY)
    [known] = recorded(wanted(life.state, mapping(), life.directory, []), life)
    order = release_of(life.state, known, "mapping tickets was removed by olga: a new tracker")
    assert order.id == known.id
    assert (order.want.status, order.want.done, order.want.fields) == ("done", True, ())
    assert order.want.remark == (
        "No longer kept in step with measure spring: mapping tickets was removed by olga: a new"
        " tracker."
    )
    [draft] = take_order(known, order, life.now, "release")
    after = fold_remote(known, Draft.model_validate(draft.model_dump()))
    assert left_over([after], []) == []
    again = wanted(life.state, mapping(), life.directory, [after])
    assert [one.want.phase for one in again] == ["open"], "applied again, it goes on"
    life.judge(SIGNED)
    [other] = news_among(wanted(life.state, mapping(), life.directory, [after]), {after.id: after})
    assert other.id != after.id, "what was cleared meanwhile is not cleared once more"


def test_a_measures_object_is_released_where_it_stands(life: Any) -> None:
    """Its status means a stage, and none follows from this."""
    statuses = {"defined": "To do", "decided": "Doing"}
    board = mapping(purpose="measure", fields=[{"ours": "title", "theirs": "t"}], statuses=statuses)
    [known] = recorded(wanted(life.state, board, Directory(), []), life)
    want = release_of(life.state, known, "why").want
    assert (want.status, want.forbidden, want.open, want.done) == ("", (), False, True)
