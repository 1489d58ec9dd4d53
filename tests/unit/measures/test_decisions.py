"""What each request leads to, and every reason to refuse one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from measures import decisions
from measures.errors import RefusedError
from measures.people import Delegation
from measures.requests import AmendInput, ReportInput, SignInput
from measures.verdict import Blocker

Life = Any
SHA = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"


def refused(call: Callable[[], Any]) -> str:
    """The code with which a request is refused."""
    with pytest.raises(RefusedError) as refusal:
        call()
    assert refusal.value.message
    return refusal.value.code


def delegated(giver: str, to: str, role: str, starts: str = "2031-01-01") -> Delegation:
    """A delegation until the end of the year."""
    fields = {"from": giver, "to": to, "role": role, "starts": starts, "ends": "2031-12-31"}
    return Delegation.model_validate_json(json.dumps(fields))


class TestDefine:
    def test_a_life_begins_with_its_plan(self, life: Life) -> None:
        """One entry, the first stage, nothing asked."""
        assert [(e.kind, e.number) for e in life.entries] == [("measure_defined", 1)]
        assert life.state.stage == "defined"
        assert life.state.next_gate == "identified"
        assert life.state.request is None

    @pytest.mark.parametrize("field", ["owner", "sponsor"])
    def test_the_controller_is_neither_owner_nor_sponsor(
        self, live: Callable[..., Life], field: str
    ) -> None:
        """Nobody confirms their own money."""
        assert refused(lambda: live(**{field: "carla"})) == "duties-not-separate"

    def test_nobody_asks_for_a_time_that_is_over(self, live: Callable[..., Life]) -> None:
        """Neither at first nor by a change; what was asked in time may stay."""
        over = [{"pool": "kyc", "period": "2030-12", "amount": 5}]
        assert refused(lambda: live(demands=over)) == "period-is-past"
        life = live(demands=[{"pool": "kyc", "period": "2031-01", "amount": 5}])
        life.now = datetime(2031, 2, 1, tzinfo=UTC)
        assert refused(lambda: life.amend("olga", demands=over)) == "period-is-past"
        life.amend("olga", title="Still the same demand")


def asked(life: Life, by: str) -> str:
    """The gate that somebody gets to ask for."""
    return decisions.gate_to_ask(life.state, life.directory, by, life.now)


def launched(life: Life, by: str) -> None:
    """Somebody asks for the launch permit."""
    decisions.refuse_launch(life.state, life.directory, by, life.now)


class TestAskForAGate:
    @pytest.mark.parametrize("by", ["olga", "sam", "carla", "tom", "rex"])
    def test_those_with_a_part_may_ask(self, life: Life, by: str) -> None:
        """Everybody the plan names, and administrators."""
        assert asked(life, by) == "identified"

    @pytest.mark.parametrize(
        ("by", "code"), [("kim", "not-entitled"), ("stranger", "unknown-person")]
    )
    def test_others_may_not(self, life: Life, by: str, code: str) -> None:
        """Neither strangers nor people without a part."""
        assert refused(lambda: asked(life, by)) == code

    def test_not_while_on_hold_nor_after_the_end(self, life: Life) -> None:
        """A hold stops it for everybody, the end for ever."""
        life.side("hold", "olga", "budget")
        assert refused(lambda: asked(life, "rex")) == "on-hold"
        life.side("cancel", "olga")
        assert refused(lambda: asked(life, "rex")) == "already-ended"

    def test_launch_needs_campaign_and_stage(self, life: Life, live: Callable[..., Life]) -> None:
        """Not before decided, not without a campaign, not on hold, not by others."""
        assert refused(lambda: launched(life, "olga")) == "wrong-stage"
        plain = live(campaign=None)
        assert refused(lambda: launched(plain, "olga")) == "no-campaign"
        life.reach("decided")
        launched(life, "olga")
        assert refused(lambda: launched(life, "kim")) == "not-entitled"
        life.side("hold", "olga")
        assert refused(lambda: launched(life, "olga")) == "on-hold"


class TestSign:
    def test_a_sign_off_is_bound_to_the_content(self, life: Life) -> None:
        """It stands, by whom and for whom, with the digest of the plan."""
        life.sign("sam", "decided", "sponsor")
        [standing] = life.state.sign_offs
        assert standing.name == "decided/sponsor/sam"
        assert standing.on_behalf_of == "sam"
        assert standing.content == life.state.signed_content("decided")

    @pytest.mark.parametrize(
        ("by", "gate", "role", "code"),
        [
            ("stranger", "decided", "sponsor", "unknown-person"),
            ("olga", "decided", "sponsor", "not-entitled"),
            ("wim", "decided", "sponsor", "not-entitled"),
            ("rex", "decided", "sponsor", "not-entitled"),
            ("operator", "decided", "sponsor", "unknown-person"),
            ("sam", "decided", "controller", "not-entitled"),
            ("sam", "decided", "auditor", "unknown-role"),
            ("sam", "decidet", "sponsor", "unknown-gate"),
            ("sam", "defined", "sponsor", "unknown-gate"),
        ],
    )
    def test_who_may_not_sign_is_told_why(
        self, life: Life, by: str, gate: str, role: str, code: str
    ) -> None:
        """Administrators and operators included."""
        assert refused(lambda: life.sign(by, gate, role)) == code

    def test_nobody_signs_twice(self, life: Life) -> None:
        """The same decision again is refused; another one takes the place of the first."""
        life.sign("tom", "decided", "committee")
        assert refused(lambda: life.sign("tom", "decided", "committee")) == "already-signed"
        drafts = life.sign("tom", "decided", "committee", "reject")
        assert [d.kind for d in drafts] == ["sign_offs_voided", "signed_off"]
        assert [(s.name, s.decision) for s in life.state.sign_offs] == [
            ("decided/committee/tom", "reject")
        ]

    def test_a_passed_gate_takes_no_signature(self, life: Life) -> None:
        """Nor does any gate after the end."""
        life.reach("decided")
        assert refused(lambda: life.sign("sam", "decided", "sponsor")) == "gate-passed"
        life.side("cancel", "rex")
        assert refused(lambda: life.sign("carla", "closed", "controller")) == "already-ended"

    def test_launch_can_be_signed_until_the_permit_is_granted(
        self, life: Life, verdict: Callable[..., Any]
    ) -> None:
        """The gate of its own: in decided, and after it was passed no more."""
        from measures.permitting import launch_judged

        life.reach("decided")
        life.sign("sam", "launch", "sponsor")
        life.take(launch_judged(life.state, verdict("launch"), by="olga", command="go"))
        assert refused(lambda: life.sign("tom", "launch", "committee")) == "gate-passed"

    def test_a_delegate_signs_in_the_place_of_who_delegated(
        self, live: Callable[..., Life]
    ) -> None:
        """By the delegate, on behalf of the sponsor; then the sponsor's right is used."""
        life = live(delegated("sam", "wim", "sponsor"))
        life.sign("wim", "decided", "sponsor")
        [standing] = life.state.sign_offs
        assert (standing.by, standing.on_behalf_of) == ("wim", "sam")
        assert standing.name == "decided/sponsor/wim for sam"
        assert refused(lambda: life.sign("sam", "decided", "sponsor")) == "already-signed"

    def test_a_delegation_that_has_not_begun_gives_no_right(
        self, live: Callable[..., Life]
    ) -> None:
        """The day of the signature counts."""
        life = live(delegated("sam", "wim", "sponsor", starts="2031-02-01"))
        assert refused(lambda: life.sign("wim", "decided", "sponsor")) == "not-entitled"
        life.later(days=20)
        assert life.sign("wim", "decided", "sponsor")

    def test_a_member_who_acts_for_another_has_one_vote(self, live: Callable[..., Life]) -> None:
        """The own one; a changed mind changes it and never becomes the other's."""
        life = live(delegated("tom", "uma", "committee"))
        life.sign("uma", "decided", "committee")
        assert refused(lambda: life.sign("uma", "decided", "committee")) == "already-signed"
        life.sign("uma", "decided", "committee", "reject")
        assert [(s.on_behalf_of, s.decision) for s in life.state.sign_offs] == [("uma", "reject")]

    def test_a_delegate_of_two_members_has_one_vote(self, live: Callable[..., Life]) -> None:
        """One person is no quorum; a changed mind stays with whom it was for."""
        life = live(delegated("tom", "wim", "committee"), delegated("uma", "wim", "committee"))
        life.sign("tom", "decided", "committee")
        life.sign("wim", "decided", "committee")
        assert refused(lambda: life.sign("wim", "decided", "committee")) == "already-signed"
        life.sign("wim", "decided", "committee", "reject")
        assert [(s.by, s.on_behalf_of, s.decision) for s in life.state.sign_offs] == [
            ("tom", "tom", "approve"),
            ("wim", "uma", "reject"),
        ]

    def test_one_person_signs_a_gate_in_one_role(self, live: Callable[..., Life]) -> None:
        """By whatever right; another gate is another matter."""
        life = live(delegated("sam", "tom", "sponsor"))
        life.sign("tom", "decided", "committee")
        assert refused(lambda: life.sign("tom", "decided", "sponsor")) == "duties-not-separate"
        life.reach("decided")
        life.sign("tom", "launch", "sponsor")

    @pytest.mark.parametrize("signer", ["sam", "wim"])
    def test_who_no_longer_bears_the_role_signs_nothing(
        self, live: Callable[..., Life], signer: str
    ) -> None:
        """Nor does their delegate: there is no right to lend."""
        life = live(delegated("sam", "wim", "sponsor")) if signer == "wim" else live()
        people = life.directory.people
        bare = {**people, "sam": people["sam"].model_copy(update={"roles": ("owner",)})}
        life.directory = life.directory.model_copy(update={"people": bare})
        with pytest.raises(RefusedError, match="sam lacks the role sponsor") as caught:
            life.sign(signer, "decided", "sponsor")
        assert caught.value.code == "not-entitled"

    def test_an_owner_needs_no_role(self, life: Life) -> None:
        """Owning is what the plan says."""
        people = life.directory.people
        bare = {**people, "olga": people["olga"].model_copy(update={"roles": ()})}
        life.directory = life.directory.model_copy(update={"people": bare})
        assert life.sign("olga", "decided", "owner")

    @pytest.mark.parametrize(
        ("giver", "to", "role"),
        [
            ("carla", "olga", "controller"),
            ("carla", "sam", "controller"),
            ("sam", "olga", "sponsor"),
        ],
    )
    def test_a_delegation_does_not_join_what_must_be_apart(
        self, live: Callable[..., Life], giver: str, to: str, role: str
    ) -> None:
        """Neither the owner nor the sponsor confirms by delegation; no owner sponsors."""
        life = live(delegated(giver, to, role))
        gate = "closed" if role == "controller" else "decided"
        assert refused(lambda: life.sign(to, gate, role)) == "duties-not-separate"

    def test_who_signed_as_the_sponsors_delegate_cannot_confirm_as_controller(
        self, live: Callable[..., Life]
    ) -> None:
        """One person in both parts is one person, by whatever right."""
        life = live(delegated("sam", "wim", "sponsor"), delegated("carla", "wim", "controller"))
        life.sign("wim", "decided", "sponsor")
        life.reach("implemented")
        life.report("carla", actual={"ebitda": 5})
        assert refused(lambda: life.sign("wim", "closed", "controller")) == "duties-not-separate"


class TestAmend:
    def test_it_changes_the_plan_and_voids_what_was_signed(self, life: Life) -> None:
        """What was signed has changed, so it must be signed again."""
        life.sign("sam", "decided", "sponsor")
        life.sign("carla", "closed", "controller")
        drafts = life.amend("olga", finance__plan__ebitda=2000)
        assert [d.kind for d in drafts] == ["measure_amended", "sign_offs_voided"]
        assert drafts[0].body["changed"] == ["finance"]
        assert drafts[1].body["voided"] == ["decided/sponsor/sam"]
        assert [s.gate for s in life.state.sign_offs] == ["closed"]

    def test_what_changes_nothing_writes_nothing(self, life: Life) -> None:
        """The same value again is accepted and leaves no entry."""
        assert life.amend("olga", title="Spring campaign") == []

    @pytest.mark.parametrize(
        ("by", "changes", "code"),
        [
            ("kim", {"title": "x"}, "not-entitled"),
            ("stranger", {"title": "x"}, "unknown-person"),
            ("olga", {"titel": "x"}, "unknown-field"),
            ("olga", {"title": ""}, "invalid-value"),
            ("olga", {"id": "other"}, "fixed-field"),
            ("olga", {"lifecycle": "other"}, "fixed-field"),
            ("olga", {"kind": "Pool"}, "invalid-value"),
            ("olga", {"owner": "carla"}, "duties-not-separate"),
            ("olga", {"controller": "sam"}, "duties-not-separate"),
        ],
    )
    def test_what_may_not_be_changed(
        self, life: Life, by: str, changes: dict[str, Any], code: str
    ) -> None:
        """Not by others, not to nonsense, not its identity, not against separation of duties."""
        assert refused(lambda: life.amend(by, **changes)) == code

    def test_the_plan_freezes_at_decided(self, life: Life) -> None:
        """From then on also the whole document is refused, in the administrator's name too."""
        life.reach("decided")
        assert refused(lambda: life.amend("rex", title="x")) == "plan-is-frozen"
        changed = life.state.plan.model_copy(update={"title": "x"})
        ask = AmendInput(by="operator", plan=changed)
        amend = decisions.amend
        assert (
            refused(lambda: amend(life.state, ask, life.directory, life.now, "c"))
            == "plan-is-frozen"
        )
        life.side("step_back", "olga")
        assert life.amend("olga", title="x")

    def test_after_the_end_nothing_changes(self, life: Life) -> None:
        """A cancelled measure keeps its plan."""
        life.side("cancel", "olga")
        assert refused(lambda: life.amend("olga", title="x")) == "already-ended"

    def test_a_request_gives_fields_or_a_whole_plan(self, life: Life) -> None:
        """Never both, never neither."""
        both: dict[str, Any] = {"set": {"title": "x"}, "plan": life.state.plan}
        neither: dict[str, Any] = {}
        for fields in (neither, both):
            with pytest.raises(ValidationError, match="either"):
                AmendInput(by="olga", **fields)


class TestReport:
    def test_news_are_folded(self, life: Life) -> None:
        """KPI, milestone, commitment and evidence at any stage."""
        life.later(days=60)
        life.report("kim", kpi={"id": "churn", "period": "2031-01", "value": 4.5})
        life.report("piet", milestone={"id": "live", "done_on": "2031-02-01"})
        life.report("wim", commitment={"id": "staff", "kept_on": "2031-02-02"})
        life.report("olga", evidence={"id": "bill", "title": "Bill", "sha256": SHA})
        state = life.state
        assert state.readings["churn"]["2031-01"].value == 4.5
        assert state.done_on("live").isoformat() == "2031-02-01"
        assert state.kept["staff"].isoformat() == "2031-02-02"
        assert [proof.id for proof in state.evidence] == ["bill"]

    def test_money_is_reported_once_the_plan_is_frozen(self, life: Life) -> None:
        """Forecast by those with a part, actuals by finance only."""
        assert refused(lambda: life.report("olga", forecast={"ebitda": 900})) == "too-early"
        assert refused(lambda: life.report("carla", actual={"ebitda": 900})) == "too-early"
        life.reach("decided")
        life.report("olga", forecast={"ebitda": 900})
        assert refused(lambda: life.report("olga", actual={"ebitda": 900})) == "not-finance"
        assert refused(lambda: life.report("rex", actual={"ebitda": 900})) == "not-finance"
        assert refused(lambda: life.report("operator", actual={"ebitda": 1})) == "unknown-person"
        life.report("dora", actual={"ebitda": 950})
        assert (life.state.forecast, life.state.actual) == ({"ebitda": 900}, {"ebitda": 950})

    @pytest.mark.parametrize(
        ("by", "news", "code"),
        [
            ("olga", {"kpi": {"id": "x", "period": "2030", "value": 1}}, "unknown-kpi"),
            ("kim", {"kpi": {"id": "churn", "period": "2031-01", "value": 1}}, "period-not-over"),
            ("kim", {"kpi": {"id": "churn", "period": "2030-12-30", "value": 1}}, "wrong-period"),
            ("olga", {"kpi": {"id": "churn", "period": "2030-12", "value": 1}}, "not-entitled"),
            ("olga", {"milestone": {"id": "x", "done_on": "2031-01-01"}}, "unknown-milestone"),
            ("olga", {"commitment": {"id": "x", "kept_on": "2031-01-01"}}, "unknown-commitment"),
            ("vera", {"kpi": {"id": "x", "period": "2030", "value": 1}}, "unknown-kpi"),
            ("dora", {"kpi": {"id": "churn", "period": "2030", "value": 1}}, "not-entitled"),
            ("who", {"kpi": {"id": "churn", "period": "2030", "value": 1}}, "unknown-person"),
        ],
    )
    def test_what_is_refused(self, life: Life, by: str, news: dict[str, Any], code: str) -> None:
        """Unknown names, periods that still run, and people without a part."""
        assert refused(lambda: life.report(by, **news)) == code

    def test_nothing_is_reported_after_the_end(self, life: Life) -> None:
        """A cancelled measure takes no news."""
        life.side("cancel", "olga")
        news = {"kpi": {"id": "churn", "period": "2030", "value": 1}}
        assert refused(lambda: life.report("olga", **news)) == "already-ended"

    def test_actuals_and_evidence_void_the_confirmation(self, life: Life) -> None:
        """The controller confirms exactly what was there to see."""
        life.reach("implemented")
        life.report("carla", actual={"ebitda": 960})
        life.sign("carla", "closed", "controller")
        drafts = life.report("dora", actual={"ebitda": 990})
        assert drafts[-1].body["voided"] == ["closed/controller/carla"]
        life.sign("carla", "closed", "controller")
        drafts = life.report("olga", evidence={"id": "bill", "title": "Bill", "sha256": SHA})
        assert drafts[-1].body["voided"] == ["closed/controller/carla"]

    def test_the_same_figure_again_voids_nothing(self, life: Life) -> None:
        """The content counts, not that it was sent."""
        life.reach("implemented")
        life.report("carla", actual={"ebitda": 960})
        life.sign("carla", "closed", "controller")
        assert [d.kind for d in life.report("carla", actual={"ebitda": 960.0})] == ["reported"]

    def test_a_report_has_exactly_one_kind_of_news(self) -> None:
        """Two at once, or none, is no report."""
        none: dict[str, Any] = {}
        fields: dict[str, Any]
        for fields in (none, {"forecast": {"a": 1}, "actual": {"a": 1}}, {"actual": {}}):
            with pytest.raises(ValidationError):
                ReportInput.model_validate({"by": "olga", **fields})


class TestSideMoves:
    def test_hold_and_resume(self, life: Life) -> None:
        """Each only when it makes sense, by those with a part."""
        assert refused(lambda: life.side("resume", "olga")) == "not-on-hold"
        life.side("hold", "olga", "budget review")
        assert life.state.on_hold.reason == "budget review"
        assert refused(lambda: life.side("hold", "olga")) == "on-hold"
        assert refused(lambda: life.side("resume", "kim")) == "not-entitled"
        life.side("resume", "sam")
        assert life.state.on_hold is None

    def test_cancelling_ends_everything(self, life: Life) -> None:
        """The request and the permit are gone; nothing more is taken."""
        life.judge(Blocker(rule="identified.x", answer="block", message="no"))
        life.side("cancel", "tom", "no longer wanted")
        assert life.state.ended
        assert life.state.request is None
        for move in ("hold", "resume", "cancel", "step_back"):
            assert refused(partial(life.side, move, "olga")) == "already-ended"

    def test_nothing_happens_after_closing(self, life: Life) -> None:
        """Closed is the end, for administrators too."""
        life.reach("closed")
        for move in ("hold", "cancel", "step_back"):
            assert refused(partial(life.side, move, "rex")) == "already-ended"
        assert refused(lambda: life.sign("carla", "closed", "controller")) == "already-ended"

    def test_stepping_back_voids_what_lies_ahead(self, life: Life) -> None:
        """The gate must be passed and signed again; what was signed for earlier ones stays."""
        life.sign("sam", "decided", "sponsor")
        life.reach("decided")
        life.sign("carla", "closed", "controller")
        drafts = life.side("step_back", "olga", "wrong target")
        assert life.state.stage == "detailed"
        assert sorted(drafts[-1].body["voided"]) == [
            "closed/controller/carla",
            "decided/sponsor/sam",
        ]

    def test_the_first_stage_is_the_first(self, life: Life) -> None:
        """There is nothing before it; and only those with a part step back."""
        assert refused(lambda: life.side("step_back", "olga")) == "first-stage"
        assert refused(lambda: life.side("step_back", "kim")) == "not-entitled"

    def test_told_and_released_are_the_engines_notes(self, life: Life) -> None:
        """Nothing is released where nothing is held."""
        life.take(decisions.told(life.state, "held", life.now, "c1"))
        assert life.state.campaign_told == "held"
        assert decisions.released(life.state, life.now, "c2") == []
        life.reach("decided")
        life.take(decisions.released(life.state, life.now, "c3"))
        assert life.state.reserved.amounts == {}


def test_a_command_is_remembered_for_64_requests(life: Life) -> None:
    """So a repeated request changes nothing, after continue-as-new and a lost server too."""
    for _ in range(40):
        life.side("hold", "olga")
        life.side("resume", "olga")
    assert len(life.state.commands) == 64
    assert life.state.commands[-1] == "command-80"


def test_refusals_name_their_request(life: Life) -> None:
    """A bad decision never gets as far as the measure."""
    with pytest.raises(ValidationError):
        SignInput.model_validate(
            {"by": "sam", "gate": "decided", "role": "sponsor", "decision": "maybe"}
        )
