"""Holding and releasing campaigns as a manifest says, proved by what the system shows."""

from datetime import UTC, datetime
from typing import Any

from connectors.failures import NotFound, Rejected, RetryLater, Unsupported
from connectors.rest.asking import Writing
from connectors.rest.manifest import Campaigns
from connectors.rest.reading import at, name_at, text_at
from connectors.rest.speaking import Speaking
from connectors.understanding import understanding
from measures.launch import CampaignState, Sighting


class CampaignDesk:
    """The campaigns of one connection.

    Args:
        rules: what the manifest says of them.
        speaking: how requests are made.
    """

    def __init__(self, rules: Campaigns, speaking: Speaking) -> None:
        self._rules = rules
        self._speaking = speaking

    async def look(self, ref: str) -> Sighting | None:
        """Returns what the system shows of a campaign; None when it knows none of that name."""
        try:
            return self._sighting(ref, await self._row(ref))
        except NotFound:
            return None

    async def hold(self, ref: str, key: str) -> Sighting:
        """Stops a campaign that does not show stopped, and reads it back."""
        row = await self._row(ref)
        if self._sighting(ref, row).state == "held":
            return self._sighting(ref, row)
        await self._write(self._rules.hold, ref, row, key, 0.0)
        return self._proved(ref, await self._row(ref), "held", 0.0)

    async def release(self, ref: str, share: float, key: str) -> Sighting:
        """Lets a share of a campaign run, and reads it back.

        Raises:
            Unsupported: only a part may run, and the system runs all or nothing.
        """
        if share < 1 and not self._rules.knows_shares:
            await self.hold(ref, key)
            msg = (
                f"{self._speaking.system} runs campaign {ref} whole or not at all; it stays"
                f" stopped while only {share:.0%} of it may run"
            )
            raise Unsupported(msg)
        row = await self._row(ref)
        seen = self._sighting(ref, row)
        if seen.state == "released" and abs(seen.share - share) < 1e-6:
            return seen
        runs = seen.state == "released" and self._rules.throttle is not None
        writing = self._rules.throttle if runs and self._rules.throttle else self._rules.release
        await self._write(writing, ref, row, key, share)
        return self._proved(ref, await self._row(ref), "released", share)

    async def _row(self, ref: str) -> Any:
        """Returns the row of the campaign of a name.

        Raises:
            NotFound: there is none.
            Rejected: there are several.
        """
        row = await self._speaking.show(self._rules.look, {"ref": ref})
        rows = row if isinstance(row, list) else [row]
        if not rows:
            msg = f"{self._speaking.system} has no campaign {ref!r}"
            raise NotFound(msg)
        if len(rows) > 1:
            msg = f"{self._speaking.system} has several campaigns {ref!r}; give them other names"
            raise Rejected(msg)
        return rows[0]

    async def _write(self, writing: Writing, ref: str, row: Any, key: str, share: float) -> None:
        with understanding(self._speaking.system, f"campaign {ref}"):
            name = name_at(self._rules.id, row) if self._rules.id else ref
        told = round(share * self._rules.whole, 6)
        whole = int(told) if told.is_integer() else told
        await self._speaking.send(writing, {"ref": ref, "id": name, "key": key, "share": whole})

    def _proved(self, ref: str, row: Any, state: CampaignState, share: float) -> Sighting:
        """Returns what is shown, if it is what was asked for.

        Raises:
            RetryLater: it is not.
        """
        seen = self._sighting(ref, row)
        if seen.state != state or abs(seen.share - share) > 1e-6:
            msg = (
                f"{self._speaking.system} shows campaign {ref} as {seen.state} at {seen.share:.0%}"
                f" after it was told to be {state} at {share:.0%}"
            )
            raise RetryLater(msg)
        return seen

    def _sighting(self, ref: str, row: Any) -> Sighting:
        rules = self._rules
        with understanding(self._speaking.system, f"campaign {ref}"):
            shown = text_at(rules.state, row)
            if shown not in (*rules.held, *rules.released):
                known = ", ".join((*rules.held, *rules.released))
                msg = f"its state {shown!r} is none of those that the manifest names: {known}"
                raise ValueError(msg)
            runs = shown in rules.released
            part = float(at(rules.share, row)) / rules.whole if rules.share else 1.0
            return Sighting(
                ref=ref,
                state="released" if runs and part > 0 else "held",
                share=part if runs else 0.0,
                level=rules.level,
                read_at=datetime.now(UTC),
            )
