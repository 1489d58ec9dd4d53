"""Campaigns in Tryton: scenarios of marketing automation, which really stop."""

from datetime import UTC, datetime

from connectors.failures import NotFound, Rejected, Unsupported
from connectors.http import HttpDoor
from connectors.tryton.settings import KINDS
from connectors.tryton.wire import packed
from connectors.understanding import understanding
from measures.launch import Sighting

_SCENARIO = KINDS["campaign"].model


class Scenarios:
    """The campaigns of one database, each by its name.

    Args:
        http: the way there.
    """

    def __init__(self, http: HttpDoor) -> None:
        self._http = http

    async def hold(self, ref: str) -> Sighting:
        """Stops a scenario; one that never ran is held as it is."""
        number, state = await self._scenario(ref)
        if state == "running":
            await self._http.send("POST", f"{_SCENARIO}/{number}/stop", json={})
        return await self._proof(ref)

    async def release(self, ref: str, share: float) -> Sighting:
        """Runs a scenario; where only a part may run it is stopped, for it knows no parts.

        Raises:
            Unsupported: only a part may run.
        """
        if share < 1:
            await self.hold(ref)
            msg = (
                f"Tryton runs campaign {ref} whole or not at all; it stays stopped while only"
                f" {share:.0%} of it may run"
            )
            raise Unsupported(msg)
        number, state = await self._scenario(ref)
        # A stopped scenario cannot be run; made a draft again, it can.
        actions = {"running": (), "stopped": ("draft", "run")}.get(state, ("run",))
        for action in actions:
            await self._http.send("POST", f"{_SCENARIO}/{number}/{action}", json={})
        return await self._proof(ref)

    async def look(self, ref: str) -> Sighting | None:
        """Returns whether a scenario runs; None when there is none of that name."""
        try:
            return await self._proof(ref)
        except NotFound:
            return None

    async def _scenario(self, ref: str) -> tuple[int, str]:
        """Returns the number and state of the scenario of that name.

        Raises:
            NotFound: there is none.
            Rejected: there are several, and nobody can tell which is meant.
        """
        named = [("d", packed([["name", "=", ref]])), ("f", "state"), ("s", "2")]
        rows = await self._http.json("GET", _SCENARIO, params=named)
        if not rows:
            msg = f"Tryton has no campaign (scenario) named {ref!r}"
            raise NotFound(msg)
        if len(rows) > 1:
            msg = f"Tryton has several campaigns (scenarios) named {ref!r}; give them other names"
            raise Rejected(msg)
        with understanding("Tryton", f"campaign {ref}"):
            return int(rows[0]["id"]), str(rows[0]["state"])

    async def _proof(self, ref: str) -> Sighting:
        _, state = await self._scenario(ref)
        runs = state == "running"
        return Sighting(
            ref=ref,
            state="released" if runs else "held",
            share=float(runs),
            level="enforced",
            read_at=datetime.now(UTC),
        )
