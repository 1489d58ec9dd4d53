"""A condition says the same of the same values, whether or not it remembers having been asked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import conditions
from rules.conditions import Bound, Condition, Unknown, compile_condition

BINDINGS = {"demand": "demand", "offer": "offer"}
AMOUNTS = st.sampled_from([None, 0.0, 1.0, 2.5, -3.0])


def compiled(text: str) -> Condition:
    """A condition about a demand and an offer."""
    return compile_condition(text, BINDINGS, ("BOOL",))


def said(condition: Condition, facts: dict[str, dict[str, Any]]) -> Any:
    """What a condition says, unknown by its reason."""
    answer = condition.value(Bound(facts))
    return answer.why if isinstance(answer, Unknown) else answer


def fact(**fields: Any) -> dict[str, Any]:
    """A fact as conditions see it."""
    return {name: value for name, value in fields.items() if value is not None}


WORDS = (
    "offer.available >= demand.amount",
    "offer.available / demand.amount > 1.0 || offer.unit == demand.unit",
    "has(demand.amount) ? offer.available > 0.0 : offer.unit.startsWith('a')",
)


@pytest.mark.parametrize("text", WORDS)
def test_what_is_remembered_is_what_a_new_condition_says(text: str) -> None:
    """Values, missing fields and missing facts alike, also once it has begun to forget."""
    remembering = compiled(text)

    @given(AMOUNTS, AMOUNTS, st.sampled_from(["", "a", "ab", None]), st.booleans())
    @settings(max_examples=150, deadline=None)
    def ask(amount: Any, available: Any, unit: Any, alone: bool) -> None:
        facts = {"demand": fact(amount=amount, unit="a")}
        if not alone:
            facts["offer"] = fact(available=available, unit=unit)
        assert said(remembering, facts) == said(compiled(text), facts)

    ask()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portfolio with ever new values does not fill it."""
    monkeypatch.setattr(conditions, "ANSWERS", 10)
    condition = compiled("offer.available >= demand.amount")
    for number in range(95):
        facts = {"demand": fact(amount=float(number)), "offer": fact(available=50.0)}
        assert said(condition, facts) is (number <= 50)
    assert len(condition._answers) <= 10


def test_whole_facts_are_never_remembered() -> None:
    """Fields that are not named may decide about them."""
    condition = compile_condition("demand == demand", {"demand": "demand"}, ("BOOL",))
    assert said(condition, {"demand": fact(amount=1.0)}) is True
    assert condition._answers == {}
