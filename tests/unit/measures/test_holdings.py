"""What pools keep, let go and take back."""

from collections.abc import Callable

import pytest

from measures.holdings import demands_of, must_let_go, to_take_back
from measures.plan import Demand
from measures.state import MeasureState, Pause, Reserved
from tests.unit.measures.conftest import Life

HELD = Reserved(amounts={"kyc": {"2031-03": 100}}, hard=True)


@pytest.fixture
def decided(live: Callable[..., Life]) -> MeasureState:
    """A measure behind the gate at which capacity is held."""
    state = live().state
    return state.model_copy(update={"stage": state.lifecycle.hard_at, "reserved": HELD})


def test_a_decided_measure_keeps_what_it_holds(decided: MeasureState) -> None:
    """One that was stepped back, or ends, does not; what is only noted may stay noted."""
    assert not must_let_go(decided)
    early = decided.model_copy(update={"stage": decided.lifecycle.first})
    assert must_let_go(early)
    noted = early.model_copy(update={"reserved": HELD.model_copy(update={"hard": False})})
    assert not must_let_go(noted)
    over = Pause(reason="over", by="sam", at=decided.changed_at)
    assert must_let_go(noted.model_copy(update={"cancelled": over}))
    assert not must_let_go(early.model_copy(update={"reserved": Reserved(hard=True)}))


@pytest.mark.parametrize("on_hold", ["keep", "release"])
def test_a_hold_lets_go_where_the_lifecycle_says_so(decided: MeasureState, on_hold: str) -> None:
    """Others may use meanwhile what the measure takes back when it is resumed."""
    lifecycle = decided.lifecycle.model_copy(update={"on_hold": on_hold})
    pause = Pause(reason="wait", by="sam", at=decided.changed_at)
    held = decided.model_copy(update={"lifecycle": lifecycle, "on_hold": pause})
    assert must_let_go(held) == (on_hold == "release")


def test_a_resumed_measure_takes_back_what_was_parked(decided: MeasureState) -> None:
    """Unless it was stepped back meanwhile: the gate asks for it anew."""
    parked = decided.model_copy(update={"reserved": Reserved(), "parked": HELD})
    assert to_take_back(parked) == demands_of(HELD)
    assert demands_of(HELD) == (Demand(pool="kyc", period="2031-03", amount=100),)
    assert to_take_back(parked.model_copy(update={"stage": parked.lifecycle.first})) == ()
    assert to_take_back(decided) == ()
