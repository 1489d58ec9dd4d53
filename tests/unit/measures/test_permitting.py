"""Permits in a measure's life: granted, renewed, replaced, ended; each end is written down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from measures.digest import digest
from measures.entry import Draft
from measures.errors import RefusedError
from measures.folding import fold_measure
from measures.model import restore
from measures.permits import PermitClaims
from measures.permitting import Issuer, launch_judged, next_permit_due, renewed, revoke
from measures.requests import RevokePermitInput
from measures.state import MeasureState
from measures.verdict import Blocker, Verdict

DAY = timedelta(hours=24)
OPENS = datetime(2031, 3, 2, tzinfo=UTC)
CLOSES = datetime(2031, 4, 1, tzinfo=UTC)
ISSUER = Issuer("sluicegate", DAY, "key-1", lambda claims: f"signed {claims.jti}")
SHUT = Blocker(rule="launch.x", answer="block", message="m", wanted="w", subject="s")
UNKNOWN = SHUT.model_copy(update={"answer": "inconclusive"})


def answer(*blockers: Blocker, at: datetime = OPENS) -> Verdict:
    """The launch gate's answer."""
    unknown = any(b.answer == "inconclusive" for b in blockers)
    return Verdict(
        gate="launch",
        verdict="pass" if not blockers else "inconclusive" if unknown else "block",
        blockers=blockers,
        pack_digest="a" * 64,
        facts_digest="b" * 64,
        at=at,
    )


@pytest.fixture
def launch(life: Any) -> Any:
    """A measure that may launch, and its launch."""
    life.reach("decided")
    life.now = OPENS

    def ask(*blockers: Blocker, content: str | None = None) -> list[Draft]:
        verdict = answer(*blockers, at=life.now)
        command = f"launch-{life.now}-{content}"
        drafts = launch_judged(
            life.state, verdict, by="olga", command=command, issuer=ISSUER, content=content
        )
        return life.take(drafts)  # type: ignore[no-any-return]

    life.launch = ask
    return life


def again(life: Any, *blockers: Blocker) -> list[str]:
    """Has a standing permit judged again."""
    verdict = answer(*blockers, at=life.now)
    drafts = renewed(life.state, verdict, command=f"again-{life.now}", issuer=ISSUER)
    return [draft.kind for draft in life.take(drafts)]


class TestGranting:
    def test_it_is_bound_to_everything_it_rests_on(self, launch: Any) -> None:
        """Campaign, window, plan, content, verdict, packs, facts."""
        [granted] = launch.launch(content="c" * 64)
        claims = restore(PermitClaims, granted.body["permit"])
        assert claims.sub == "measure:spring"
        assert claims.aud == "memory/CMP-1"
        assert claims.entry == granted.number == launch.state.number
        assert claims.jti == f"spring/{granted.number}" == launch.state.permit.id
        assert (claims.iat, claims.nbf) == (OPENS.timestamp(), OPENS.timestamp())
        assert claims.exp == (OPENS + DAY).timestamp()
        assert claims.campaign.ref == "CMP-1"
        assert claims.campaign.ends_on.isoformat() == "2031-03-31"
        plan = launch.state.plan.model_dump(mode="json", by_alias=True)
        assert claims.plan == digest(plan)
        assert claims.content == "c" * 64
        assert claims.verdict == digest(granted.body["verdict"])
        assert (claims.pack, claims.facts) == ("a" * 64, "b" * 64)
        assert launch.state.permit.token == granted.body["token"] == f"signed {claims.jti}"
        assert granted.body["kid"] == "key-1"

    def test_it_ends_with_the_window(self, launch: Any) -> None:
        """And is not renewed beyond it."""
        launch.now = CLOSES - timedelta(hours=3)
        launch.launch()
        assert launch.state.permit.expires_at == CLOSES
        assert launch.state.permit.renew_at is None

    def test_none_is_granted_after_the_window(self, launch: Any) -> None:
        """Whatever the packs say."""
        launch.now = CLOSES
        with pytest.raises(RefusedError) as caught:
            launch.launch()
        assert caught.value.code == "window-over"

    def test_one_before_the_window_is_valid_from_its_first_day(self, launch: Any) -> None:
        """Where a pack lets it be asked for early."""
        launch.now = OPENS - timedelta(days=3)
        [granted] = launch.launch()
        claims = restore(PermitClaims, granted.body["permit"])
        assert (claims.nbf, claims.exp) == (OPENS.timestamp(), (OPENS + DAY).timestamp())

    def test_the_same_content_renews_and_another_replaces(self, launch: Any) -> None:
        """What was shown before may not be shown any more; other permits live on."""
        [first] = launch.launch(content="c" * 64)
        launch.later(hours=1)
        assert [d.kind for d in launch.launch(content="c" * 64)] == ["permit_granted"]
        launch.later(hours=1)
        gone, _ = launch.launch(content="d" * 64)
        assert gone.kind == "permit_revoked"
        assert (gone.body["why"], gone.body["through"]) == ("replaced", first.number + 1)
        assert launch.state.permit.number == gone.number + 1

    def test_it_stays_bound_when_it_is_asked_for_without_content(self, launch: Any) -> None:
        """Or a permit for one page would become one for any."""
        launch.launch(content="c" * 64)
        launch.later(hours=1)
        [again] = launch.launch()
        assert (again.kind, again.body["permit"]["content"]) == ("permit_granted", "c" * 64)

    def test_a_launch_that_waits_stays_bound_too(self, launch: Any) -> None:
        """Asked again while it is paused, it must not come back for any page."""
        paused = SHUT.model_copy(update={"subject": "launch:CMP-1"})
        launch.launch(paused, content="c" * 64)
        launch.later(hours=1)
        launch.launch(paused)
        assert launch.state.launch_waits.content == "c" * 64

    def test_it_stays_bound_after_a_hold_until_a_person_has_revoked_it(self, launch: Any) -> None:
        """The end of a permit for one page makes no permit for any page of it."""
        launch.launch(content="c" * 64)
        launch.side("hold", "sam")
        launch.side("resume", "sam")
        launch.later(hours=1)
        [again] = launch.launch()
        assert again.body["permit"]["content"] == "c" * 64
        ask = RevokePermitInput(by="olga", reason="another page")
        launch.take(revoke(launch.state, ask, launch.directory, launch.now, "r"))
        launch.later(hours=1)
        [free] = launch.launch()
        assert free.body["permit"].get("content") is None

    def test_one_of_an_older_release_stands_without_end(self, launch: Any) -> None:
        """An entry without claims still folds."""
        old = launch_judged(launch.state, answer(), by="olga", command="old")
        state = fold_measure(launch.state, old[0])
        assert state.campaign_wanted == "released"
        assert next_permit_due(state.permit, None) is None
        assert renewed(state, answer(SHUT), command="x", issuer=ISSUER) == []


class TestRenewing:
    def test_it_is_due_before_it_runs_out_and_again_when_it_does(self, launch: Any) -> None:
        """Three quarters of its time, then its end."""
        launch.launch()
        permit = launch.state.permit
        assert next_permit_due(permit, None) == OPENS + DAY * 0.75
        assert next_permit_due(permit, OPENS) == OPENS + DAY * 0.75
        assert next_permit_due(permit, OPENS + DAY * 0.75) == OPENS + DAY
        assert next_permit_due(None, None) is None

    def test_an_open_gate_renews_it_when_it_is_due(self, launch: Any) -> None:
        """With the same content; not before."""
        launch.launch(content="c" * 64)
        first = launch.state.permit
        assert again(launch) == []
        launch.later(hours=18)
        assert again(launch) == ["permit_granted"]
        second = launch.state.permit
        assert second.number > first.number
        assert second.content == "c" * 64
        assert second.expires_at == launch.now + DAY
        assert launch.entries[-1].by == "engine"

    def test_a_shut_gate_ends_it_at_once(self, launch: Any) -> None:
        """Denied and revoked, with the rules in words."""
        launch.launch()
        number = launch.state.permit.number
        launch.later(hours=1)
        assert again(launch, SHUT) == ["permit_denied", "permit_revoked"]
        end = launch.entries[-1].body
        assert (end["why"], end["through"]) == ("gate-shut", number)
        assert end["reason"] == "the launch gate is shut: launch.x"
        assert launch.state.campaign_wanted == "held"

    def test_what_nobody_can_tell_lets_it_run_out(self, launch: Any) -> None:
        """Stale facts renew nothing, and end nothing before its time."""
        launch.launch()
        launch.later(hours=18)
        assert again(launch, UNKNOWN) == []
        launch.later(hours=6)
        assert again(launch, UNKNOWN) == ["permit_expired"]
        assert launch.state.campaign_wanted == "held"

    def test_a_gate_that_opens_at_the_last_moment_renews_it(self, launch: Any) -> None:
        """The facts came in between the first try and the end."""
        launch.launch()
        launch.later(hours=24)
        assert again(launch) == ["permit_granted"]

    def test_the_end_of_the_window_is_no_denial(self, launch: Any) -> None:
        """It has run out, as it was to."""
        launch.now = CLOSES - timedelta(hours=3)
        launch.launch()
        launch.now = CLOSES
        assert again(launch, SHUT) == ["permit_expired"]

    def test_an_end_names_when_the_last_earlier_one_runs_out(self, launch: Any) -> None:
        """A line of the list must stay as long as any of them is in somebody's hands."""
        launch.launch()
        longer = launch.state.permit.expires_at
        short = Issuer("sluicegate", timedelta(minutes=1), "key-1", lambda claims: "x")
        launch.later(hours=1)
        launch.take(
            launch_judged(launch.state, answer(at=launch.now), by="olga", command="s", issuer=short)
        )
        launch.side("hold", "sam")
        assert launch.entries[-1].body["until"] == longer.isoformat()


class TestEnding:
    @pytest.mark.parametrize(
        ("move", "why"),
        [("hold", "hold"), ("cancel", "cancelled"), ("step_back", "stepped-back")],
    )
    def test_each_side_move_ends_it(self, launch: Any, move: str, why: str) -> None:
        """In the same moment, for the list."""
        launch.launch()
        number = launch.state.permit.number
        launch.side(move, "sam", "budget review")
        [end] = [e for e in launch.entries if e.kind == "permit_revoked"]
        assert (end.body["why"], end.body["through"]) == (why, number)
        assert end.body["reason"] == "budget review"
        assert (launch.state.permit, launch.state.campaign_wanted) == (None, "held")

    def test_nothing_is_written_where_there_is_none(self, launch: Any) -> None:
        """No permit, no end."""
        launch.side("hold", "sam")
        assert [e.kind for e in launch.entries if e.kind.startswith("permit")] == []

    def test_a_closed_measure_has_none(self, launch: Any) -> None:
        """Nobody would look after its campaign."""
        launch.launch()
        launch.reach("implemented")
        assert launch.state.permit is not None
        launch.reach("closed")
        assert launch.entries[-1].body["why"] == "closed"
        assert launch.state.campaign_wanted == "held"

    def test_who_has_a_part_in_it_revokes(self, launch: Any) -> None:
        """With a reason; and may name the permit that they mean."""
        launch.launch()
        permit = launch.state.permit.id
        ask = RevokePermitInput(by="sam", reason="wrong page", permit=permit)
        launch.take(revoke(launch.state, ask, launch.directory, launch.now, "r"))
        assert launch.entries[-1].by == "sam"
        assert launch.state.permit is None

    def test_the_engine_revokes_too(self, launch: Any) -> None:
        """When a guardrail is broken."""
        launch.launch()
        ask = RevokePermitInput(by="engine", reason="acquisition cost +40 %")
        launch.take(revoke(launch.state, ask, launch.directory, launch.now, "r"))
        assert launch.state.permit is None

    @pytest.mark.parametrize(
        ("by", "permit", "code"),
        [
            ("piet", None, "not-entitled"),
            ("nobody", None, "unknown-person"),
            ("sam", "spring/1", "unknown-permit"),
        ],
    )
    def test_others_do_not(self, launch: Any, by: str, permit: str | None, code: str) -> None:
        """And the permit stands."""
        launch.launch()
        ask = RevokePermitInput(by=by, reason="x", permit=permit)
        with pytest.raises(RefusedError) as caught:
            revoke(launch.state, ask, launch.directory, launch.now, "r")
        assert caught.value.code == code

    def test_without_one_there_is_nothing_to_revoke(self, launch: Any) -> None:
        """It is said."""
        ask = RevokePermitInput(by="sam", reason="x")
        with pytest.raises(RefusedError) as caught:
            revoke(launch.state, ask, launch.directory, launch.now, "r")
        assert caught.value.code == "no-permit"


def test_a_standing_permit_watches_what_its_gate_looks_at(launch: Any) -> None:
    """So that a capacity that falls ends it."""
    state: MeasureState = launch.state
    assert state.watches == ()
    launch.launch()
    assert launch.state.watches == ("pool:kyc",)
    launch.side("hold", "sam")
    assert launch.state.watches == ()
