"""What crosses the border when a pool's live load is reported and launches are throttled.

The names of the fields are persisted in histories: never rename one.
"""

from measures.answers import Refusal
from measures.entry import Draft
from measures.model import Moment, Stored
from measures.requests import LoadInput
from measures.throttle import Action


class LoadAct(Stored):
    """One report of a pool's load, to be decided and recorded.

    Attributes:
        known: how many entries the workflow has seen.
    """

    pool: str
    known: int
    ask: LoadInput
    at: Moment
    command: str


class LaunchShare(Stored):
    """The share at which one launch is to run for the sake of a pool."""

    measure: str
    ref: str
    share: float


class LoadRecord(Stored):
    """What came of a report of a pool's load.

    Attributes:
        entries: everything recorded that the workflow has not seen, in order.
        running: the launches that draw on the pool now.
        tell: the launches to be told their share: those that run below their full share, and
            those whose share has just changed.
    """

    entries: tuple[Draft, ...] = ()
    refused: Refusal | None = None
    action: Action = "hold"
    why: str = ""
    running: tuple[LaunchShare, ...] = ()
    tell: tuple[LaunchShare, ...] = ()


class LoadAnswer(Stored):
    """What a pool answers to a report of its load.

    Attributes:
        action: what was done: ``throttle``, ``accelerate`` or ``hold``.
        why: why that was done, in words.
        utilisation: load / capacity, as of the latest report.
        shares: the share that each running launch on the pool has now, by measure.
        missed: measures whose launch could not be told, because it has not begun or has ended.
        number: how many entries the pool has.
    """

    pool: str
    accepted: bool
    refused: str = ""
    message: str = ""
    action: Action = "hold"
    why: str = ""
    utilisation: float = 0.0
    shares: dict[str, float] = {}
    missed: tuple[str, ...] = ()
    number: int = 0
