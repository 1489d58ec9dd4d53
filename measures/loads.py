"""What is recorded of a plan's load on pools: needs, whom they touch, who has confirmed it."""

from measures.model import Moment, Stored


class Need(Stored):
    """One demand in its pool's unit.

    Attributes:
        amount: how much in the pool's unit: the P90 of what arrives, where it was converted; None
            when that cannot be known.
        unit: the pool's unit; empty when the pool is not there.
        stated, stated_unit: what the plan says.
        mean: what arrives on average.
        chain: the versions of the conversions that it came through; empty when the plan speaks
            in the pool's unit.
        why: why the amount cannot be known.
    """

    pool: str
    period: str
    amount: float | int | None
    unit: str
    stated: float | int
    stated_unit: str
    mean: float | int | None = None
    chain: tuple[str, ...] = ()
    why: str = ""

    @property
    def name(self) -> str:
        """How plans and messages call it, e.g. ``kyc/2031-03``."""
        return f"{self.pool}/{self.period}"

    @property
    def converted(self) -> bool:
        """Tells whether it was stated in another unit than the pool's."""
        return self.stated_unit != self.unit


class Confirmation(Stored):
    """That somebody whom a surge touches can take it, or cannot, bound to the amount they saw.

    Attributes:
        team: the team that it speaks for; empty when it speaks for the pool itself.
        on_behalf_of: whose right it was: their own, or of the one who delegated.
        needed: what the measure needed then, in the pool's unit.
        declined: why they cannot take it; empty when they can.
    """

    pool: str
    period: str
    team: str = ""
    by: str
    on_behalf_of: str
    needed: float | int
    at: Moment
    declined: str = ""


class Touched(Stored):
    """A pool, or a team of it, that a surge touches in a period.

    Attributes:
        team: the team; empty for the pool itself.
        person: who must confirm: the team's lead, or the pool's owner.
        own: whether that is the measure's owner, who cannot confirm their own surge.
        instead: who can in their place: everybody else in operations.
        needed: what arrives, in the pool's unit; the P90 where it was converted.
        normal: what is normal in that period.
        limit: from more than this on it is a surge.
        takes: what the pool has free for the measure, or what the team can take; None when nobody
            has said.
        cadence: how often they report; empty when nothing is agreed.
        chain: the conversions through which it arrives; empty when the plan speaks in that unit.
        confirmed_by: who has confirmed this amount or more; empty until then.
        saw: the largest amount that was confirmed; None before any was.
        declined_by: who has said last that it cannot be taken; empty when nobody has.
        declined: why.
    """

    pool: str
    period: str
    team: str = ""
    title: str
    person: str
    unit: str
    needed: float | int
    normal: float | int
    limit: float | int
    takes: float | int | None = None
    cadence: str = ""
    chain: tuple[str, ...] = ()
    confirmed_by: str = ""
    saw: float | int | None = None
    declined_by: str = ""
    declined: str = ""
    own: bool = False
    instead: tuple[str, ...] = ()

    @property
    def confirmers(self) -> tuple[str, ...]:
        """Who can confirm, delegates aside."""
        return self.instead if self.own else (self.person,)

    @property
    def above(self) -> float:
        """By which share of the normal load it lies above it; the whole amount where none is."""
        over = self.needed - self.normal
        return round(over / self.normal, 4) if self.normal else float(over)
