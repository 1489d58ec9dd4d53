"""What a launch wants follows from its entries alone, whatever comes in which order."""

from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from measures import launching
from measures.blackouts import Blackout, Window, blackouts_for, window_of
from measures.entry import Draft
from measures.errors import RefusedError
from measures.launch import (
    FLIPS,
    HELD,
    Desire,
    LaunchOrder,
    LaunchState,
    PauseOrder,
    ShareOrder,
    Sighting,
    fold_launch,
)
from measures.plan import Campaign

NOW = datetime(2031, 3, 10, 9, tzinfo=UTC)
RAMP = [{"share": 0.1}, {"share": 0.3, "after": "2h"}, {"share": 1.0, "after": "1d"}]


def campaign(**fields: Any) -> Campaign:
    """A campaign of March."""
    whole = {"connector": "memory", "ref": "CMP-1", "launch_on": "2031-03-02",
             "ends_on": "2031-03-31", **fields}  # fmt: skip
    return Campaign.model_validate(whole, strict=False)


def order(wanted: Any = "held", number: int = 1, measure: str = "spring", **fields: Any) -> Any:
    """What a measure wants."""
    return LaunchOrder(measure=measure, campaign=campaign(**fields), wanted=wanted, number=number)


def after(state: LaunchState | None, drafts: list[Draft]) -> LaunchState:
    """The state with more entries."""
    folded = reduce(fold_launch, drafts, state)
    assert folded is not None
    return folded


def opened(wanted: Any = "open", at: datetime = NOW, **fields: Any) -> LaunchState:
    """A launch that has had its first thought."""
    state = after(None, launching.take_order(None, order(wanted, **fields), at, "1"))
    return after(state, launching.pass_time(state, [], at, "2"))


def shown(launch: LaunchState, /, **fields: Any) -> Sighting:
    """The system showing what is wanted, or something else."""
    desire = launch.desire
    whole = {"ref": "CMP-1", "state": desire.state, "share": desire.share, "level": "enforced"}
    return Sighting.model_validate({**whole, "read_at": NOW, **fields})


def confirmed(state: LaunchState) -> LaunchState:
    """The launch once its system obeyed."""
    return after(state, launching.confirm(state, shown(state), state.desire, NOW, "c"))


def test_it_is_held_until_it_is_wanted_open() -> None:
    """And again when it is not."""
    state = opened("held")
    assert (state.phase, state.desire) == ("held", HELD)
    state = after(state, launching.take_order(state, order("open", 5), NOW, "3"))
    state = after(state, launching.pass_time(state, [], NOW, "4"))
    assert (state.phase, state.desire) == ("open", Desire(state="released", share=1.0))
    state = after(state, launching.take_order(state, order("held", 6), NOW, "5"))
    assert (state.phase, state.desire, state.step) == ("held", HELD, 0)


def test_what_comes_too_late_or_from_another_measure_is_not_heard() -> None:
    """Else an old order that was held up could open a campaign again."""
    state = opened("open")
    state = after(state, launching.take_order(state, order("held", 9), NOW, "3"))
    assert launching.take_order(state, order("open", 8), NOW, "4") == []
    assert launching.take_order(state, order("open", 10, "other"), NOW, "5") == []
    state = after(state, launching.take_order(state, order("ended", 11), NOW, "6"))
    state = after(state, launching.confirm(state, shown(state), HELD, NOW, "7"))
    assert state.ended_at is not None
    assert (
        after(state, launching.take_order(state, order("held", 1, "other"), NOW, "8")).measure
        == "other"
    )


def test_a_ramp_waits_for_its_time_and_goes_on_after_an_interruption_with_its_step() -> None:
    """A hold begins it anew, a wait does not."""
    state = confirmed(opened(ramp=RAMP))
    assert (state.phase, state.step, state.desire.share) == ("ramp", 1, 0.1)
    assert not launching.may_step(state, NOW + timedelta(hours=1))
    assert launching.may_step(state, NOW + timedelta(hours=2))
    assert launching.next_due(state, [], NOW) == NOW + timedelta(hours=2)
    later = NOW + timedelta(hours=1)
    state = after(state, launching.take_order(state, order("waiting", 3, ramp=RAMP), later, "3"))
    assert (state.phase, state.desire, state.step) == ("held", HELD, 1)
    state = after(state, launching.take_order(state, order("open", 4, ramp=RAMP), later, "4"))
    assert (state.step, state.next_step_at) == (1, later + timedelta(hours=2))


def test_the_least_share_of_all_pools_counts_and_the_latest_of_each() -> None:
    """Times the share of the ramp's step."""
    state = opened(ramp=[{"share": 0.5}])
    for number, (pool, share) in enumerate([("kyc", 0.4), ("design", 0.6), ("kyc", 0.8)]):
        told = ShareOrder(pool=pool, share=share, reason="load", number=number)
        state = after(state, launching.take_share(state, told, NOW, f"s{number}"))
    assert state.desire.share == 0.3
    late = ShareOrder(pool="kyc", share=0.0, reason="load", number=1)
    assert launching.take_share(state, late, NOW, "late") == []


def test_its_window_ends_it() -> None:
    """At the midnight (UTC) after its last day, whatever the measure says."""
    state = opened()
    end = datetime(2031, 4, 1, tzinfo=UTC)
    assert launching.pass_time(state, [], end - timedelta(seconds=1), "3") == []
    state = after(state, launching.pass_time(state, [], end, "4"))
    assert (state.phase, state.desire) == ("ended", HELD)


def test_blackouts_pause_and_let_go() -> None:
    """Each by its own name; a person cannot lift one."""
    window = Window("quiet", "settlement", "kim", NOW, NOW + timedelta(hours=1))
    state = opened()
    state = after(state, launching.pass_time(state, [window], NOW, "3"))
    assert (state.phase, set(state.pauses)) == ("paused", {"blackout:quiet"})
    assert launching.pass_time(state, [window], NOW, "4") == []
    with pytest.raises(RefusedError, match="blackout:quiet ends by itself"):
        launching.unpause(state, PauseOrder(by="olga", reason="now"), NOW, "5")
    assert launching.next_due(state, [window], NOW) == window.ends
    state = after(state, launching.pass_time(state, [window], window.ends, "6"))
    assert state.phase == "open"


def test_who_opens_it_by_hand_is_put_back_and_who_stops_it_is_not() -> None:
    """And a fight ends with a person: five times within an hour."""
    state = confirmed(opened("held"))
    for count in range(FLIPS):
        seen = shown(state, state="released", share=1.0)
        state = after(state, launching.look(state, seen, state.desire, NOW, f"l{count}"))
        assert not state.confirmed
        state = confirmed(state)
    assert (state.put_backs, set(state.pauses)) == (FLIPS, {"tampered"})
    assert state.escalated_at == NOW

    state = confirmed(opened("open"))
    seen = shown(state, state="held", share=0.0)
    state = after(state, launching.look(state, seen, state.desire, NOW, "x"))
    assert (state.put_backs, set(state.pauses), state.confirmed) == (0, {"outside"}, True)


def test_an_advisory_hold_never_counts_as_something_else() -> None:
    """What was read back is kept with what it is worth."""
    state = opened("held")
    seen = shown(state, level="advisory")
    state = after(state, launching.confirm(state, seen, HELD, NOW, "3"))
    assert state.seen is not None
    assert state.seen.level == "advisory"


def test_a_hold_that_is_not_confirmed_says_since_when() -> None:
    """Once, until it is."""
    state = opened("held")
    state = after(state, launching.lose_sight(state, "down", NOW, "3"))
    assert launching.lose_sight(state, "down", NOW + timedelta(hours=1), "4") == []
    assert (state.unconfirmed_since, state.confirmed) == (NOW, False)
    assert confirmed(state).unconfirmed_since is None


def test_a_release_of_which_nobody_heard_leaves_no_hold_confirmed() -> None:
    """It may have had its effect: that the campaign was seen held before it proves nothing."""
    held = confirmed(opened("held"))
    state = after(held, launching.take_order(held, order("open", 2), NOW, "2"))
    state = after(state, launching.lose_sight(state, "no answer", NOW, "3"))
    state = after(state, launching.take_order(state, order("held", 3), NOW, "4"))
    assert (state.desire.state, state.confirmed) == ("held", False)
    assert confirmed(state).confirmed


@pytest.mark.parametrize(
    "wrong",
    [
        {"ramp": [{"share": 0.3}, {"share": 0.1}]},
        {"ramp": [{"share": 0}]},
        {"ramp": [{"share": 1.1}]},
        {"ramp": [{"share": float("nan")}]},
        {"ramp": [{"share": 0.5, "after": "soon"}]},
        {"audience": ["all", "all"]},
    ],
)
def test_ramps_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """Shares rise, from above 0 to at most 1."""
    with pytest.raises(ValidationError):
        campaign(**wrong)


def blackout(**fields: Any) -> Blackout:
    """A black-out."""
    whole = {"id": "quiet", "reason": "r", "owner": "kim", "starts": "2031-03-29",
             "ends": "2031-03-30", **fields}  # fmt: skip
    return Blackout.model_validate(whole, strict=False)


def test_days_of_a_blackout_are_days_of_its_zone() -> None:
    """The day on which clocks go forward in Amsterdam has 23 hours."""
    window = window_of(blackout(zone="Europe/Amsterdam"))
    assert window.begins == datetime(2031, 3, 28, 23, tzinfo=UTC)
    assert window.ends == datetime(2031, 3, 30, 22, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_blacked_out_twice() -> None:
    """Never shorter than written: clocks go back in Amsterdam on 26 October 2031."""
    times = {"starts": "2031-10-26T02:15:00", "ends": "2031-10-26T02:45:00"}
    window = window_of(blackout(**times, zone="Europe/Amsterdam"))
    assert window.ends - window.begins == timedelta(hours=1, minutes=30)


@pytest.mark.parametrize(
    "wrong",
    [{"zone": "Europe/Atlantis"}, {"zone": "../etc/passwd"}, {"ends": "2031-03-28"},
     {"starts": "soon"}],
)  # fmt: skip
def test_blackouts_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """Zones that there are not, ends before starts, words for times."""
    with pytest.raises(ValidationError):
        blackout(**wrong)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("order"), st.sampled_from(["held", "waiting", "open"])),
            st.tuples(st.just("pause"), st.sampled_from(["person", "guardrail:cac"])),
            st.tuples(st.just("unpause"), st.sampled_from(["person", "guardrail:cac"])),
            st.tuples(st.just("share"), st.floats(0, 1)),
            st.tuples(st.just("look"), st.floats(0, 1)),
            st.tuples(st.just("confirm"), st.none()),
            st.tuples(st.just("time"), st.integers(0, 200)),
        ),
        max_size=30,
    )
)
def test_nothing_opens_a_campaign_that_is_not_wanted_open(steps: list[tuple[str, Any]]) -> None:
    """Whatever comes in which order; and it says confirmed only of what it has seen."""
    state, at = opened("held", ramp=RAMP), NOW
    for number, (what, value) in enumerate(steps, start=10):
        name = str(number)
        try:
            drafts = _step(state, what, value, number, at)
        except RefusedError:
            continue
        if what == "time":
            at += timedelta(hours=value)
        state = after(state, drafts)
        assert [d.command for d in drafts] == [name] * len(drafts)
        if state.wanted != "open" or state.pauses:
            assert state.desire == HELD
        if state.confirmed:
            assert state.desire.shown_by(state.seen)


def _step(state: LaunchState, what: str, value: Any, number: int, at: datetime) -> list[Draft]:
    name = str(number)
    match what:
        case "order":
            return launching.take_order(state, order(value, number, ramp=RAMP), at, name)
        case "pause":
            return launching.pause(state, PauseOrder(source=value, by="olga", reason=""), at, name)
        case "unpause":
            return launching.unpause(
                state, PauseOrder(source=value, by="olga", reason=""), at, name
            )
        case "share":
            told = ShareOrder(pool="kyc", share=value, reason="", number=number)
            return launching.take_share(state, told, at, name)
        case "look":
            seen = shown(state, state="released" if value else "held", share=value)
            return launching.look(state, seen, state.desire, at, name)
        case "confirm":
            return launching.confirm(state, shown(state), state.desire, at, name)
        case _:
            return launching.pass_time(state, [], at + timedelta(hours=value), name)


def test_scope_names_what_a_blackout_concerns(plan: Any) -> None:
    """Every list that is given must name something of the plan; none concerns all."""
    planned = plan(campaign={"connector": "memory", "ref": "C", "launch_on": date(2031, 3, 2),
                             "ends_on": date(2031, 3, 31), "audience": ("all",)})  # fmt: skip
    for scope, concerns in (
        ({}, True),
        ({"audiences": ["all", "few"]}, True),
        ({"audiences": ["few"]}, False),
        ({"audiences": ["all"], "connectors": ["other"]}, False),
        ({"types": [planned.type], "packages": [planned.package]}, True),
    ):
        assert bool(blackouts_for(planned, [blackout(scope=scope)])) == concerns


def test_a_blackout_that_names_a_skipped_hour_is_never_shorter_than_written() -> None:
    """On 2031-03-30 no clock in Amsterdam shows 02:30: it is 01:30 as much as 03:30."""
    times = {"starts": "2031-03-30T02:30:00", "ends": "2031-03-30T02:45:00"}
    window = window_of(blackout(**times, zone="Europe/Amsterdam"))
    assert window.begins == datetime(2031, 3, 30, 0, 30, tzinfo=UTC)
    assert window.ends == datetime(2031, 3, 30, 1, 45, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Honolulu"])
@pytest.mark.parametrize("clock", ["", "T00:00:00"])
def test_a_blackout_from_ever_or_for_ever_is_one(zone: str, clock: str) -> None:
    """A document at an end of the calendar must not break every launch that it concerns."""
    window = window_of(blackout(starts="0001-01-01" + clock, ends="9999-12-31" + clock, zone=zone))
    assert window.begins.year == 1
    assert window.ends.year == 9999
    assert launching.next_due(opened(), [window], NOW) is not None


def test_a_campaign_without_an_end_in_sight_can_be_held_and_launched() -> None:
    """The last day of the calendar is a usual way to write that something has no end."""
    launch = opened(ends_on="9999-12-31")
    assert launch.phase != "ended"
    assert launch.window_ends_at.year == 9999


def test_what_an_unpause_cannot_end_is_said() -> None:
    """A hold that the system does not confirm shuts the gate as well, and no word ends that."""
    launch = opened("held")
    launch = after(launch, launching.lose_sight(launch, "it does not answer", NOW, "3"))
    with pytest.raises(RefusedError, match="memory does not confirm"):
        launching.unpause(launch, PauseOrder(by="sam", reason="over"), NOW, "4")


def test_a_blackout_may_last_from_an_hour_to_the_end_of_that_day() -> None:
    """The last day counts whole, so it is not over before it begins."""
    window = window_of(blackout(starts="2031-03-29T18:00:00", ends="2031-03-29"))
    assert window.ends - window.begins == timedelta(hours=6)
    with pytest.raises(ValidationError, match="ends lies before starts"):
        blackout(starts="2031-03-29T23:30:00-05:00", ends="2031-03-29")
    assert blackout(starts="0001-01-01T00:00:00+14:00", ends="2031-03-29")
