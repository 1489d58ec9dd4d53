"""What a verdict leads to: moving, waiting, who is waited for, and reminders."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from measures.judging import (
    next_notice_at,
    notices_due,
    only_with_controller,
    persons_behind,
    says_the_same,
    since_when,
    waited_for,
)
from measures.people import Delegation
from measures.permitting import launch_judged
from measures.state import Reserved
from measures.verdict import Blocker

Life = Any


def blocker(rule: str = "identified.x", **fields: Any) -> Blocker:
    """One reason."""
    return Blocker(rule=rule, answer=fields.pop("answer", "block"), message="no", **fields)


def delegated(giver: str, to: str, starts: str, ends: str, role: str = "sponsor") -> Delegation:
    """A delegation."""
    fields = {"from": giver, "to": to, "role": role, "starts": starts, "ends": ends}
    return Delegation.model_validate_json(json.dumps(fields))


class TestMoving:
    def test_a_pass_moves_the_stage(self, life: Life) -> None:
        """The verdict first, then the stage; no request is left."""
        drafts = life.judge()
        assert [d.kind for d in drafts] == ["gate_judged", "stage_advanced"]
        assert life.state.stage == "identified"
        assert life.state.request is None
        assert drafts[0].pack_digest == "a" * 64
        assert drafts[0].facts_digest == "b" * 64

    def test_what_was_reserved_is_recorded_with_the_move(self, life: Life) -> None:
        """Between verdict and stage, so that the record never shows the one without the other."""
        held = Reserved(amounts={"kyc": {"2031-03": 100}}, hard=True)
        drafts = life.judge(held=held)
        assert [d.kind for d in drafts] == ["gate_judged", "capacity_reserved", "stage_advanced"]
        assert life.state.reserved == held

    def test_a_block_waits(self, life: Life) -> None:
        """Stage and reservation stay; the request says since when and for whom."""
        held = Reserved(amounts={"kyc": {"2031-03": 100}}, hard=True)
        drafts = life.judge(blocker(clear_by=("kim",)), held=held)
        assert [d.kind for d in drafts] == ["gate_judged"]
        assert life.state.stage == "defined"
        assert life.state.reserved == Reserved()
        assert life.state.request.waiting_for == ("kim",)
        assert life.state.request.at == life.now

    def test_inconclusive_holds_the_gate_like_a_block(self, life: Life) -> None:
        """What cannot be known opens nothing."""
        life.judge(blocker(answer="inconclusive"))
        assert life.state.stage == "defined"
        assert life.state.request.verdict.verdict == "inconclusive"

    def test_asking_again_keeps_the_request_that_waits(self, life: Life) -> None:
        """Who asked first, and when, stays, so that reminders are not put off."""
        life.judge(blocker(), by="olga")
        life.later(days=5)
        life.judge(blocker("identified.y"), by="sam")
        request = life.state.request
        assert (request.by, request.at) == ("olga", life.now - timedelta(days=5))
        assert request.verdict.blocking_rules == ("identified.y",)

    def test_a_permit_is_granted_by_its_verdict(
        self, life: Life, verdict: Callable[..., Any]
    ) -> None:
        """Launching moves no stage; a denial leaves no permit."""
        life.reach("decided")
        no = verdict("launch", blocker("launch.x"))
        life.take(launch_judged(life.state, no, by="olga", command="c1"))
        assert life.state.permit is None
        assert life.state.last_verdict.verdict == "block"
        life.take(launch_judged(life.state, verdict("launch"), by="olga", command="c2"))
        assert life.state.stage == "decided"
        granted: Any = life.state.permit
        assert granted.facts_digest == "b" * 64
        assert life.state.campaign_wanted == "released"


class TestSince:
    def test_a_blocker_is_dated_by_its_first_sight(self, life: Life) -> None:
        """Rule and subject identify it, whatever its numbers."""
        first = life.now
        life.judge(blocker(subject="kpi:a", seen={"n": 1}))
        life.later(hours=2)
        life.judge(blocker(subject="kpi:a", seen={"n": 2}), blocker(subject="kpi:b"))
        a, b = life.state.request.verdict.blockers
        assert (a.since, b.since) == (first, life.now)

    def test_another_gate_begins_anew(self, life: Life, verdict: Callable[..., Any]) -> None:
        """What held an earlier gate says nothing about this one."""
        life.judge(blocker())
        life.later(hours=2)
        dated = since_when(life.state, verdict("detailed", blocker(), at=life.now))
        assert dated.blockers[0].since == life.now


class TestWaitingFor:
    def test_named_persons_come_before_the_role(self, life: Life) -> None:
        """Who is named can clear it; a role stands for those who bear it."""
        state = life.state
        named = blocker(clear_by=("kim", "olga"), role="committee")
        by_role = blocker(role="committee")
        life.sign("uma", "identified", "committee")
        asked = life.judge(named, by_role)[0].body["waiting_for"]
        assert asked == ["kim", "olga", "tom", "vera"]
        assert persons_behind(by_role, state, life.state.request.verdict) == ("tom", "uma", "vera")

    def test_delegates_take_the_place_of_who_delegated(
        self, live: Callable[..., Life], verdict: Callable[..., Any]
    ) -> None:
        """On the day of the judgement, each person once."""
        life = live(delegated("sam", "wim", "2031-02-01", "2031-02-28"))
        asked = verdict("identified", blocker(clear_by=("sam",), role="sponsor"), at=life.now)
        assert waited_for(life.state, asked, life.directory) == ("sam",)
        life.later(days=25)
        asked = asked.model_copy(update={"at": life.now})
        assert waited_for(life.state, asked, life.directory) == ("wim",)

    def test_a_delegate_whose_signature_would_be_refused_takes_nobodys_place(
        self, live: Callable[..., Life], verdict: Callable[..., Any]
    ) -> None:
        """The owner acts as no sponsor, the sponsor as no controller: asked in vain."""
        days = ("2031-01-01", "2031-12-31")
        life = live(
            delegated("sam", "olga", *days),
            delegated("carla", "sam", *days, "controller"),
            delegated("tom", "gone", *days, "committee"),
        )
        by_role = [blocker(role=role) for role in ("sponsor", "controller", "committee")]
        asked = verdict("identified", *by_role, at=life.now)
        expected = ("sam", "carla", "tom", "uma", "vera")
        assert waited_for(life.state, asked, life.directory) == expected

    def test_a_delegate_who_has_signed_is_not_asked_to_sign_for_others(
        self, live: Callable[..., Life], verdict: Callable[..., Any]
    ) -> None:
        """One person signs a gate once, so those who delegated must sign themselves."""
        days = ("2031-01-01", "2031-12-31", "committee")
        life = live(delegated("tom", "uma", *days), delegated("vera", "uma", *days))
        asked = verdict("identified", blocker(role="committee"), at=life.now)
        assert waited_for(life.state, asked, life.directory) == ("uma",)
        life.sign("uma", "identified", "committee")
        assert waited_for(life.state, asked, life.directory) == ("tom", "vera")


class TestSaysTheSame:
    @pytest.fixture
    def waiting(self, life: Life) -> Life:
        """A request that waits for kim."""
        life.judge(blocker(clear_by=("kim",)))
        return life

    def test_the_same_again_is_the_same(self, waiting: Life, verdict: Callable[..., Any]) -> None:
        """A later time alone is no news, nor are other facts that change nothing."""
        again = verdict("identified", blocker(clear_by=("kim",)), at=waiting.now + timedelta(1))
        again = again.model_copy(update={"facts_digest": "c" * 64})
        assert says_the_same(waiting.state, again, ("kim",))

    @pytest.mark.parametrize(
        "change",
        [
            {"gate": "detailed"},
            {"verdict": "inconclusive"},
            {"blockers": (blocker("identified.y", clear_by=("kim",)),)},
            {"blockers": (blocker(clear_by=("kim",), seen={"n": 1}),)},
            {"warnings": (blocker("identified.w"),)},
            {"pack_digest": "d" * 64},
        ],
    )
    def test_what_is_news(
        self, waiting: Life, verdict: Callable[..., Any], change: dict[str, Any]
    ) -> None:
        """Another answer, other reasons or numbers, warnings, or other rules."""
        again = verdict("identified", blocker(clear_by=("kim",)))
        assert not says_the_same(waiting.state, again.model_copy(update=change), ("kim",))

    def test_another_person_to_wait_for_is_news(
        self, waiting: Life, life: Life, verdict: Callable[..., Any]
    ) -> None:
        """And without a request everything is."""
        again = verdict("identified", blocker(clear_by=("kim",)))
        assert not says_the_same(waiting.state, again, ("wim",))
        life.side("step_back", "olga") if life.state.stage != "defined" else None
        life.side("cancel", "olga")
        assert not says_the_same(life.state, again, ("kim",))


class TestNotices:
    @pytest.fixture
    def waiting(self, live: Callable[..., Life]) -> Life:
        """A request that waits for its sponsor, who delegates from day 40 to day 100."""
        life = live(
            delegated("sam", "wim", "2031-02-20", "2031-04-20"),
            approvals={
                "remind_after": ["60d", "30d", "75d"],
                "escalate_after": "85d",
                "escalate_to": "tom",
            },
        )
        life.judge(blocker(clear_by=("sam",), role="sponsor"))
        return life

    def notices(self, life: Life) -> list[tuple[str, str, int]]:
        """What is sent now: kind, to whom, of which day."""
        drafts = life.take(notices_due(life.state, life.directory, life.now, "c"))
        return [(d.kind.partition("_")[0], d.body["to"], d.body["day"]) for d in drafts]

    def test_each_reminder_is_sent_once_in_order(self, waiting: Life) -> None:
        """To whoever acts on that day; the escalation comes once."""
        assert self.notices(waiting) == []
        waiting.later(days=30)
        assert self.notices(waiting) == [("reminder", "sam", 30)]
        assert self.notices(waiting) == []
        waiting.later(days=45)
        assert self.notices(waiting) == [("reminder", "wim", 60), ("reminder", "wim", 75)]
        waiting.later(days=10)
        assert self.notices(waiting) == [("escalation", "tom", 85)]
        waiting.later(days=100)
        assert self.notices(waiting) == []
        assert waiting.state.request.reminded == 3
        assert waiting.state.request.escalated

    def test_the_next_notice_follows_the_request(self, waiting: Life) -> None:
        """Counted from when it was asked; none when all were sent or nothing waits."""
        begun = waiting.state.request.at
        expected = [30, 60, 75, 85]
        for days in expected:
            due = next_notice_at(waiting.state.request, waiting.state)
            assert due == begun + timedelta(days=days)
            waiting.now = due
            assert self.notices(waiting)
        assert next_notice_at(waiting.state.request, waiting.state) is None
        waiting.side("cancel", "olga")
        assert notices_due(waiting.state, waiting.directory, waiting.now, "c") == []

    def test_a_new_request_begins_to_count_anew(self, waiting: Life) -> None:
        """After the gate opened, the next one has its own reminders."""
        waiting.later(days=31)
        self.notices(waiting)
        waiting.judge()
        waiting.judge(blocker("detailed.x", clear_by=("sam",), role="sponsor"))
        assert waiting.state.request.reminded == 0
        assert self.notices(waiting) == []

    def test_where_nobody_is_behind_the_owner_is_reminded(self, live: Callable[..., Life]) -> None:
        """Somebody must find somebody; and the escalation goes to the sponsor by default."""
        life = live(approvals={"remind_after": ["1d"], "escalate_after": "2d"})
        life.judge(blocker())
        life.later(days=2)
        assert self.notices(life) == [("reminder", "olga", 1), ("escalation", "sam", 2)]

    def test_everybody_behind_is_reminded(self, live: Callable[..., Life]) -> None:
        """One reminder each, counted as one."""
        life = live(approvals={"remind_after": ["1d", "2d"]})
        life.judge(blocker(clear_by=("sam", "kim")))
        life.later(days=1)
        assert self.notices(life) == [("reminder", "sam", 1), ("reminder", "kim", 1)]
        assert life.state.request.reminded == 1


class TestWhatNoPackCanAllow:
    def test_closing_needs_an_independent_controller(
        self, life: Life, verdict: Callable[..., Any]
    ) -> None:
        """Whatever pack judges: without the controller's yes the last gate blocks."""
        life.reach("implemented")
        passed = verdict("closed")
        stopped = only_with_controller(life.state, passed)
        assert (stopped.verdict, stopped.blocking_rules) == (
            "block",
            ("closed.controller-has-confirmed",),
        )
        life.sign("carla", "closed", "controller")
        assert only_with_controller(life.state, passed) == passed
        life.report("carla", actual={"ebitda": 1})
        assert only_with_controller(life.state, passed).verdict == "block"

    def test_other_gates_are_the_packs_own(self, life: Life, verdict: Callable[..., Any]) -> None:
        """Only closing is the product's own business."""
        passed = verdict("identified")
        assert only_with_controller(life.state, passed) == passed


class TestPermit:
    def test_it_ends_with_a_denial_and_with_a_hold(
        self, life: Life, verdict: Callable[..., Any]
    ) -> None:
        """The campaign is held again; that it was launched once stays known."""
        life.reach("decided")
        for ends in ("denial", "hold"):
            life.take(launch_judged(life.state, verdict("launch"), by="olga", command=ends))
            assert life.state.campaign_wanted == "released"
            if ends == "denial":
                no = verdict("launch", blocker("launch.x"))
                life.take(launch_judged(life.state, no, by="olga", command="no"))
            else:
                life.side("hold", "sam")
                life.side("resume", "sam")
            assert (life.state.permit, life.state.campaign_wanted) == (None, "held")
        assert life.state.launched_at is not None
