"""Campaigns in Tryton: scenarios of marketing automation, which really stop."""

from typing import ClassVar

from connectors.campaigns import WholeCampaigns
from connectors.contract import ProofLevel
from connectors.failures import NotFound, Rejected
from connectors.http import HttpDoor
from connectors.tryton.settings import KINDS
from connectors.tryton.wire import packed
from connectors.understanding import understanding

_SCENARIO = KINDS["campaign"].model


class Scenarios(WholeCampaigns):
    """The campaigns of one database, each by its name.

    Args:
        http: the way there.
    """

    level: ClassVar[ProofLevel] = "enforced"
    refusal: ClassVar[str] = "Tryton runs campaign {ref} whole or not at all; it stays stopped"

    def __init__(self, http: HttpDoor) -> None:
        self._http = http

    async def _stop(self, ref: str) -> None:
        number, state = await self._scenario(ref)
        # One that never ran is held as it is.
        if state == "running":
            await self._http.send("POST", f"{_SCENARIO}/{number}/stop", json={})

    async def _start(self, ref: str) -> None:
        number, state = await self._scenario(ref)
        # A stopped scenario cannot be run; made a draft again, it can.
        actions = {"running": (), "stopped": ("draft", "run")}.get(state, ("run",))
        for action in actions:
            await self._http.send("POST", f"{_SCENARIO}/{number}/{action}", json={})

    async def _runs(self, ref: str) -> bool:
        _, state = await self._scenario(ref)
        return state == "running"

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
