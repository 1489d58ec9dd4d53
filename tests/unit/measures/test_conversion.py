"""Conversions: what arrives at the end of a chain, and how ratios learn."""

import math
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from measures.chains import MOST, NoChainError, arriving, chain, reachable, refuse_unclear
from measures.conversion import (
    FARTHEST,
    Conversion,
    as_typed,
    carried_over,
    estimate_of,
    lessons,
    report_actual,
)
from measures.errors import RefusedError
from measures.model import restore

NOW = datetime(2031, 9, 1, 9, tzinfo=UTC)


def step(source: str, to: str, ratio: float = 0.5, error: float = 0.2, **fields: Any) -> Conversion:
    """A conversion named after its units."""
    return restore(
        Conversion,
        {"id": f"{source}-{to}", "title": "Step", "from": source, "to": to, "ratio": ratio,
         "error": error, "owner": "olga", **fields},
    )  # fmt: skip


def known(*steps: Conversion) -> dict[str, Conversion]:
    """Conversions by id."""
    return {one.id: one for one in steps}


def reported(
    conversion: Conversion, period: str, went_in: float, came_out: float, **fields: Any
) -> Conversion:
    """The conversion after one more report."""
    whole = {"version": 1, "by": "olga", "at": NOW, "command": "c", **fields}
    return report_actual(
        conversion, period=period, went_in=went_in, came_out=came_out, **whole
    )[0]  # fmt: skip


# --- chains ---


def test_mean_and_p90_of_a_chain_are_those_of_a_simulation() -> None:
    """The closed form against 200,000 products of lognormal draws."""
    steps = [step("a", "b", 0.06, 0.2), step("b", "c", 0.8, 0.1), step("c", "d", 0.05, 0.3)]
    chance = random.Random(7)
    drawn = []
    for _ in range(200_000):
        product = 250_000.0
        for one in steps:
            estimate = as_typed(one)
            product *= chance.lognormvariate(estimate.mu, math.sqrt(estimate.variance))
        drawn.append(product)
    drawn.sort()
    arrival = arriving(250_000, steps)
    assert arrival.mean == pytest.approx(sum(drawn) / len(drawn), rel=0.01)
    assert arrival.p90 == pytest.approx(drawn[int(0.9 * len(drawn))], rel=0.01)
    assert arrival.mean == pytest.approx(600)
    assert arrival.p90 == 899
    assert arrival.chain == tuple(one.version for one in steps)


@given(
    st.floats(1e-6, 1e3), st.floats(0, 3), st.floats(0, 1e15, allow_subnormal=False)
)  # fmt: skip
def test_a_typed_ratio_is_its_own_mean_and_what_arrives_is_finite(
    ratio: float, error: float, amount: float
) -> None:
    """The lognormal has the mean and the relative error that were typed."""
    one = step("a", "b", ratio, error)
    assert as_typed(one).mean == pytest.approx(ratio, rel=1e-9)
    assert as_typed(one).error == pytest.approx(error, rel=1e-9, abs=1e-9)
    arrival = arriving(amount, [one])
    assert 0 <= arrival.mean <= MOST
    assert min(amount * as_typed(one).p90, MOST) <= arrival.p90 + 1e-6
    assert arrival.p90 <= MOST


def test_without_error_nothing_is_added_but_rounding() -> None:
    """A fixed rate is exact: 12 minutes a check are a fifth of an hour."""
    arrival = arriving(1000, [step("checks", "hours", 0.2, 0)])
    assert (arrival.mean, arrival.p90) == (200, 200)
    assert arriving(0, [step("a", "b")]).p90 == 0
    assert arriving(7, [step("a", "b", 1 / 3, 0)]).p90 == 2.34


def test_the_way_from_unit_to_unit() -> None:
    """Found where there is one; its absence says where the unit does lead."""
    ways = known(step("clicks", "leads"), step("leads", "checks"), step("clicks", "visits"))
    assert [one.id for one in chain(ways, "clicks", "checks")] == ["clicks-leads", "leads-checks"]
    assert reachable(ways, "clicks") == {"leads", "checks", "visits"}
    with pytest.raises(NoChainError, match="no conversion leads from checks to clicks") as found:
        chain(ways, "checks", "clicks")
    assert found.value.code == "no-conversion"
    with pytest.raises(NoChainError, match="clicks leads to checks, leads, visits"):
        chain(ways, "clicks", "hours")


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (step("checks", "clicks"), "circular-conversion"),
        (step("clicks", "checks"), "ambiguous-conversion"),
        (step("visits", "checks"), "ambiguous-conversion"),
    ],
)
def test_circles_and_second_ways_are_refused(new: Conversion, code: str) -> None:
    """What an amount comes to must not depend on the way that was taken."""
    ways = known(step("clicks", "leads"), step("leads", "checks"), step("clicks", "visits"))
    with pytest.raises(RefusedError) as found:
        refuse_unclear(ways, new)
    assert found.value.code == code


def test_a_changed_ratio_is_no_second_way() -> None:
    """A conversion may be applied anew, and lead on from where others end."""
    ways = known(step("clicks", "leads"), step("leads", "checks"))
    refuse_unclear(ways, step("clicks", "leads", 0.9))
    refuse_unclear(ways, step("checks", "hours"))
    refuse_unclear(ways, step("mails", "leads"))


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=12))
def test_what_is_accepted_has_one_way_at_most(edges: list[tuple[str, str]]) -> None:
    """However conversions come in, no two units are joined twice and none leads to itself."""
    ways: dict[str, Conversion] = {}
    for source, to in edges:
        if source == to:
            continue
        try:
            refuse_unclear(ways, step(source, to))
        except RefusedError:
            continue
        ways |= known(step(source, to))
    for start in "abcdef":
        ends = reachable(ways, start)
        assert start not in ends
        for end in ends:
            chain(ways, start, end)


# --- learning ---


def test_a_report_moves_the_ratio_by_its_weight() -> None:
    """Finch's formula, worked by hand for one report."""
    one = step("a", "b", 0.5, 0.2)
    after = reported(one, "2031-03", 1000, 600)
    before = as_typed(one)
    away = math.log(0.6) - before.mu
    now = estimate_of(after)
    assert now.mu == pytest.approx(before.mu + 0.2 * away)
    assert now.variance == pytest.approx(0.8 * (before.variance + 0.2 * away**2))
    assert after.version != one.version


def test_nothing_out_never_raises_the_ratio() -> None:
    """Half a unit of five is a tenth: more than the 6 % that were expected."""
    before = step("a", "b", 0.06, 0.2)
    for went_in in (5, 100_000):
        assert estimate_of(reported(before, "2031-03", went_in, 0)).mean < 0.06


def test_many_like_reports_bring_the_ratio_there() -> None:
    """What always comes is what is expected, with less and less error."""
    one = step("a", "b", 0.5, 0.3)
    for month in range(1, 9):
        one = reported(one, f"2031-{month:02}", 10_000, 6_000 + 100 * (month % 2))
    found = list(lessons(one))
    assert abs(found[-1].estimate.mean - 0.6) < abs(found[0].estimate.mean - 0.6)
    assert found[-1].estimate.error < 0.3
    assert [lesson.period for lesson in found] == [f"2031-{month:02}" for month in range(1, 9)]


def test_the_order_of_reporting_does_not_matter() -> None:
    """A late report takes the place of its period, and a second one corrects the first."""
    one = step("a", "b")
    early = reported(reported(one, "2031-01", 10, 4), "2031-02", 10, 6)
    late = reported(reported(one, "2031-02", 10, 6), "2031-01", 10, 4)
    assert estimate_of(early) == estimate_of(late)
    corrected = reported(reported(early, "2031-02", 10, 9), "2031-02", 10, 6)
    assert estimate_of(corrected) == estimate_of(early)


def test_an_outlier_counts_as_three_standard_deviations_and_widens_the_error() -> None:
    """One bad number does not throw the ratio over; a second one like it counts for more."""
    one = step("a", "b", 0.5, 0.1)
    after = reported(one, "2031-03", 1000, 1)
    [lesson] = lessons(after)
    assert lesson.outlier
    before = as_typed(one)
    assert lesson.estimate.mu == pytest.approx(
        before.mu - 0.2 * FARTHEST * math.sqrt(before.variance)
    )
    assert lesson.estimate.error > before.error
    again = estimate_of(reported(after, "2031-04", 1000, 1))
    assert before.mu - lesson.estimate.mu < lesson.estimate.mu - again.mu


@given(
    st.floats(1e-9, 1e15), st.floats(0, 1e15), st.floats(1e-9, 1e9), st.floats(0, 3)
)  # fmt: skip
def test_whatever_is_reported_the_ratio_stays_a_ratio(
    went_in: float, came_out: float, ratio: float, error: float
) -> None:
    """Positive and finite, however odd the report; nothing out included."""
    one = reported(step("a", "b", ratio, error), "2031-03", went_in, came_out)
    now = estimate_of(one)
    assert 0 < now.mean < math.inf
    assert 0 <= now.variance < math.inf
    assert 0 <= arriving(1000, [one]).p90 <= MOST


@pytest.mark.parametrize(
    ("went_in", "came_out"),
    [(0, 1), (-1, 1), (math.nan, 1), (math.inf, 1), (1, -1), (1, math.nan), (1e16, 1)],
)
def test_amounts_that_are_none_are_refused(went_in: float, came_out: float) -> None:
    """By the model that keeps them, so no door lets one through."""
    with pytest.raises(ValidationError):
        reported(step("a", "b"), "2031-03", went_in, came_out)


@pytest.mark.parametrize(
    ("fields", "period", "code"),
    [
        ({"by": "kim"}, "2031-03", "not-entitled"),
        ({}, "2031-09", "period-not-over"),
        ({}, "2031-W10", "overlapping-period"),
        ({}, "2031", "period-not-over"),
    ],
)
def test_reports_that_must_not_count(fields: dict[str, Any], period: str, code: str) -> None:
    """Not its owner's, not over, or counting the same units twice."""
    one = reported(step("a", "b"), "2031-03", 10, 5)
    with pytest.raises(RefusedError) as found:
        reported(one, period, 10, 5, **fields)
    assert found.value.code == code


def test_a_fixed_rate_takes_no_reports() -> None:
    """Weight 0 says that nothing is to be learned."""
    with pytest.raises(RefusedError, match="weight 0"):
        reported(step("a", "b", weight=0), "2031-03", 10, 5)


def test_typing_the_same_again_keeps_what_was_learned_another_ratio_does_not() -> None:
    """Files in a repository are applied again and again."""
    typed = step("a", "b", 0.5)
    learned = reported(typed, "2031-03", 10, 6)
    assert carried_over(typed, learned) == learned
    renamed = typed.model_copy(update={"title": "Another"})
    assert carried_over(renamed, learned).actuals == learned.actuals
    assert carried_over(step("a", "b", 0.7), learned).actuals == {}


def test_a_conversion_to_itself_is_none() -> None:
    """Nor one without a ratio."""
    for wrong in ({"to": "a"}, {"ratio": 0}, {"ratio": math.nan}, {"error": -1}, {"weight": 1}):
        with pytest.raises(ValidationError):
            step("a", **{"to": "b", **wrong})
