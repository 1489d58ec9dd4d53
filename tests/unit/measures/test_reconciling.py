"""Two-way without loops: what is decided about each field of a remote object."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.errors import RefusedError
from measures.mapping import FieldPolicy, Flips, Scalar, same
from measures.reconciling import Shown, denied, reconcile
from measures.remote import (
    STATUS,
    MappingUse,
    RemoteOrder,
    RemoteState,
    RemoteWant,
    Side,
    WantedField,
    fold_remote,
)
from measures.syncing import Brought, brought, resume, settle, take_order

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
CLOSED = ("done",)


def want(owner: Scalar = "olga", policy: FieldPolicy = "engine", **fields: Any) -> RemoteWant:
    """A want with one field and a status."""
    field = WantedField(ours="owner", theirs="assignee", value=owner, policy=policy)
    whole = {"status": "open", "phase": "open", "forbidden": ("done",), **fields}
    return RemoteWant(fields=(field,), **whole)


def order(wanted: RemoteWant, number: int = 1) -> RemoteOrder:
    """What a measure wants."""
    use = MappingUse(id="tickets", version=1, digest="d")
    return RemoteOrder(
        connection="desk", kind="ticket", external_id="sluice-1", measure="spring",
        mapping=use, want=wanted, number=number, by="engine",
    )  # fmt: skip


class Desk:
    """One object in another system, its record, and who brings it in step."""

    def __init__(self, wanted: RemoteWant) -> None:
        self.fields: dict[str, Scalar] = {}
        self.status = "new"
        self.version = 0
        self.at = NOW
        self.writes = 0
        self.number = 1
        self.state = self._recorded(None, take_order(None, order(wanted), NOW, "c"))

    def want(self, wanted: RemoteWant) -> None:
        """The measure wants something else."""
        self.number += 1
        drafts = take_order(self.state, order(wanted, self.number), self.at, f"o{self.number}")
        self.state = self._recorded(self.state, drafts)

    def edit(self, **fields: Scalar) -> None:
        """Somebody changes it there."""
        self.version += 1
        self.status = str(fields.pop("status", self.status))
        self.fields |= fields

    def bring(self) -> list[str]:
        """Brings it in step once and returns the kinds of entry that this left."""
        state = self.state
        if state.suspended is not None:
            return []
        decided = reconcile(state, self.shown(), CLOSED, self.at)
        sent: dict[str, Scalar] = dict(decided.writes)
        if decided.status:
            sent[STATUS] = decided.status
        if sent:
            self.writes += 1
            self.edit(**sent)
        outcome = Brought(
            outcome="left" if decided.suspended else "shown",
            shown=self.shown(),
            sent=sent,
            wanted_number=state.wanted_number,
            reverted=decided.reverted,
            taken=decided.taken,
            asked=decided.asked,
            flagged=decided.flagged,
            suspended=decided.suspended,
        )
        drafts = brought(state, outcome, self.at, f"b{state.number}-{self.version}")
        self.state = self._recorded(state, drafts)
        return [draft.kind for draft in drafts]

    def settle(self, side: Side, by: str = "olga", *fields: str) -> None:
        """A person decides."""
        command = f"s{self.state.number}"
        drafts = settle(self.state, side, by, "agreed", self.at, command, fields)
        self.state = self._recorded(self.state, drafts)

    def shown(self) -> Shown:
        """What it shows now."""
        return Shown(
            ref="7", version=str(self.version), status=self.status, fields=dict(self.fields),
            updated_at=self.at, actor="ann",
        )  # fmt: skip

    @staticmethod
    def _recorded(state: RemoteState | None, drafts: list[Any]) -> RemoteState:
        for draft in drafts:
            state = fold_remote(state, draft)
        assert state is not None
        return state


@pytest.fixture
def desk() -> Callable[..., Desk]:
    """An object that was brought in step once."""

    def make(**fields: Any) -> Desk:
        made = Desk(want(**fields))
        assert made.bring() == ["remote_written"]
        return made

    return make


def test_only_differences_are_written_and_once(desk: Callable[..., Desk]) -> None:
    """What it shows already is never written; our own write is no news."""
    one = desk()
    assert (one.fields, one.status, one.writes) == ({"assignee": "olga"}, "open", 1)
    assert one.bring() == []
    assert one.writes == 1


def test_what_a_person_adds_elsewhere_is_no_difference(desk: Callable[..., Desk]) -> None:
    """Fields that nobody mapped, and statuses on the way."""
    one = desk()
    one.edit(priority="high")
    assert one.bring() == []
    one.edit(status="in work")
    assert one.bring() == ["remote_observed"]
    assert (one.status, one.writes) == ("in work", 1)
    one.want(want(status="done", phase="cleared", open=False, forbidden=(), done=True))
    assert one.bring() == ["remote_written", "remote_ended"]
    assert one.status == "done"


@pytest.mark.parametrize(
    ("policy", "kinds", "shown"),
    [
        ("engine", ["remote_reverted", "remote_written"], "olga"),
        ("remote", ["remote_taken"], "bob"),
        ("newest", ["remote_taken"], "bob"),
        ("ask", ["remote_asked"], "bob"),
    ],
)
def test_a_change_made_there(
    desk: Callable[..., Desk], policy: str, kinds: list[str], shown: str
) -> None:
    """Put back, taken over, or asked about, once."""
    one = desk(policy=policy)
    one.edit(assignee="bob")
    assert one.bring() == kinds
    assert one.fields["assignee"] == shown
    assert one.bring() == []


def test_what_was_empty_and_is_filled_there_is_a_change(desk: Callable[..., Desk]) -> None:
    """Also in systems that leave out what is empty."""
    one = desk(owner=None)
    assert one.fields == {}
    one.edit(assignee="bob")
    assert one.bring() == ["remote_reverted", "remote_written"]
    assert one.fields == {"assignee": None}


def test_a_field_that_is_never_shown_is_written_when_ours_changes(
    desk: Callable[..., Desk],
) -> None:
    """And not again, although it seems to be empty."""
    one = desk()
    one.fields.clear()
    one.state = one.state.model_copy(update={"shown": {**one.state.shown, "assignee": None}})
    assert one.bring() == []
    one.want(want("piet"))
    one.bring()
    assert one.fields == {"assignee": "piet"}


@pytest.mark.parametrize(
    ("policy", "shown"),
    [("engine", "piet"), ("remote", "bob"), ("newest", "bob"), ("ask", "bob")],
)
def test_both_have_changed(desk: Callable[..., Desk], policy: str, shown: str) -> None:
    """Theirs came last here."""
    one = desk(policy=policy)
    one.want(want("piet", policy))
    one.at += timedelta(minutes=1)
    one.edit(assignee="bob")
    one.bring()
    assert one.fields["assignee"] == shown
    assert one.bring() == []


def test_the_newest_of_both_counts_when_it_is_ours(desk: Callable[..., Desk]) -> None:
    """Theirs is older than our change."""
    one = desk(policy="newest")
    one.edit(assignee="bob")
    one.state = one.state.model_copy(update={"wanted_at": NOW + timedelta(minutes=5)})
    one.want(want("piet", "newest"))
    one.state = one.state.model_copy(update={"wanted_at": NOW + timedelta(minutes=5)})
    one.bring()
    assert one.fields["assignee"] == "piet"


def test_a_question_ends_when_one_side_changes(desk: Callable[..., Desk]) -> None:
    """Our new value is written then; the question is over."""
    one = desk(policy="ask")
    one.edit(assignee="bob")
    one.bring()
    assert one.state.open_questions == {"assignee": "bob"}
    one.want(want("piet", "ask"))
    one.bring()
    assert one.fields["assignee"] == "piet"
    assert one.state.open_questions == {}


def test_a_question_ends_when_theirs_becomes_ours(desk: Callable[..., Desk]) -> None:
    """Whoever was asked has put it right there."""
    one = desk(policy="ask")
    one.edit(assignee="bob")
    one.bring()
    one.edit(assignee="olga")
    assert one.bring() == ["remote_observed"]
    assert one.state.open_questions == {}


def test_a_question_ends_when_ours_becomes_theirs(desk: Callable[..., Desk]) -> None:
    """Whoever was asked has changed the plan; there is nothing to write."""
    one = desk(policy="ask")
    one.edit(assignee="bob")
    one.bring()
    one.want(want("bob", "ask"))
    assert one.state.open_questions == {}
    one.bring()
    assert one.writes == 1
    one.edit(assignee="olga")
    assert one.bring() == ["remote_asked"]


def test_a_person_decides_for_ours(desk: Callable[..., Desk]) -> None:
    """It is written once, and the question is over."""
    one = desk(policy="ask")
    one.edit(assignee="bob")
    one.bring()
    one.settle("engine")
    assert one.bring() == ["remote_written"]
    assert one.fields["assignee"] == "olga"
    assert (one.state.open_questions, one.state.settled) == ({}, {})
    assert one.bring() == []


def test_a_person_decides_for_theirs(desk: Callable[..., Desk]) -> None:
    """Of a blocker it is left; of a measure it is taken over, by whoever decided."""
    one = desk(policy="ask")
    one.edit(assignee="bob")
    one.bring()
    one.settle("remote")
    assert (one.state.open_questions, one.state.settled) == ({}, {})
    assert one.bring() == []
    measure = desk(policy="ask", stands_for_measure=True)
    measure.edit(assignee="bob")
    measure.bring()
    measure.settle("remote", "olga")
    found = measure.state.settlement("assignee", "olga", "bob")
    assert found is not None
    assert found.by == "olga"
    assert measure.bring() == ["remote_taken"]
    assert (measure.state.open_questions, measure.state.settled) == ({}, {})
    assert measure.bring() == []


def test_a_decision_counts_for_what_the_person_saw(desk: Callable[..., Desk]) -> None:
    """Who changes it there once more is asked about anew, with the cap that protects from loops."""
    one = desk(policy="ask", flips=Flips(most=2))
    for name in ("bob", "eve"):
        one.edit(assignee=name)
        assert one.bring() == ["remote_asked"]
    one.settle("engine")
    one.edit(assignee="zoe")
    assert one.bring() == ["remote_suspended"]
    with pytest.raises(RefusedError, match="sync --resume desk/ticket/sluice-1"):
        one.settle("engine")


def test_a_persons_decision_is_no_fight(desk: Callable[..., Desk]) -> None:
    """Though the field went to and fro as often as it may."""
    one = desk(policy="ask", flips=Flips(most=1), stands_for_measure=True)
    one.edit(assignee="bob")
    assert one.bring() == ["remote_asked"]
    one.settle("remote")
    assert one.bring() == ["remote_taken"]


def test_a_person_decides_about_a_move(desk: Callable[..., Desk]) -> None:
    """That was left as it is and said."""
    one = desk(move="flag")
    one.edit(status="done")
    assert one.bring() == ["remote_flagged"]
    one.settle("engine")
    assert one.bring() == ["remote_written"]
    assert one.status == "open"
    unmapped = desk(move="flag", status="", forbidden=())
    unmapped.edit(status="done")
    assert unmapped.bring() == ["remote_flagged"]
    unmapped.settle("engine", "olga", STATUS)
    assert unmapped.bring() == ["remote_written"]
    assert unmapped.status == "new"
    assert unmapped.bring() == []


def test_nothing_is_decided_that_is_not_asked(desk: Callable[..., Desk]) -> None:
    """The message says where to look."""
    one = desk(policy="ask")
    with pytest.raises(RefusedError, match="sluice connectors explain spring") as refused:
        one.settle("engine")
    assert refused.value.code == "nothing-asked"
    one.edit(assignee="bob")
    one.bring()
    with pytest.raises(RefusedError, match="nothing about title of desk ticket 7"):
        one.settle("engine", "olga", "assignee", "title")


@pytest.mark.parametrize(
    ("move", "kinds", "status"),
    [
        ("revert", ["remote_reverted", "remote_written"], "open"),
        ("flag", ["remote_flagged"], "done"),
    ],
)
def test_a_forbidden_move(
    desk: Callable[..., Desk], move: str, kinds: list[str], status: str
) -> None:
    """Closed although what blocks still stands."""
    one = desk(move=move)
    one.edit(status="done")
    assert one.bring() == kinds
    assert one.status == status
    assert one.bring() == []


def test_a_field_that_goes_to_and_fro_comes_to_rest(desk: Callable[..., Desk]) -> None:
    """After so many answers nothing is written, until somebody resumes it or time has passed."""
    one = desk(flips=Flips(most=2))
    for _ in range(2):
        one.edit(assignee="bob")
        assert one.bring() == ["remote_reverted", "remote_written"]
    one.edit(assignee="bob")
    assert one.bring() == ["remote_suspended"]
    assert one.fields["assignee"] == "bob"
    assert one.state.suspended is not None
    assert "assignee" in one.state.suspended.reason
    one.want(want("piet", flips=Flips(most=2)))
    assert one.bring() == []
    for draft in resume(one.state, "olga", "agreed", NOW, "r"):
        one.state = fold_remote(one.state, draft)
    assert one.bring() == ["remote_written"]
    assert one.fields["assignee"] == "piet"


def test_slow_changes_are_answered_for_ever(desk: Callable[..., Desk]) -> None:
    """Only what goes to and fro within the span counts."""
    one = desk(flips=Flips(most=2))
    for _ in range(10):
        one.at += timedelta(minutes=45)
        one.edit(assignee="bob")
        assert one.bring() == ["remote_reverted", "remote_written"]


EDITS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"assignee": st.sampled_from(["olga", "bob", "eve", None, ""])}),
        st.fixed_dictionaries({"status": st.sampled_from(["new", "open", "in work", "done"])}),
        st.fixed_dictionaries({"want": st.sampled_from(["olga", "bob", "piet", None])}),
        st.fixed_dictionaries({"settle": st.sampled_from(["engine", "remote"])}),
        st.just({"nothing": ""}),
    ),
    max_size=30,
)


@given(
    EDITS,
    st.sampled_from(["engine", "remote", "newest", "ask"]),
    st.sampled_from(["revert", "flag"]),
)
def test_whatever_happens_it_comes_to_rest(
    edits: list[Mapping[str, Scalar]], policy: FieldPolicy, move: str
) -> None:
    """At most one write for each change of either side, and none without one."""
    one = Desk(want(policy=policy, move=move))
    one.bring()
    for count, edit in enumerate(edits, start=1):
        if "want" in edit:
            one.want(want(edit["want"], policy, move=move))
        elif "settle" in edit:
            if one.state.open_questions and one.state.suspended is None:
                one.settle(str(edit["settle"]))  # type: ignore[arg-type]
        elif "nothing" not in edit:
            one.edit(**edit)
        one.bring()
        before, number = one.writes, one.state.number
        assert before <= 1 + count
        one.bring()
        assert (one.writes, one.state.number) == (before, number), "an echo was answered"
        if policy == "engine" and one.state.suspended is None:
            wanted = one.state.want.fields[0].value
            assert same(one.fields.get("assignee"), wanted)


@given(EDITS, st.integers(1, 6))
def test_two_engines_that_both_insist_come_to_rest(
    edits: list[Mapping[str, Scalar]], most: int
) -> None:
    """Each answers the other at most so often; then both are still."""
    one, other = (Desk(want(name, flips=Flips(most=most))) for name in ("olga", "piet"))

    def turn() -> int:
        written = 0
        for mine, theirs in ((one, other), (other, one)):
            before = mine.writes
            mine.bring()
            written += mine.writes - before
            theirs.fields, theirs.status = mine.fields, mine.status
            theirs.version = mine.version
        return written

    total = sum(turn() for _ in range(4 * most + 6))
    assert total <= 2 * (most + 1)
    assert turn() == 0
    changes = 0
    for edit in edits:
        if not {"want", "nothing", "settle"} & edit.keys():
            changes += 1
            one.edit(**edit)
            other.fields, other.status, other.version = one.fields, one.status, one.version
        total += turn()
    assert total <= 2 * (most + 1) * 2 + changes


@pytest.mark.parametrize("move", ["revert", "flag"])
def test_a_move_that_asks_for_a_gate_counts_unless_that_stays_shut(move: Any) -> None:
    """Every other move is forbidden as before."""
    desk = Desk(want(forbidden=("done", "go"), asks={"go": "decided"}, move=move))
    desk.bring()
    desk.status = "go"
    asked = reconcile(desk.state, desk.shown(), CLOSED, NOW)
    [taken] = asked.taken
    assert (taken.field, taken.ours, taken.theirs) == (STATUS, "open", "go")
    shut = denied(asked, move)
    assert shut.taken == ()
    assert (shut.reverted, shut.flagged)[move == "flag"] == (taken,)
    assert shut.status == ("open" if move == "revert" else "")
    desk.status = "done"
    assert reconcile(desk.state, desk.shown(), CLOSED, NOW).taken == ()
