"""Links of a measure: what it waits for in another system."""

import pytest
from pydantic import ValidationError

from measures.links import Link
from measures.model import restore


@pytest.mark.parametrize("ref", [".", "..", " ", " .. "])
def test_a_link_names_an_object_and_no_path(ref: str) -> None:
    """One that no system can have would make every poll of its connection fail, for all."""
    link = {"id": "work", "connection": "desk", "object": "issue", "ref": ref}
    with pytest.raises(ValidationError, match="object's name in its system"):
        restore(Link, link)
