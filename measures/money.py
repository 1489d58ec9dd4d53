"""Sums over the lines of a plan, a forecast or the actuals (product.md formulas 5 to 7)."""

from collections.abc import Mapping

COST = "cost"
"""The line that is spent; every other line is benefit."""


def benefit_of(lines: Mapping[str, float | int]) -> float | int:
    """Returns the sum of every line that is not cost."""
    return sum(amount for line, amount in lines.items() if line != COST)


def cost_of(lines: Mapping[str, float | int]) -> float | int:
    """Returns what is spent."""
    return lines.get(COST, 0)
