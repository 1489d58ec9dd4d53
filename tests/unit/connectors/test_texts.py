"""What a system cannot take whole is cut where everybody sees it."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.texts import CUT, cut


@given(text=st.text(max_size=300), end=st.text(max_size=40), limit=st.integers(120, 300))
def test_a_text_fits_and_keeps_its_end(text: str, end: str, limit: int) -> None:
    """Whole where it fits; otherwise as much as fits, with the mark."""
    shown = cut(text, limit, end=end)
    assert len(shown) <= limit
    assert shown.endswith(end)
    if len(text) + len(end) <= limit:
        assert shown == text + end
    else:
        assert len(shown) == limit
        assert CUT in shown
        assert text.startswith(shown[: limit - len(CUT) - len(end)])
