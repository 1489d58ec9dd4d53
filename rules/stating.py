"""Which of the periods that an offer rests on must be stated, and the command that does it.

A rule's author writes the command for one period. An offer may rest on several, and a gate stays
shut until each of them is large and fresh enough: the command names all of those.
"""

import dataclasses
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from measures.facts import Fact, OfferFact
from measures.facts.capacity import Statement
from measures.statements import amount_for
from rules.edits import Edit, Fields, restated
from rules.wording import in_words, plain


class Stated(NamedTuple):
    """A period, with what is to be stated for it.

    Attributes:
        statement: what it says now.
        amount: what it is to say; the same as now where it is only too old.
    """

    statement: Statement
    amount: float | int

    @property
    def more(self) -> float | int:
        """By how much it is raised; 0 when it is only stated anew."""
        return self.amount - self.statement.capacity


def to_state(
    offer: OfferFact, available: float | None, accepted: datetime | None
) -> tuple[Stated, ...]:
    """Returns what must be stated so that an offer comes to an amount and is fresh.

    Args:
        offer: what is free now.
        available: what shall be free; None when what is free will do.
        accepted: what was stated before is too old; None when nothing is.
    """
    wanted = (
        Stated(one, one.capacity if available is None else amount_for(one, available))
        for one in offer.rests_on
    )
    return tuple(
        one
        for one in wanted
        if one.more > 0 or (accepted is not None and one.statement.at < accepted)
    )


def command_to_state(command: str, offer: OfferFact, stated: Sequence[Stated]) -> str | None:
    """Returns the author's command with every period that must be stated.

    Returns:
        None when nothing must be, or the command does something else.
    """
    if not stated or not command.startswith(f"sluice capacity {offer.pool} "):
        return command
    periods = " ".join(
        f"--period {one.statement.period} --amount {plain(one.amount)}" for one in stated
    )
    return f"sluice capacity {offer.pool} {periods} --as {offer.owner}"


def in_words_to_state(offer: OfferFact, stated: Sequence[Stated]) -> str:
    """Says what the command does: ``raise the capacity of kyc in 2031-03 by 2,000 to 13,000``."""
    raised = ", and in ".join(
        f"{one.statement.period} by {in_words(one.more)} to {in_words(one.amount)}"
        for one in stated
        if one.more > 0
    )
    anew = ", ".join(one.statement.period for one in stated if one.more <= 0)
    return f"raise the capacity of {offer.pool} in {raised}" + (
        f", and state it for {anew} anew" if anew else ""
    )


def stating(
    edit: Edit,
    offer: OfferFact,
    stated: Sequence[Stated],
    facts: Sequence[Fact],
    places: Collection[int],
    accepted: datetime | None,
) -> Edit:
    """Returns an edit of an offer with the other offers that the same statements bring about.

    Args:
        edit: what it does to the offer itself.
        offer, stated, accepted: as for `to_state`.
        facts: all facts.
        places: of those that are still there.
    """
    amounts = {one.statement.period: one.amount for one in stated}

    def is_served(one: Statement) -> bool:
        if one.period in amounts:
            return amounts[one.period] >= one.enough
        return one.enough <= one.capacity and (accepted is None or one.at >= accepted)

    also: list[tuple[int, Fields]] = list(edit.also)
    for place in places:
        other = facts[place]
        if (
            isinstance(other, OfferFact)
            and place != edit.place
            and other.pool == offer.pool
            and any(one.period in amounts for one in other.rests_on)
            and all(map(is_served, other.rests_on))
        ):
            lacked = any(one.enough > one.capacity for one in other.rests_on)
            free = min(one.left for one in other.rests_on)
            also.append((place, restated(other, "available", free) if lacked else ()))
    told = (("pool", offer.pool), *sorted(amounts.items()))
    return dataclasses.replace(edit, also=tuple(also), states=told)
