"""What every connector offers to the engine: to hold a campaign, to release it, to show it."""

from typing import Literal, Protocol

from measures.model import Moment, Stored

CampaignState = Literal["held", "released"]


class HoldProof(Stored):
    """What a system shows of a campaign after it was told.

    Attributes:
        state: as read back from the system, never as hoped.
        level: ``enforced`` when the system really stops it, ``advisory`` when it is a label.
        read_at: when it was read back.
    """

    ref: str
    state: CampaignState
    level: Literal["enforced", "advisory"]
    read_at: Moment


class Connector(Protocol):
    """One connected system."""

    async def hold(self, ref: str, *, key: str) -> HoldProof:
        """Stops a campaign. The same key again changes nothing."""

    async def release(self, ref: str, *, key: str) -> HoldProof:
        """Lets a campaign run. The same key again changes nothing."""

    async def show(self, ref: str) -> HoldProof | None:
        """Returns what the system shows of a campaign; None when it knows none of that name."""
