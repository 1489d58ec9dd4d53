"""The closed forms: formulas 1 and 2, and Erlang's C."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.queueing.theory import (
    admissible_share,
    backlog_after,
    drain_periods,
    erlang_c,
    extra_capacity,
    wait_quantile,
)


def test_three_months_of_surge_take_six_months_to_clear() -> None:
    """13,000 a month against 11,000 for three months; then 10,000 come."""
    backlog = backlog_after(13_000, 11_000, 3)
    assert backlog == 6_000
    assert drain_periods(backlog, 10_000, 11_000) == 6
    assert backlog_after(10_000, 11_000, 6, before=backlog) == 0


def test_a_third_of_the_uplift_fits_and_18_percent_more_carries_it_all() -> None:
    """Formula 1 for the identity check: 10 of 30 percent fit."""
    assert admissible_share(13_000, 11_000, 10_000) == pytest.approx(1 / 3)
    assert extra_capacity(13_000, 11_000) == pytest.approx(2 / 11)


@pytest.mark.parametrize(
    ("demand", "offer", "normal", "share"),
    [
        (13, 13, 10, 1),
        (13, 20, 10, 1),
        (13, 10, 10, 0),
        (13, 5, 10, 0),
        (10, 11, 10, 1),
        (10, 9, 10, 0),
    ],
)
def test_the_admissible_share_stays_between_nothing_and_all(
    demand: float, offer: float, normal: float, share: float
) -> None:
    """Also where nothing is free, or there is no uplift at all."""
    assert admissible_share(demand, offer, normal) == share


def test_what_is_never_served_has_no_drain_time() -> None:
    """As much comes as goes, or more; nothing waits; nothing is offered."""
    assert drain_periods(1, 10, 10) is None
    assert drain_periods(1, 11, 10) is None
    assert drain_periods(0, 11, 10) == 0
    assert extra_capacity(5, 0) is None
    assert extra_capacity(0, 0) == 0


def test_erlang_c_is_what_tables_say() -> None:
    """One server: the load itself. Two servers at 75 %: 0.6428... Ten servers at 80 %: 0.4092."""
    assert list(erlang_c(0.5, 1, 1)) == pytest.approx([0.5, 1.0])
    assert erlang_c(1.5, 1, 2)[0] == pytest.approx(9 / 14)
    assert erlang_c(8, 1, 10)[0] == pytest.approx(0.4092, abs=5e-5)
    with pytest.raises(ValueError, match="cannot keep up"):
        erlang_c(2, 1, 2)


@settings(deadline=None, max_examples=50)
@given(load=st.floats(0.01, 0.99), servers=st.integers(1, 500), service=st.floats(0.01, 1e6))
def test_nobody_waits_less_at_a_higher_share(load: float, servers: int, service: float) -> None:
    """Quantiles rise, chances stay between 0 and 1, and hundreds of servers do not overflow."""
    arrivals = load * servers * service
    waits, mean = erlang_c(arrivals, service, servers)
    assert 0 <= waits <= 1
    assert mean >= 0
    quantiles = [wait_quantile(share, arrivals, service, servers) for share in (0.1, 0.5, 0.9)]
    assert quantiles == sorted(quantiles)
