"""What the pools can offer, as people read it."""

import io

from rich.console import Console

from console.offers_showing import Left, Offers, TriedOffer, print_offers


def printed(offers: Offers) -> list[str]:
    """What is printed, on a wide screen."""
    out = Console(file=io.StringIO(), width=200)
    print_offers(offers, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def offer(text: str, *left: Left, command: str = "", tried: bool = True) -> TriedOffer:
    """An offer as it was tried."""
    return TriedOffer(
        kind="later", text=text, share=0.0, demands=(), changes={}, command=command,
        tried=tried, left=left,
    )  # fmt: skip


def test_each_offer_says_how_to_take_it_and_what_is_left() -> None:
    """The same rule is told once; what could not be tried promises nothing."""
    unsigned = Left(rule="r.signed", answer="block", message="sam [b]has not[/b] signed")
    found = Offers(
        offers=(
            offer("all later", unsigned, unsigned, command="sluice amend m --set a=1"),
            offer("60 % now"),
            offer("not tried", tried=False),
        ),
        nothing_later="everything fits on no later day",
        frozen="sluice step-back m --reason ...",
    )
    assert printed(found) == [
        "",
        "What the pools can offer instead:",
        "  1. all later",
        "       sluice amend m --set a=1",
        "       then still missing: r.signed: sam [b]has not[/b] signed",
        "  2. 60 % now",
        "       then the gate opens",
        "  3. not tried",
        "  but everything fits on no later day",
        "  The plan is frozen; to take one, first: sluice step-back m --reason ...",
    ]


def test_where_nothing_is_to_be_said_nothing_is() -> None:
    """A plan that fits has no such part; one that never fits is told why."""
    assert printed(Offers()) == []
    assert printed(Offers(nothing_later="there is no pool x"))[2:] == [
        "  nothing: there is no pool x"
    ]
