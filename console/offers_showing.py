"""What the pools can offer instead of a bare no, as people and programs read it."""

from rich.console import Console

from measures.model import Stored
from measures.offering import PlanOffer


class Left(Stored):
    """What would still hold the gate after an offer is taken.

    Attributes:
        rule: the rule's id.
        answer: block or inconclusive.
        message: what is missing, in words.
    """

    rule: str
    answer: str
    message: str


class TriedOffer(PlanOffer):
    """An offer, how to take it, and what the gate's rules say of it.

    Attributes:
        command: what takes it; empty while the plan is frozen.
        tried: whether the rules could be asked.
        left: what would still hold the gate, sign-offs that the change makes void among it.
    """

    command: str = ""
    tried: bool = False
    left: tuple[Left, ...] = ()


class Offers(Stored):
    """What can be said to a measure whose demands are not covered.

    Attributes:
        offers: the ways in which the pools can carry its plan.
        nothing_later: why there is no day for all of it, in words; empty where there is one.
        frozen: what has to be done before any of them can be taken; empty where nothing has.
    """

    offers: tuple[TriedOffer, ...] = ()
    nothing_later: str = ""
    frozen: str = ""


def print_offers(found: Offers, out: Console) -> None:
    """Prints what the pools can offer, with the command that takes each offer."""
    if not found.offers and not found.nothing_later:
        return
    out.print("\nWhat the pools can offer instead:")
    for number, offer in enumerate(found.offers, start=1):
        out.print(f"  {number}. {offer.text}", markup=False)
        if offer.command:
            out.print(f"       {offer.command}", markup=False)
        if offer.tried:
            out.print(f"       {_then(offer)}", markup=False)
    if found.nothing_later:
        lead = "  but " if found.offers else "  nothing: "
        out.print(lead + found.nothing_later, markup=False)
    if found.frozen and found.offers:
        out.print(f"  The plan is frozen; to take one, first: {found.frozen}", markup=False)


def _then(offer: TriedOffer) -> str:
    if not offer.left:
        return "then the gate opens"
    rules = dict[str, str]()
    for one in offer.left:
        rules.setdefault(one.rule, one.message)
    return "then still missing: " + "; ".join(f"{rule}: {why}" for rule, why in rules.items())


__all__ = ["Left", "Offers", "TriedOffer", "print_offers"]
