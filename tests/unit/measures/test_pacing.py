"""All workers together send no more than a system allows."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from measures.pacing import draw

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


@given(
    st.floats(0.01, 1000),
    st.lists(st.floats(0, 10), min_size=1, max_size=60),
)
def test_no_stretch_of_time_sees_more_than_the_rate_and_one_draw(
    a_second: float, gaps: list[float]
) -> None:
    """Whoever draws, and whenever."""
    at, spent_until, sent = NOW, None, []
    for gap in gaps:
        at += timedelta(seconds=gap)
        drawn = draw(spent_until, at, a_second)
        assert drawn.since >= at
        assert drawn.calls >= 1
        spent_until = drawn.spent_until
        sent.append((drawn.since, drawn.calls))
    burst = max(calls for _, calls in sent)
    for first, (begins, _) in enumerate(sent):
        for last in range(first, len(sent)):
            stretch = (sent[last][0] - begins).total_seconds()
            calls = sum(many for _, many in sent[first : last + 1])
            assert calls <= burst + stretch * a_second * (1 + 1e-6) + 1e-3


def test_what_was_not_used_is_not_saved_up() -> None:
    """After an hour of silence one draw is free, the next waits for its time."""
    first = draw(NOW - timedelta(hours=1), NOW, 5)
    assert (first.calls, first.since) == (1, NOW)
    assert draw(first.spent_until, NOW, 5).since == NOW + timedelta(seconds=0.2)


def test_a_fast_system_costs_few_draws() -> None:
    """And a slow one waits long."""
    assert draw(None, NOW, 1000).calls == 200
    assert draw(None, NOW, 0.1).spent_until == NOW + timedelta(seconds=10)
