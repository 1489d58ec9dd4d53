"""Who may set which blocker aside, for how long, and what becomes of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from measures import waiving
from measures.errors import RefusedError
from measures.judging import with_waivers
from measures.people import Delegation
from measures.requests import RevokeInput, WaiveInput
from measures.verdict import Blocker
from measures.waiver_standing import standings_of

Life = Any
SPONSOR_OR_ADMIN = ("sponsor", "administrator")


def blocker(rule: str = "identified.x", **fields: Any) -> Blocker:
    """One reason, which the sponsor or an administrator may waive."""
    whole = {
        "message": "no",
        "seen": {"short": 2000, "unit": "checks"},
        "subject": "kpi:churn",
        "waive_by": SPONSOR_OR_ADMIN,
        **fields,
    }
    return Blocker(rule=rule, answer=whole.pop("answer", "block"), **whole)


def delegated(giver: str, to: str, role: str) -> Delegation:
    """A delegation for the whole year."""
    fields = {"from": giver, "to": to, "role": role, "starts": "2031-01-01", "ends": "2031-12-31"}
    return Delegation.model_validate_json(json.dumps(fields))


def waive(life: Life, by: str = "sam", rule: str = "identified.x", **fields: Any) -> Any:
    """Asks for a waiver of 30 days."""
    whole = {"gate": "identified", "reason": "because", "for": "30d", **fields}
    ask = WaiveInput.model_validate({"by": by, "rule": rule, **whole}, strict=False)
    return life.take(waiving.waive(life.state, ask, life.directory, life.now, f"c{life.now}{by}"))


def refusal(life: Life, **fields: Any) -> tuple[str, str]:
    """How a waiver is refused."""
    before = life.state
    with pytest.raises(RefusedError) as caught:
        waive(life, **fields)
    assert life.state is before
    return caught.value.code, caught.value.message


def judge_again(life: Life, *blockers: Blocker) -> None:
    """The waiting request is judged again, with what is waived by then."""
    gate = life.state.request.gate
    judged = life.make_verdict(gate, *blockers, at=life.now)
    life.take(
        life.judged(
            life.state,
            with_waivers(life.state, judged, "engine"),
            life.directory,
            held=None,
            by="engine",
            command=f"again-{life.now}-{life.state.number}",
        )
    )


@pytest.fixture
def blocked(life: Life, verdict: Callable[..., Any]) -> Life:
    """Olga has asked for the first gate and is blocked."""
    from measures.judging import judged

    life.make_verdict, life.judged = verdict, judged
    life.judge(blocker())
    return life


class TestGiving:
    def test_is_bound_to_what_is_seen(self, blocked: Life) -> None:
        """The entry says what, who, in which role, why and until when; its number is its name."""
        [draft] = waive(blocked)
        assert (draft.kind, draft.by, draft.number) == ("blocker_waived", "sam", 3)
        [waiver] = blocked.state.waivers
        assert (waiver.id, waiver.rule, waiver.subject) == ("w3", "identified.x", "kpi:churn")
        assert (waiver.role, waiver.on_behalf_of, waiver.message) == ("sponsor", "sam", "no")
        assert waiver.until == blocked.now + timedelta(days=30)

    def test_lets_the_waiting_request_through(self, blocked: Life) -> None:
        """And is used from then on; the stage stays passed when it ends."""
        waive(blocked, up_to={"short": 3000})
        judge_again(blocked, blocker(seen={"short": 2500, "unit": "checks"}))
        assert blocked.state.stage == "identified"
        assert blocked.state.last_verdict.waived[0].waiver == "w3"
        assert blocked.state.waivers[0].used_at == blocked.now
        blocked.later(days=31)
        [end] = blocked.take(waiving.expire(blocked.state, blocked.now, "e"))
        assert (end.kind, end.body["used"], end.body["to"]) == (
            "waiver_expired",
            True,
            ["sam", "olga"],
        )
        assert blocked.state.stage == "identified"

    def test_covers_nothing_else(self, blocked: Life) -> None:
        """The request waits for the rest, and says what is waived apart."""
        waive(blocked)
        judge_again(blocked, blocker(), blocker("identified.y"))
        request = blocked.state.request
        assert request.verdict.blocking_rules == ("identified.y",)
        assert [one.rule for one in request.verdict.waived] == ["identified.x"]

    def test_a_blocker_that_comes_back_keeps_its_date(self, blocked: Life) -> None:
        """It was there all the time, only set aside."""
        first = blocked.now
        waive(blocked)
        judge_again(blocked, blocker(), blocker("identified.y"))
        blocked.later(days=31)
        judge_again(blocked, blocker(), blocker("identified.y"))
        assert [b.since for b in blocked.state.request.verdict.blockers] == [first, first]

    def test_one_of_several_is_named_by_its_subject(self, blocked: Life) -> None:
        """The message lists them."""
        judge_again(blocked, blocker(), blocker(subject="kpi:nps"))
        code, message = refusal(blocked)
        assert code == "several-blockers"
        assert "'kpi:churn', 'kpi:nps'" in message
        waive(blocked, subject="kpi:nps")
        assert blocked.state.waivers[0].subject == "kpi:nps"


class TestRefusing:
    @pytest.mark.parametrize(
        ("fields", "code", "words"),
        [
            ({"by": "nobody"}, "unknown-person", "nobody"),
            ({"gate": "mars"}, "unknown-gate", "identified"),
            ({"gate": "detailed"}, "not-blocked", "sluice advance spring"),
            ({"gate": "launch"}, "not-blocked", "sluice launch spring"),
            ({"rule": "identified.z"}, "unknown-blocker", "identified.x"),
            ({"subject": "kpi:z"}, "unknown-blocker", "kpi:churn"),
            ({"by": "olga"}, "not-entitled", "sam (sponsor), rex (administrator)"),
            ({"by": "tom"}, "not-entitled", "sam (sponsor), rex (administrator)"),
            ({"for": "367d"}, "expiry-too-late", "366d"),
            ({"up_to": {"shrt": 9}}, "odd-bound", "it shows: short 2,000"),
            ({"up_to": {"Short": 9}}, "odd-bound", "it shows: short 2,000"),
            ({"up_to": {"unit": 9}}, "odd-bound", "no number or day 'unit'"),
            ({"up_to": {"short": "2031-03-01"}}, "odd-bound", "only a number can bound"),
            ({"for": "0d"}, "expiry-passed", "until 2031-01-12 09:00 UTC would be over already"),
            ({"for": "0s"}, "expiry-passed", "a span from now such as 30d"),
            ({"for": None, "until": "2031-01-12T09:00:00Z"}, "expiry-passed", "2031-01-12"),
        ],
    )
    def test_says_why_and_what_instead(
        self, blocked: Life, fields: dict[str, Any], code: str, words: str
    ) -> None:
        """Nothing is recorded."""
        given = {name: value for name, value in fields.items() if value is not None}
        if "until" in fields:
            given["for"] = None
        seen = refusal(blocked, **given)
        assert seen[0] == code
        assert words in seen[1]

    def test_twice(self, blocked: Life) -> None:
        """What is set aside already needs no second waiver."""
        waive(blocked)
        judge_again(blocked, blocker(), blocker("identified.y"))
        code, message = refusal(blocked)
        assert code == "already-waived"
        assert "w3 of sam until 2031-02-11" in message

    def test_twice_by_somebody_who_may_not(self, blocked: Life) -> None:
        """Who has no right to it is not told of the other's waiver."""
        waive(blocked)
        judge_again(blocked, blocker(), blocker("identified.y"))
        for person in ("olga", "tom"):
            code, message = refusal(blocked, by=person)
            assert code == "not-entitled"
            assert "w3" not in message

    def test_twice_before_it_is_judged_again(self, blocked: Life) -> None:
        """As at the launch, which is only judged when it is asked for; others may give theirs."""
        waive(blocked)
        assert refusal(blocked)[0] == "already-waived"
        waive(blocked, by="rex")
        assert [one.by for one in blocked.state.waivers] == ["sam", "rex"]

    def test_what_nobody_may_waive(self, blocked: Life) -> None:
        """Blockers that no rule makes, and rules that say so."""
        judge_again(blocked, Blocker(rule="engine", answer="inconclusive", message="no"))
        code, message = refusal(blocked, by="rex", rule="engine")
        assert code == "not-waivable"
        assert "must be met" in message

    def test_the_owner_who_is_an_administrator(
        self, live: Callable[..., Life], verdict: Any
    ) -> None:
        """Nobody sets aside what they are held to, whatever else they are."""
        life = live(owner="rex")
        life.judge(blocker(), by="sam")
        code, message = refusal(life, by="rex")
        assert code == "duties-not-separate"
        assert "rex owns the measure" in message

    def test_who_asked(self, live: Callable[..., Life]) -> None:
        """The sponsor who asks for the gate leaves the waiver to somebody else."""
        life = live()
        life.judge(blocker(), by="sam")
        code, message = refusal(life, by="sam")
        assert code == "duties-not-separate"
        assert "sam has asked for the gate" in message
        assert "entitled: rex (administrator)" in message
        waive(life, by="rex")

    def test_who_is_to_clear_it_and_their_delegate(self, live: Callable[..., Life]) -> None:
        """Also where the plan names them by role only."""
        life = live(delegated("sam", "rex", "sponsor"))
        life.judge(blocker(role="sponsor"))
        for person in ("sam", "rex"):
            code, message = refusal(life, by=person)
            assert code == "duties-not-separate"
            assert f"{person} is the one to clear it" in message

    def test_a_rule_may_name_other_roles(self, live: Callable[..., Life]) -> None:
        """Then the sponsor is nobody, and members of the committee are."""
        life = live()
        life.judge(blocker(waive_by=("committee",)))
        assert refusal(life, by="sam")[0] == "not-entitled"
        waive(life, by="uma")
        assert life.state.waivers[0].role == "committee"

    def test_delegates_act_for_who_delegated(self, live: Callable[..., Life]) -> None:
        """Both are recorded."""
        life = live(delegated("sam", "wim", "sponsor"))
        life.judge(blocker())
        waive(life, by="wim")
        assert (life.state.waivers[0].by, life.state.waivers[0].on_behalf_of) == ("wim", "sam")

    def test_an_ended_measure(self, blocked: Life) -> None:
        """There is nothing left to wait for."""
        blocked.side("cancel", "olga")
        assert refusal(blocked)[0] == "already-ended"


class TestNotHelpingOneself:
    def test_a_request_of_who_gave_it(self, blocked: Life, verdict: Callable[..., Any]) -> None:
        """A sponsor who waives first and asks later has waived for nothing."""
        waive(blocked)
        asked = verdict("launch", blocker())
        at_launch = blocked.state.waivers[0].model_copy(update={"gate": "launch"})
        state = blocked.state.model_copy(update={"waivers": (at_launch,)})
        assert not with_waivers(state, asked, "sam").passed
        assert with_waivers(state, asked, "olga").passed

    def test_a_measure_that_is_theirs_by_now(self, blocked: Life) -> None:
        """Owning it later ends what the waiver covers."""
        waive(blocked, by="rex")
        blocked.amend("sam", owner="rex")
        judge_again(blocked, blocker())
        assert blocked.state.stage == "defined"
        [standing] = standings_of(blocked.state, blocked.now)
        assert standing.why == "rex has asked for the gate or owns the measure by now"


class TestEnding:
    def revoke(self, life: Life, by: str, name: str = "w3") -> Any:
        """Ends a waiver."""
        ask = RevokeInput(by=by, waiver=name, reason="not needed")
        return life.take(waiving.revoke(life.state, ask, life.directory, life.now, "r"))

    def test_revoking_holds_the_gate_again(self, blocked: Life) -> None:
        """Anybody with a part may make it stricter, once."""
        waive(blocked)
        judge_again(blocked, blocker(), blocker("identified.y"))
        [end] = self.revoke(blocked, "olga")
        assert (end.kind, end.body["reason"], end.body["used"]) == (
            "waiver_revoked",
            "not needed",
            False,
        )
        judge_again(blocked, blocker(), blocker("identified.y"))
        assert blocked.state.request.verdict.waived == ()
        with pytest.raises(RefusedError, match="w3 is revoked already"):
            self.revoke(blocked, "olga")

    def test_of_none_or_by_a_stranger_is_refused(self, blocked: Life) -> None:
        """The message lists what there is."""
        waive(blocked)
        with pytest.raises(RefusedError, match="no waiver 'w9'; it has: w3"):
            self.revoke(blocked, "sam", "w9")
        with pytest.raises(RefusedError, match="kim has no part"):
            self.revoke(blocked, "kim")

    def test_expiry_is_recorded_once(self, blocked: Life) -> None:
        """Not before its time."""
        waive(blocked)
        assert waiving.expire(blocked.state, blocked.now, "e") == []
        blocked.later(days=30)
        [end] = blocked.take(waiving.expire(blocked.state, blocked.now, "e"))
        assert end.body["used"] is False
        assert waiving.expire(blocked.state, blocked.now, "f") == []


class TestStanding:
    def standing(self, life: Life) -> tuple[str, str, str]:
        """How the only waiver stands."""
        [one] = standings_of(life.state, life.now)
        return one.standing, one.use, one.why

    def test_covers_then_used(self, blocked: Life) -> None:
        """While the request counts on it, and once the gate has opened."""
        waive(blocked)
        judge_again(blocked, blocker(), blocker("identified.y"))
        assert self.standing(blocked) == ("in-force", "covers", "")
        judge_again(blocked, blocker())
        assert self.standing(blocked) == ("in-force", "used", "")
        blocked.later(days=30)
        assert self.standing(blocked) == ("expired", "used", "")

    def test_beyond_its_bound_says_how_far_it_may_move(self, blocked: Life) -> None:
        """From what was seen to the bound."""
        waive(blocked, up_to={"short": 3000})
        judge_again(blocked, blocker(seen={"short": 3500, "unit": "checks"}))
        assert self.standing(blocked)[2] == (
            "changed since: short is 3,500, accepted from 2,000 to 3,000;"
            " waive it again, and if it may move further add --up-to short=NUMBER"
        )

    def test_unused_says_why(self, blocked: Life) -> None:
        """Changed, gone, tightened, passed without it, or over."""
        waive(blocked)
        other = blocker("identified.y")
        judge_again(blocked, blocker(message="worse", seen={"short": 9}), other)
        why = (
            "changed since: short was 2,000 and is 9; unit was checks and is unknown;"
            " waive it again, and if it may move further add --up-to short=NUMBER"
        )
        assert self.standing(blocked) == ("in-force", "unused", why)
        as_before = {"short": 2000, "unit": "checks"}
        judge_again(blocked, blocker(message="worse", seen=as_before), other)
        assert self.standing(blocked)[2] == "changed since: worse"
        judge_again(blocked, blocker(wanted="more"), other)
        assert self.standing(blocked)[2] == "changed since: what is required is now: more"
        judge_again(blocked, blocker(waive_by=("administrator",)), other)
        assert "no longer lets the sponsor" in self.standing(blocked)[2]
        judge_again(blocked, other)
        assert self.standing(blocked)[2] == "its blocker is gone"
        life = blocked.state
        blocked.later(days=30)
        assert self.standing(blocked)[:2] == ("expired", "unused")
        blocked.state = life
        judge_again(blocked)
        assert self.standing(blocked)[2] == "gate identified was passed without it"
