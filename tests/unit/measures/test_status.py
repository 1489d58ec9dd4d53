"""What people and programs see: lights, status and answers, under the names stories use."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from measures.answers import Answer, Refusal, accepted, refused
from measures.documents import Pool
from measures.lights import lights_of
from measures.plan import Demand
from measures.pool import fold_pool, join_queue, open_pool, report_capacity, reserve
from measures.status import Status, queued_at, status_of
from measures.verdict import Blocker, Change, Proposal

Life = Any

STORY_FIELDS = {
    "advance": {"verdict", "stage", "blockers", "seen", "unblock"},
    "sign": {"accepted", "refused", "stage"},
    "amend": {"accepted", "refused", "voided"},
    "report": {"accepted", "refused"},
    "launch": {"permit", "blockers"},
    "side": {"stage", "on_hold", "reservations"},
}
"""What the scenario format lets an expectation name."""


def test_answers_and_status_have_the_fields_of_the_scenario_format() -> None:
    """Others rely on these names."""
    assert set().union(*STORY_FIELDS.values()) <= set(Answer.model_fields)
    assert {
        "stage", "on_hold", "lights", "waiting_for", "reserved", "sign_offs", "history_events",
        "verdict", "blockers", "seen", "unblock", "finance",
    } <= set(Status.model_fields)  # fmt: skip


class TestLights:
    def shown(self, life: Life, today: str) -> tuple[str, str]:
        """Both lights on a day."""
        lights = lights_of(life.state, date.fromisoformat(today))
        return lights.implementation, lights.potential

    @pytest.mark.parametrize(
        ("today", "light"),
        [("2031-02-10", "green"), ("2031-02-11", "amber"), ("2031-02-24", "amber"),
         ("2031-02-25", "red")],
    )  # fmt: skip
    def test_implementation_shows_the_latest_milestone(
        self, life: Life, today: str, light: str
    ) -> None:
        """Green while none is late, amber up to 14 days, red beyond."""
        assert self.shown(life, today)[0] == light

    @pytest.mark.parametrize(
        ("forecast", "light"),
        [(951, "green"), (950, "green"), (949, "amber"), (800, "amber"), (799, "red"), (-5, "red")],
    )
    def test_potential_compares_forecast_and_plan(
        self, life: Life, forecast: float, light: str
    ) -> None:
        """Green from 95 %, amber from 80 %; cost is no benefit."""
        life.reach("decided")
        life.report("olga", forecast={"ebitda": forecast, "cost": 99999})
        assert self.shown(life, "2031-01-12")[1] == light

    def test_without_a_forecast_the_plan_is_believed(
        self, life: Life, live: Callable[..., Life]
    ) -> None:
        """Also without money, and where the plan promises nothing."""
        assert self.shown(life, "2031-01-12") == ("green", "green")
        for finance in (None, {"currency": "EUR", "plan": {"cost": 5}}):
            assert self.shown(live(finance=finance), "2031-01-12") == ("green", "green")

    def test_green_milestones_do_not_hide_missing_value(self, life: Life) -> None:
        """Implementation far ahead of the value is a warning of its own."""
        life.reach("decided")
        life.report("piet", milestone={"id": "live", "done_on": "2031-02-01"})
        life.report("olga", forecast={"ebitda": 800})
        assert not lights_of(life.state, date(2031, 2, 2)).diverging
        life.report("olga", forecast={"ebitda": 790})
        lights = lights_of(life.state, date(2031, 2, 2))
        assert lights.divergence == pytest.approx(0.21)
        assert lights.diverging
        assert "divergence" in status_of(life.state, datetime(2031, 2, 2, tzinfo=UTC)).warnings


def test_status_tells_why_a_request_waits(life: Life) -> None:
    """Rule, wanted, seen, since when, who and how."""
    reason = Blocker(
        rule="identified.x", answer="block", message="no", wanted="a > 1", seen={"a": 1},
        clear_by=("kim",), command="sluice x", pack="standard", line=7,
    )  # fmt: skip
    life.judge(reason, reason.model_copy(update={"subject": "b", "seen": {"a": 2}}))
    status = status_of(life.state, datetime(2031, 1, 12, tzinfo=UTC), history_events=9)
    assert (status.verdict, status.gate, status.blockers) == (
        "block",
        "identified",
        ("identified.x",),
    )
    assert status.seen == {"identified.x": {"a": 1}}
    assert status.waiting_for == ("kim",)
    first = status.reasons[0]
    assert (first.wanted, first.who, first.command, first.pack, first.line, first.since) == (
        "a > 1", ("kim",), "sluice x", "standard", 7, life.now,
    )  # fmt: skip
    assert (status.requested_by, status.requested_at) == ("olga", life.now)
    assert status.history_events == 9


def test_status_tells_noted_from_reserved(life: Life) -> None:
    """What is noted at detailed is not held; from decided on it is."""
    life.reach("detailed")
    status = status_of(life.state, datetime(2031, 1, 12, tzinfo=UTC))
    assert (status.reserved, status.noted) == ({}, {"kyc": {"2031-03": 100}})
    life.reach("decided")
    status = status_of(life.state, datetime(2031, 1, 12, tzinfo=UTC))
    assert (status.reserved, status.noted) == ({"kyc": {"2031-03": 100}}, {})


def test_confirmed_is_what_the_controller_signed(life: Life) -> None:
    """A rejection confirms nothing; pipeline value is weighted by stage."""
    life.reach("implemented")
    life.report("carla", actual={"ebitda": 990})
    life.sign("carla", "closed", "controller", "reject")
    money = status_of(life.state, datetime(2031, 1, 12, tzinfo=UTC)).finance
    assert (money.confirmed, money.weighted) == ({}, 900)
    life.sign("carla", "closed", "controller")
    status = status_of(life.state, datetime(2031, 1, 12, tzinfo=UTC))
    assert status.finance.confirmed == {"ebitda": 990}
    assert status.sign_offs == ("closed/controller/carla",)


def test_an_answer_tells_what_was_voided_and_what_is_asked(life: Life) -> None:
    """The gate's answer, its reasons and proposals."""
    life.sign("sam", "decided", "sponsor")
    drafts = life.amend("olga", title="Other")
    answer = accepted(life.state, drafts, None)
    assert answer.accepted
    assert answer.voided == ("decided/sponsor/sam",)
    assert answer.verdict == ""
    reason = Blocker(rule="identified.x", answer="block", message="no", seen={"n": 1})
    drafts = life.judge(reason)
    change = Change(rules=("identified.x",), fact="kpi:a", field="target", to=5, text="do it")
    proposal = Proposal(changes=(change,), cost=1)
    verdict = life.state.request.verdict.model_copy(update={"unblock": (proposal,)})
    answer = accepted(life.state, drafts, verdict)
    assert (answer.verdict, answer.gate, answer.stage) == ("block", "identified", "defined")
    assert answer.seen == {"identified.x": {"n": 1}}
    assert answer.unblock == (proposal,)
    assert answer.number == life.state.number


def test_a_refusal_tells_code_and_words(life: Life) -> None:
    """And denies the permit where one was asked for."""
    refusal = Refusal(code="on-hold", message="it is on hold")
    answer = refused(life.state, refusal, launch=True)
    assert (answer.accepted, answer.refused, answer.message) == (False, "on-hold", "it is on hold")
    assert answer.permit == "denied"
    assert refused(life.state, refusal).permit == ""


def test_a_cancelled_measure_shows_its_end(life: Life) -> None:
    """No gate is left to ask for."""
    life.side("cancel", "olga", "enough")
    status = status_of(life.state, datetime(2031, 1, 12, tzinfo=UTC))
    assert (status.cancelled, status.ended, status.gate) == (True, True, None)


def test_a_cancelled_measure_is_not_to_be_resumed(life: Life) -> None:
    """Its answer is not that of a measure on hold, though it was on hold until then."""
    life.side("hold", "olga", "wait")
    assert accepted(life.state, [], None).on_hold
    life.side("cancel", "olga", "enough")
    assert not accepted(life.state, [], None).on_hold


def test_the_place_in_a_queue_is_shown() -> None:
    """Position, how many wait, and whether what is free is kept for it."""
    now = datetime(2031, 1, 12, tzinfo=UTC)
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={"2031-03": 10})
    state = fold_pool(None, open_pool(pool, "operator", now, "open"))
    for name, amount in (("a", 10), ("b", 11)):
        demands = (Demand(pool="kyc", period="2031-03", amount=amount),)
        draft = join_queue(
            state, name, demands, priority=5, since=now, ready=True, at=now, command=name
        )
        assert draft is not None
        state = fold_pool(state, draft)
    (place,) = queued_at("b", [state], now)
    assert (place.pool, place.position, place.of, place.kept) == ("kyc", 2, 2, False)
    assert queued_at("a", [state], now)[0].kept
    assert queued_at("c", [state], now) == ()


def test_what_a_pool_no_longer_covers_is_shown(life: Life) -> None:
    """Its owner sees it at the measure, not only who looks at the pool."""
    now = datetime(2031, 1, 12, tzinfo=UTC)
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={"2031-03": 10})
    state = fold_pool(None, open_pool(pool, "operator", now, "open"))
    demands = (Demand(pool="kyc", period="2031-03", amount=8),)
    draft, _ = reserve(state, life.state.id, demands, hard=True, at=now, command="hold")
    assert draft is not None
    state = fold_pool(state, draft)
    assert status_of(life.state, now, pools=[state]).uncovered == ()
    state = fold_pool(state, report_capacity(state, "2031-03", 5, "kim", now, "cut"))
    (lost,) = status_of(life.state, now, pools=iter([state])).uncovered
    assert (lost.pool, lost.period, lost.held, lost.covered) == ("kyc", "2031-03", 8, 5)
