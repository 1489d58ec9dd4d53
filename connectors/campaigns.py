"""Campaigns of systems that run each of them whole or not at all."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import ClassVar

from connectors.contract import ProofLevel
from connectors.failures import NotFound, Unsupported
from connectors.http import HttpConnector
from measures.launch import Sighting


class WholeCampaigns(ABC):
    """What such systems share: only a whole campaign is let run, and what is shown counts.

    Attributes:
        level: what a hold is worth there.
        refusal: what is said of campaign `{ref}` when only a part of it may run: what the system
            does with campaigns instead, and how this one stays.
    """

    level: ClassVar[ProofLevel]
    refusal: ClassVar[str]

    async def hold(self, ref: str) -> Sighting:
        """Stops a campaign and reads back what it shows."""
        await self._stop(ref)
        return await self._sighting(ref)

    async def release(self, ref: str, share: float) -> Sighting:
        """Lets a whole campaign run and reads back what it shows.

        Raises:
            Unsupported: only a part may run; it is stopped.
        """
        if share < 1:
            await self.hold(ref)
            msg = f"{self.refusal.format(ref=ref)} while only {share:.0%} of it may run"
            raise Unsupported(msg)
        await self._start(ref)
        return await self._sighting(ref)

    async def look(self, ref: str) -> Sighting | None:
        """Returns whether a campaign runs; None when there is none of that name."""
        try:
            return await self._sighting(ref)
        except NotFound:
            return None

    async def _sighting(self, ref: str) -> Sighting:
        runs = await self._runs(ref)
        return Sighting(
            ref=ref,
            state="released" if runs else "held",
            share=float(runs),
            level=self.level,
            read_at=datetime.now(UTC),
        )

    @abstractmethod
    async def _stop(self, ref: str) -> None:
        """Stops a campaign that runs; one that does not stays as it is."""

    @abstractmethod
    async def _start(self, ref: str) -> None:
        """Lets a campaign run that does not."""

    @abstractmethod
    async def _runs(self, ref: str) -> bool:
        """Tells whether the system shows a campaign as running.

        Raises:
            NotFound: there is none of that name.
        """


class WholeCampaignConnector(HttpConnector):
    """A connection to such a system; it sets `_campaigns`.

    No keys are needed: to stop what is stopped, or start what runs, changes nothing.
    """

    _campaigns: WholeCampaigns

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign, or marks it as stopped where whoever sends must heed that."""
        return await self._campaigns.hold(ref)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a campaign run; one of which only a part may run is stopped.

        Raises:
            Unsupported: only a part may run.
        """
        return await self._campaigns.release(ref, share)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Stops a campaign of which only a part may run, see `release`."""
        return await self._campaigns.release(ref, share)

    async def look(self, ref: str) -> Sighting | None:
        """Returns whether a campaign runs; None when there is none of that name."""
        return await self._campaigns.look(ref)
