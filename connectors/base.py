"""What every connector offers to the engine: to hold a campaign, to release it, to show it.

Each call answers with a `Sighting`: what was read back from the system after the call, with how
much it is worth. ``enforced``: the system itself stops the campaign. ``advisory``: it bears a
label that somebody may overlook; such a hold is never shown as enforced.
"""

from typing import Protocol

from measures.launch import Sighting


class Connector(Protocol):
    """One connected system.

    Any call may raise when the system does not answer; it is asked again until it does.
    """

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign. The same key again changes nothing."""

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a share of a campaign, above 0 to 1, run. The same key again changes nothing."""

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Changes the share of a campaign that runs, without stopping it in between."""

    async def look(self, ref: str) -> Sighting | None:
        """Returns what the system shows of a campaign; None when it knows none of that name."""
