"""What a measure holds that the pools no longer carry, as its owner is told."""

from collections.abc import Iterable

from measures.model import Stored
from measures.pool_state import PoolState


class LostCover(Stored):
    """A reservation of a measure that a pool's capacity no longer covers in full.

    Attributes:
        pool, period: where it is held.
        held: how much is reserved, in the pool's unit.
        covered: how much of it the capacity still covers.
    """

    pool: str
    period: str
    held: float | int
    covered: float | int


def lost_cover(measure: str, pools: Iterable[PoolState]) -> tuple[LostCover, ...]:
    """Returns which of a measure's reservations are not covered, by pool and period."""
    lost = [
        LostCover(pool=pool.pool.id, period=one.period, held=one.held, covered=one.covered)
        for pool in pools
        for one in pool.overcommitted()
        if one.measure == measure
    ]
    return tuple(sorted(lost, key=lambda one: (one.pool, one.period)))
