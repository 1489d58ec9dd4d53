"""What a campaign has brought so far and what that cost, and that a guardrail did not hold."""

from typing import Literal

from measures.model import Moment, Stored


class Delivery(Stored):
    """What a campaign has delivered since it was launched first.

    Attributes:
        spent: money, in the currency of the measure.
        reached: how many people it reached; None where nobody counts them.
        completed: how many onboardings were completed.
    """

    spent: float | int
    reached: float | int | None = None
    completed: float | int
    at: Moment
    by: str


class Breach(Stored):
    """That a KPI left the bounds of its guardrail and the campaign was paused.

    Attributes:
        value: what the KPI was.
        bound: which bound it left.
        limit: where that bound lies.
        spent: for an acquisition cost, the money it was made of.
        completed: and the completed onboardings.
    """

    kpi: str
    title: str
    value: float | int
    bound: Literal["at_most", "at_least"]
    limit: float | int
    baseline: float | int | None = None
    spent: float | int | None = None
    completed: float | int | None = None
    at: Moment

    @property
    def words(self) -> str:
        """What happened, in a sentence."""
        side = "above" if self.bound == "at_most" else "below"
        text = f"guardrail {self.kpi}: {self.title} is {self.value:,g}, {side} {self.limit:,g}"
        if self.baseline:
            text += f" ({self.value / self.baseline - 1:+.0%} on its baseline {self.baseline:,g})"
        if self.spent is not None:
            text += f": {self.spent:,g} spent for {self.completed:,g} completed onboardings"
        return text


def acquisition_cost(delivery: Delivery, since: Delivery | None = None) -> float:
    """Returns what a completed onboarding cost: spent / completed (product.md formula 4).

    Before the first one is completed it is what it costs at least: all that was spent.

    Args:
        delivery: what came so far.
        since: what of it came before the counting began; None counts from the beginning.
    """
    spent, completed = counted(delivery, since)
    return round(spent / max(completed, 1), 4)


def used_up(
    *, volume: float | None, budget: float | None, reached: float, spent: float
) -> tuple[Literal["volume-spent", "budget-spent"], str] | None:
    """Returns which limit of a campaign is used up, as a code and in words; None when none is.

    Args:
        volume: the most people it may reach; None without a limit, as `budget`.
        budget: the most money it may spend.
        reached: how many it has reached so far.
        spent: what it has spent so far.
    """
    if volume is not None and reached >= volume:
        return "volume-spent", f"{reached:,} of at most {volume:,} people are reached"
    # A campaign that costs nothing has spent all of its budget from the start.
    if budget is not None and (spent > budget or spent == budget > 0):
        return "budget-spent", f"{spent:,} of at most {budget:,} is spent"
    return None


def counted(delivery: Delivery, since: Delivery | None) -> tuple[float | int, float | int]:
    """Returns what was spent and completed since the counting began."""
    if since is None:
        return delivery.spent, delivery.completed
    # A correction downwards leaves nothing to count rather than less than nothing.
    return max(0, delivery.spent - since.spent), max(0, delivery.completed - since.completed)
