"""Stages in order, as data."""

import json
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import pytest
from pydantic import ValidationError

from measures import decisions
from measures.errors import RefusedError
from measures.folding import fold_measure
from measures.judging import only_with_controller
from measures.lifecycle import DOI, LAUNCH, Lifecycle, StageSpec
from measures.verdict import Verdict

Life = Any


def test_the_built_in_lifecycle_is_pinned() -> None:
    """Stages are persisted in every ledger: their names and order never change."""
    assert [(stage.id, stage.weight) for stage in DOI.stages] == [
        ("defined", 0.0),
        ("identified", 0.1),
        ("detailed", 0.3),
        ("decided", 0.6),
        ("implemented", 0.9),
        ("closed", 1.0),
    ]
    assert (DOI.soft_at, DOI.hard_at, DOI.frozen_from, DOI.launch_from) == (
        "detailed",
        "decided",
        "decided",
        "decided",
    )
    assert DOI.open_gates == ()


def test_gates_lie_before_their_stages_and_launch_after_decided() -> None:
    """The first stage has no gate; launch is one of its own."""
    assert DOI.gates == ("identified", "detailed", "decided", LAUNCH, "implemented", "closed")


def test_every_stage_has_its_neighbours() -> None:
    """Going on and back again leads to the same stage; the ends have no neighbour."""
    for stage in DOI.order:
        after = DOI.next_stage(stage)
        assert after is None or DOI.previous_stage(after) == stage
    assert DOI.previous_stage(DOI.first) is None
    assert DOI.next_stage(DOI.last) is None


def test_reached_counts_the_stage_itself() -> None:
    """At least as far means as far or further."""
    assert DOI.reached("decided", "decided")
    assert DOI.reached("closed", "decided")
    assert not DOI.reached("detailed", "decided")


WAVE = Lifecycle(
    id="wave",
    title="Wave",
    stages=tuple(StageSpec(id=f"l{n}", title=f"L{n}", weight=n / 5) for n in range(6)),
    soft_at="l2",
    hard_at="l3",
    frozen_from="l3",
    forecast_from="l3",
    actuals_from="l4",
    confirmed_from="l4",
    entered_by={"l5": "controller"},
)


def wrong(**changes: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Where a changed lifecycle is wrong, and why."""
    content = json.dumps({**WAVE.model_dump(mode="json"), **changes})
    with pytest.raises(ValidationError) as refusal:
        Lifecycle.model_validate_json(content)
    return [(tuple(one["loc"]), one["msg"]) for one in refusal.value.errors()]


@pytest.mark.parametrize(
    ("changes", "place", "why"),
    [
        ({"hard_at": "l33"}, ("hard_at",), "no stage 'l33'"),
        ({"soft_at": "l9"}, ("soft_at",), "no stage 'l9'"),
        ({"launch_from": "go"}, ("launch_from",), "no stage 'go'"),
        ({"entered_by": {"l0": "owner"}}, ("entered_by", "l0"), "no gate 'l0'"),
        ({"entered_by": {"l5": "finance"}}, ("entered_by", "l5"), "'controller'"),
        ({"open_gates": ["l1", "launch"]}, ("open_gates", 1), "no gate 'launch'"),
        ({"soft_at": "l4"}, ("hard_at",), "noted before it is held"),
        ({"forecast_from": "l2"}, ("forecast_from",), "where the plan is frozen"),
        ({"actuals_from": "l2"}, ("actuals_from",), "before the forecast"),
        ({"launch_from": "l2"}, ("launch_from",), "capacity that is held"),
    ],
)
def test_points_must_be_stages_in_a_sensible_order(
    changes: dict[str, Any], place: tuple[str | int, ...], why: str
) -> None:
    """The fault stands at the field and says what is wrong."""
    found = wrong(**changes)
    assert [where for where, _ in found] == [place]
    assert why in found[0][1]


@pytest.mark.parametrize(("name", "why"), [("l0", "twice"), ("launch", "no stage can be called")])
def test_stages_have_names_of_their_own(name: str, why: str) -> None:
    """Twice the same, or the name of what is no stage, would be ambiguous."""
    stages = [stage.model_dump() for stage in WAVE.stages]
    stages.insert(1, {"id": name, "title": "X", "weight": 0})
    [(place, message)] = wrong(stages=stages)
    assert place == ("stages", 1, "id")
    assert why in message


def test_without_a_launch_there_is_no_launch_gate() -> None:
    """Not every lifecycle has campaigns."""
    assert WAVE.gates == ("l1", "l2", "l3", "l4", "l5")


def test_value_is_confirmed_from_a_gate_on_and_always_at_the_last() -> None:
    """No lifecycle can switch the controller off."""
    assert [gate for gate in WAVE.gates if WAVE.confirms_value(gate)] == ["l4", "l5"]
    assert [gate for gate in DOI.gates if DOI.confirms_value(gate)] == ["closed"]


class TestMoneyLocks:
    """Formula 6, read from the lifecycle."""

    @pytest.mark.parametrize(
        ("stage", "amend", "forecast", "actual"),
        [
            ("l0", "", "too-early", "too-early"),
            ("l2", "", "too-early", "too-early"),
            ("l3", "plan-is-frozen", "", "too-early"),
            ("l4", "plan-is-frozen", "", ""),
        ],
    )
    def test_each_opens_and_closes_at_its_stage(
        self, live: Callable[..., Life], stage: str, amend: str, forecast: str, actual: str
    ) -> None:
        """The plan until it is frozen, then the forecast, then actuals."""
        life = live(under=WAVE, campaign=None)
        while life.state.stage != stage:
            life.judge()
        assert code_of(lambda: life.amend("olga", description="X")) == amend
        assert code_of(lambda: life.report("olga", forecast={"ebitda": 9})) == forecast
        assert code_of(lambda: life.report("carla", actual={"ebitda": 9})) == actual

    def test_actuals_are_finance_s_alone(self, live: Callable[..., Life]) -> None:
        """Neither owner nor sponsor nor administrator."""
        life = live(under=WAVE, campaign=None)
        while life.state.stage != "l4":
            life.judge()
        for by in ("olga", "sam", "rex"):
            assert code_of(lambda by=by: life.report(by, actual={"ebitda": 9})) == "not-finance"


def test_a_gate_is_asked_for_by_its_office_alone(live: Callable[..., Life]) -> None:
    """Administrators neither; before it, everybody with a part may ask."""
    life = live(under=WAVE, campaign=None)
    while life.state.stage != "l4":
        assert decisions.gate_to_ask(life.state, life.directory, "olga", life.now)
        life.judge()
    for by in ("olga", "sam", "tom", "rex"):
        asked = partial(decisions.gate_to_ask, life.state, life.directory, by, life.now)
        assert code_of(asked) == "not-entitled"
    assert decisions.gate_to_ask(life.state, life.directory, "carla", life.now) == "l5"


def test_nobody_passes_a_confirmed_gate_without_the_controller(
    live: Callable[..., Life], verdict: Callable[..., Verdict]
) -> None:
    """Whatever packs say; a confirmation at one gate is none at the next."""
    life = live(under=WAVE, campaign=None)
    while life.state.stage != "l3":
        life.judge()
    passed = verdict("l4", at=life.now)
    assert only_with_controller(life.state, passed).blocking_rules == (
        "l4.controller-has-confirmed",
    )
    life.sign("carla", "l4", "controller")
    assert only_with_controller(life.state, passed).passed
    life.judge()
    held = only_with_controller(life.state, verdict("l5", at=life.now))
    assert held.blocking_rules == ("l5.controller-has-confirmed",)


def test_a_campaign_needs_a_launch(live: Callable[..., Life]) -> None:
    """Refused before it is recorded: it could never run."""
    assert code_of(lambda: live(under=WAVE)) == "no-launch"


class TestRecorded:
    def test_the_first_entry_keeps_it_whole(self, live: Callable[..., Life]) -> None:
        """The state comes back from the entries alone, with the lifecycle of that day."""
        life = live(under=WAVE, campaign=None)
        body = life.entries[0].body
        assert Lifecycle.model_validate(body["lifecycle"], strict=False) == WAVE
        life.judge()
        again = reduce(fold_measure, life.entries, None)
        assert again == life.state
        assert again.lifecycle.digest == WAVE.digest
        assert "lifecycle" not in life.entries[1].body

    def test_entries_of_before_are_of_the_lifecycle_there_was(
        self, live: Callable[..., Life]
    ) -> None:
        """Measures that were recorded before entries carried it live on."""
        [defined] = live().entries
        old = defined.model_copy(update={"body": {"plan": defined.body["plan"]}})
        assert fold_measure(None, old).lifecycle == DOI


def code_of(act: Callable[[], Any]) -> str:
    """The code with which something is refused; empty when it is not."""
    try:
        act()
    except RefusedError as error:
        return error.code
    return ""
