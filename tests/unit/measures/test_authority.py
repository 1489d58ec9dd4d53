"""Who may apply which document."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from measures.authority import refuse_unless_may_apply
from measures.directory import Directory
from measures.documents import KINDS, Document
from measures.errors import RefusedError

PERSON = {"kind": "Person", "id": "olga", "name": "Olga", "roles": ["administrator"]}
NODE = {"kind": "Node", "id": "bank", "level": "organization", "name": "Bank"}
PACK = {"kind": "RulePack", "pack": "standard", "title": "Nothing", "rules": []}
DELEGATION = {"kind": "Delegation", "from": "sam", "to": "piet", "role": "sponsor",
              "starts": "2031-01-01", "ends": "2031-12-31"}  # fmt: skip
POOL = {"kind": "Pool", "id": "kyc", "title": "Checks", "unit": "checks", "owner": "kim"}
MEASURE = {"kind": "Measure", "id": "m", "title": "M", "type": "t", "package": "p",
           "owner": "piet", "sponsor": "sam", "controller": "carla"}  # fmt: skip
TAKEN = {**POOL, "owner": "olga"}
MINE = {**MEASURE, "owner": "olga", "sponsor": "wim"}


def made(document: dict[str, Any]) -> Document:
    """A document as somebody writes it."""
    return KINDS[document["kind"]].model_validate_json(json.dumps(document))


@pytest.mark.parametrize(
    ("document", "present", "entitled"),
    [
        (PERSON, PERSON, set()),
        (NODE, None, set()),
        (PACK, None, set()),
        (DELEGATION, None, {"sam"}),
        (POOL, None, {"kim"}),
        (TAKEN, POOL, {"kim"}),
        (MEASURE, None, {"piet"}),
        (MINE, MEASURE, {"piet", "sam", "carla"}),
    ],
    ids=["person", "node", "pack", "delegation", "new-pool", "pool", "new-measure", "measure"],
)
def test_each_kind_has_its_writers(
    directory: Callable[..., Directory],
    document: dict[str, Any],
    present: dict[str, Any] | None,
    entitled: set[str],
) -> None:
    """Besides the operator and administrators; whom a document names anew has no say yet."""
    known = directory()
    before = made(present) if present else None

    def code(by: str) -> str:
        try:
            refuse_unless_may_apply(made(document), by, known, before)
        except RefusedError as error:
            return error.code
        return ""

    codes = {by: code(by) for by in ("operator", *known.people)}
    assert {by for by, code in codes.items() if not code} == {"operator", "rex"} | entitled
    assert set(codes.values()) == {"", "not-entitled"}


def test_nobody_is_not_the_operator(directory: Callable[..., Directory]) -> None:
    """Not even for what names them."""
    with pytest.raises(RefusedError) as caught:
        refuse_unless_may_apply(made({**POOL, "owner": "ghost"}), "ghost", directory())
    assert caught.value.code == "unknown-person"
