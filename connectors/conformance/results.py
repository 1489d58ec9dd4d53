"""What an examination found, and the tier that a connector reaches by it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from connectors.conformance.subject import Subject


class Tier(IntEnum):
    """How far a connector has come; each tier includes those before it.

    Bronze reads and fails in order; silver writes without duplicates and finds every change;
    gold takes webhooks and knows its own writes; platinum holds campaigns with proof.
    """

    BRONZE = 1
    SILVER = 2
    GOLD = 3
    PLATINUM = 4


class ExemptError(Exception):
    """A check that does not apply to a connector; the words say why."""


@dataclass(frozen=True)
class Check:
    """One thing that a connector must show.

    Attributes:
        name: its name, as results and options have it.
        title: what it shows, in words.
        tier: the lowest tier that asks for it.
        examine: raises AssertionError when the connector does not, ExemptError where it need not.
    """

    name: str
    title: str
    tier: Tier
    examine: Callable[[Subject], Awaitable[None]]


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        outcome: passed, failed or exempt.
        detail: why, unless it passed.
    """

    check: Check
    outcome: Literal["passed", "failed", "exempt"]
    detail: str = ""


def tier_of(results: Sequence[Result]) -> Tier | None:
    """Returns the highest tier none of whose checks, and none below, failed.

    A tier of which every check is exempt is not reached: nothing was shown.
    """
    reached = None
    for tier in Tier:
        mine = [one for one in results if one.check.tier == tier]
        if any(one.outcome == "failed" for one in mine):
            break
        if not any(one.outcome == "passed" for one in mine):
            break
        reached = tier
    return reached


class Checks:
    """A collection of checks, filled by decorating functions."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self.all: list[Check] = []

    def __call__(self, examine: Callable[[Subject], Awaitable[None]]) -> Check:
        """Makes a check of a function; the first line of its docstring is the title."""
        title = (examine.__doc__ or "").strip().splitlines()[0].rstrip(".")
        check = Check(examine.__name__, title, self._tier, examine)
        self.all.append(check)
        return check
