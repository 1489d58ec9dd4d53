"""What would unblock a gate, as people read it."""

import io

from rich.console import Console

from console.explaining import print_ways_out
from measures.answers import Answer
from measures.people import Person
from measures.verdict import Change, Proposal

PEOPLE = {"kim": Person(id="kim", name="Kim Tanaka", roles=("operations",))}


def printed(answer: Answer) -> str:
    """What is printed, on a wide screen."""
    out = Console(file=io.StringIO(), width=200)
    print_ways_out(answer, PEOPLE, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def answer_with(*proposals: Proposal, no_remedy: tuple[str, ...] = ()) -> Answer:
    """An answer of a gate that is shut."""
    return Answer(measure="spring", accepted=True, unblock=proposals, no_remedy=no_remedy)


RAISE = Change(
    rules=("r",), fact="offer:kyc/2031-03", field="available", was=11000, to=13000, by=("kim",),
    text="raise the capacity of kyc in 2031-03 by 2,000 to 13,000", command="sluice capacity kyc",
)  # fmt: skip
SIGN = Change(
    rules=("r",), fact="signoff:decided/committee/tom", by=("tom",), instead=("uma", "vera"),
    text="approve decided as committee",
)  # fmt: skip


def test_each_set_is_numbered_with_people_and_commands() -> None:
    """One way or the other; what belongs together is joined by `and`."""
    text = printed(answer_with(Proposal(changes=(RAISE,)), Proposal(changes=(RAISE, SIGN))))
    assert text.splitlines() == [
        "",
        "What would unblock it, one of:",
        "  1. raise the capacity of kyc in 2031-03 by 2,000 to 13,000 (Kim Tanaka (kim))",
        "       sluice capacity kyc",
        "  2. raise the capacity of kyc in 2031-03 by 2,000 to 13,000 (Kim Tanaka (kim))",
        "       sluice capacity kyc",
        "     and approve decided as committee (tom, or uma or vera)",
    ]


def test_a_rule_without_remedy_is_named() -> None:
    """So that nobody waits for a way that is not there."""
    assert "decided.odd has no known remedy" in printed(answer_with(no_remedy=("decided.odd",)))


def test_what_is_stored_leaves_out_what_is_empty() -> None:
    """A verdict is kept for ever; `false` and 0 are no emptiness."""
    assert SIGN.model_dump(mode="json") == {
        "rules": ["r"], "fact": "signoff:decided/committee/tom", "by": ["tom"],
        "instead": ["uma", "vera"], "text": "approve decided as committee", "cost": 1.0,
    }  # fmt: skip
    off = RAISE.model_copy(update={"was": True, "to": False})
    assert Change.model_validate_json(off.model_dump_json(), strict=False) == off
