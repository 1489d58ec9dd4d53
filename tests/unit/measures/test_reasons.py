"""What counts as a reason."""

import pytest

from measures.errors import RefusedError
from measures.reasons import refuse_blank


@pytest.mark.parametrize("reason", [" ", " \t ", "\u00a0", "\u2003"])
def test_blanks_are_no_reason(reason: str) -> None:
    """With what it is about and what to do instead."""
    with pytest.raises(RefusedError, match=r"measure spring: .*--reason TEXT") as found:
        refuse_blank(reason, "measure spring")
    assert found.value.code == "no-reason"


@pytest.mark.parametrize("reason", ["x", " budget ", "", None])
def test_words_are_and_so_is_none_at_all(reason: str | None) -> None:
    """Whether one is needed at all is for each request to say."""
    refuse_blank(reason, "measure spring")
