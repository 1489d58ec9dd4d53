"""Chains of conversions: from the unit a demand is stated in to the unit of a pool.

Between two units there is at most one way and no circle, so what an amount comes to is never a
matter of which way was taken. `measures.conversion` has the formulas.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from measures.conversion import Conversion, Estimate, estimate_of
from measures.entry import document_stream
from measures.errors import RefusedError

MOST = 1e15
"""More than any pool states; what would be beyond it is held at it."""

CONVERSIONS = document_stream("Conversion", "*")
"""What a waiting measure watches whose demands are converted: any conversion."""


class Arrival(NamedTuple):
    """What arrives at the end of a chain, in the last unit.

    Attributes:
        chain: the versions of the conversions in between, first to last.
    """

    mean: float
    p90: float
    chain: tuple[str, ...]


class NoChainError(RefusedError):
    """A unit cannot be turned into another: ``no-conversion`` or ``ambiguous-conversion``."""


def arriving(amount: float, chain: Iterable[Conversion]) -> Arrival:
    """Returns what comes of an amount at the end of a chain of conversions.

    The P90 is rounded up, so that rounding never hides a need: to a whole number from 100 on, to
    hundredths below.
    """
    steps = tuple(chain)
    estimates = [estimate_of(step) for step in steps]
    whole = Estimate(sum(one.mu for one in estimates), sum(one.variance for one in estimates))
    try:
        mean, p90 = amount * whole.mean, amount * whole.p90
    except OverflowError:
        mean = p90 = MOST if amount else 0.0
    return Arrival(
        min(round(mean, 2), MOST), rounded_up(min(p90, MOST)), tuple(step.version for step in steps)
    )


def rounded_up(amount: float) -> float | int:
    """Rounds an amount up: to a whole number from 100 on, to hundredths below."""
    if amount >= 100:
        return math.ceil(amount - 1e-9)
    return math.ceil(amount * 100 - 1e-9) / 100


def chain(conversions: Mapping[str, Conversion], start: str, end: str) -> tuple[Conversion, ...]:
    """Returns the one way from a unit to another.

    Raises:
        NoChainError: there is none, or more than one.
    """
    found = list(_ways(conversions, start, end))
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoChainError(
            "no-conversion",
            f"no conversion leads from {start} to {end}; {_leads(conversions, start)}."
            f" Apply one: kind: Conversion, from: {start}, to: {end}, ratio, error, owner",
        )
    ways = " and ".join(" > ".join(step.id for step in way) for way in found[:2])
    raise NoChainError(
        "ambiguous-conversion",
        f"there is more than one way from {start} to {end}: {ways}; give the units of one way other"
        " names, such as 'search clicks'",
    )


def reachable(conversions: Mapping[str, Conversion], start: str) -> set[str]:
    """Returns the units that a unit turns into, itself not among them."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        unit = ahead.pop()
        for step in conversions.values():
            if step.from_ == unit and step.to not in found:
                found.add(step.to)
                ahead.append(step.to)
    return found - {start}


def refuse_unclear(conversions: Mapping[str, Conversion], new: Conversion) -> None:
    """Refuses a conversion that closes a circle or opens a second way between two units.

    Raises:
        RefusedError: ``circular-conversion`` or ``ambiguous-conversion``.
    """
    others = {name: one for name, one in conversions.items() if name != new.id}
    if new.from_ in reachable(others, new.to):
        back = next(_ways(others, new.to, new.from_))
        raise RefusedError(
            "circular-conversion",
            f"{new.from_} > {new.to} closes a circle with {' > '.join(step.id for step in back)}",
        )
    backwards = {
        name: one.model_copy(update={"from_": one.to, "to": one.from_})
        for name, one in others.items()
    }
    after = {**others, new.id: new}
    for start in (new.from_, *sorted(reachable(backwards, new.from_))):
        for end in (new.to, *sorted(reachable(others, new.to))):
            chain(after, start, end)


def _ways(
    conversions: Mapping[str, Conversion], start: str, end: str
) -> Iterator[tuple[Conversion, ...]]:
    """Yields every way from a unit to another that meets no unit twice."""
    ahead: list[tuple[str, tuple[Conversion, ...]]] = [(start, ())]
    while ahead:
        unit, way = ahead.pop()
        for step in sorted(conversions.values(), key=lambda one: one.id):
            if step.from_ != unit or step.to == start or any(step.to == one.to for one in way):
                continue
            if step.to == end:
                yield (*way, step)
            else:
                ahead.append((step.to, (*way, step)))


def _leads(conversions: Mapping[str, Conversion], start: str) -> str:
    known = sorted(reachable(conversions, start))
    return f"{start} leads to {', '.join(known)}" if known else f"{start} leads nowhere"
