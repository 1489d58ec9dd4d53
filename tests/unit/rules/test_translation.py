"""The translation of conditions says what the real conditions say, on any values."""

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions import Bound, ConditionError, Unknown, compile_condition
from rules.proof.texts import Texts
from rules.proof.translation import (
    Term,
    Translator,
    Truth,
    Value,
    prefixes_of_condition,
    texts_of_condition,
)

_NUMBERS = ("kpi.baseline", "kpi.target", "offer.available", "0.5", "2.0", "3", "-1.25")
_WHOLES = ("kpi.periods_held", "kpi.periods_needed", "measure.quorum", "2", "-3", "0")
_TEXTS = ("measure.owner", "measure.sponsor", "kpi.latest_period", '"sam"', "'olga'", '""')
_YESNO = ("kpi.guarded", "measure.has_campaign", "true", "false")
_COMPARE = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _number(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(_NUMBERS)
    if not depth:
        return leaf
    inner = _number(depth - 1)
    return st.one_of(
        leaf,
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner),
        st.builds("({} * {})".format, inner, st.sampled_from(["0.5", "2.0", "-4.0"])),
        st.builds("({} / {})".format, inner, st.sampled_from(["0.5", "2.0", "-4.0"])),
        st.builds("double({})".format, _whole(depth - 1)),
        st.builds("-{}".format, st.sampled_from(_NUMBERS[:3])),
        st.builds("({} ? {} : {})".format, _truth(depth - 1), inner, inner),
    )


def _whole(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(_WHOLES)
    if not depth:
        return leaf
    inner = _whole(depth - 1)
    return st.one_of(
        leaf,
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from("*/%"), st.sampled_from("2305")),
        st.builds("size({})".format, st.sampled_from(_TEXTS)),
        st.builds("int({})".format, _number(depth - 1)),
    )


def _truth(depth: int) -> st.SearchStrategy[str]:
    leaf = st.one_of(
        st.sampled_from(_YESNO),
        st.builds("{} {} {}".format, st.sampled_from(_TEXTS), _COMPARE, st.sampled_from(_TEXTS)),
        st.builds(
            "{}.{}({})".format,
            st.sampled_from(_TEXTS[:3]),
            st.sampled_from(["startsWith", "endsWith", "contains"]),
            st.sampled_from(['"s"', '"am"', '""', '"2031"']),
        ),
        st.builds("has(kpi.{})".format, st.sampled_from(["latest", "target", "name"])),
        st.builds("{} in [{}, {}]".format, *(st.sampled_from(_TEXTS) for _ in range(3))),
    )
    if not depth:
        return leaf
    inner = _truth(depth - 1)
    number, whole = _number(depth - 1), _whole(depth - 1)
    return st.one_of(
        leaf,
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} == {})".format, inner, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{} {} {}".format, number, _COMPARE, number),
        st.builds("{} {} {}".format, whole, _COMPARE, whole),
    )


# Values that every step of the reckoning holds exactly: what rounding does is not compared here.
_EXACT = st.integers(-4000, 4000).map(lambda number: number / 8)
_WORDS = st.sampled_from(["", "sam", "olga", "s", "zam", "2031-03"])
_FACTS = st.fixed_dictionaries(
    {
        "kpi": st.fixed_dictionaries(
            {"periods_held": st.integers(-9, 9), "periods_needed": st.integers(0, 9),
             "guarded": st.booleans(), "name": _WORDS},
            optional={"baseline": _EXACT, "target": _EXACT, "latest": _EXACT,
                      "latest_period": _WORDS},
        ),
        "offer": st.fixed_dictionaries({"available": _EXACT}),
        "measure": st.fixed_dictionaries(
            {"quorum": st.integers(-9, 9), "owner": _WORDS, "sponsor": _WORDS,
             "has_campaign": st.booleans()}
        ),
    }
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(_truth(3), _FACTS)
def test_translation_says_what_the_condition_says(
    text: str, facts: dict[str, dict[str, bool | int | float | str]]
) -> None:
    """True, false and not known, on facts with and without their optional fields."""
    kinds = {name: name for name in facts}
    try:
        condition = compile_condition(text, kinds, ("BOOL",))
    except ConditionError:
        return  # types that CEL refuses to mix
    words = {value for fact in facts.values() for value in fact.values() if isinstance(value, str)}
    texts = Texts(texts_of_condition(condition) | words, (), prefixes_of_condition(condition))
    translator = Translator(texts)
    always, never = z3.BoolVal(True), z3.BoolVal(False)

    def field_of(name: str, field: str) -> tuple[Term, z3.BoolRef]:
        value = facts[name].get(field)
        there = z3.BoolVal(value is not None)
        if isinstance(value, bool):
            return Truth(z3.BoolVal(value), z3.BoolVal(not value)), always
        if isinstance(value, int):
            return Value("whole", z3.IntVal(value), there, 1e6), there
        if isinstance(value, str):
            return Value("text", texts.constant(value), there), there
        if value is None and field == "latest_period":
            return Value("text", texts.constant(""), never), there
        return Value("number", z3.RealVal(value or 0), there, 1e6), there

    term = translator.condition(condition, field_of)
    assert isinstance(term, Truth)
    assert not translator.beyond
    solver = z3.Solver()
    solver.add(*translator.axioms, *texts.axioms, translator.exact)
    assert solver.check() == z3.sat
    model = solver.model()
    said = (
        z3.is_true(model.eval(term.true, model_completion=True)),
        z3.is_true(model.eval(term.false, model_completion=True)),
    )
    truly = condition.value(Bound(facts))
    wanted = (False, False) if isinstance(truly, Unknown) else (truly, not truly)
    assert said == wanted, f"{text} on {facts}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("measure.owner.matches('^s')", "matches"),
        ("kpi.target * kpi.target > 2.0", "multiplied"),
        ("kpi.target / kpi.target > 2.0", "division"),
        ("string(measure.quorum) == '2'", "string"),
    ],
)
def test_what_cannot_be_translated_may_say_anything(text: str, why: str) -> None:
    """Neither true nor false is excluded, and the reason is kept."""
    condition = compile_condition(text, {"measure": "measure", "kpi": "kpi"}, ("BOOL",))
    texts = Texts(texts_of_condition(condition))
    translator = Translator(texts)

    def field_of(name: str, field: str) -> tuple[Term, z3.BoolRef]:
        sort = "text" if field == "owner" else "whole" if field == "quorum" else "number"
        value = z3.Int(field) if sort == "whole" else z3.Real(field)
        return Value(sort, value, z3.BoolVal(True), 1e6), z3.BoolVal(True)  # type: ignore[arg-type]

    term = translator.condition(condition, field_of)
    assert isinstance(term, Truth)
    for wanted in (term.true, term.false):
        solver = z3.Solver()
        solver.add(*translator.axioms, *texts.axioms, wanted)
        assert solver.check() == z3.sat
    assert why in translator.beyond[text]


def test_rounding_is_allowed_for() -> None:
    """0.1 + 0.2 is not 0.3 for a machine; the translation must not rule out what a machine does."""
    condition = compile_condition("kpi.target + kpi.baseline == 0.3", {"kpi": "kpi"}, ("BOOL",))
    values = {"target": 0.1, "baseline": 0.2}
    assert condition.value(Bound({"kpi": values})) is False
    translator = Translator(Texts(()))

    def field_of(_: str, field: str) -> tuple[Term, z3.BoolRef]:
        number = (
            z3.RealVal(values[field].as_integer_ratio()[0]) / values[field].as_integer_ratio()[1]
        )
        return Value("number", z3.simplify(number), z3.BoolVal(True), 1.0), z3.BoolVal(True)

    term = translator.condition(condition, field_of)
    assert isinstance(term, Truth)
    solver = z3.Solver()
    solver.add(*translator.axioms, term.false)
    assert solver.check() == z3.sat
