"""The commands of every proposal are run on the measure as they are printed, and the gate opens."""

import json
import shlex
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest

from measures.assessment import assess
from measures.confirming import confirm
from measures.conversion import Conversion
from measures.documents import Pool
from measures.errors import RefusedError
from measures.facts import Fact
from measures.gathering import gather
from measures.lifecycle import DOI
from measures.model import restore
from measures.pool import Capacity, PoolState
from measures.requests import SurgeReport
from measures.signers import signers_of
from measures.supposing import supposing
from measures.surroundings import Surroundings
from measures.verdict import Verdict
from rules.judge import Judge
from rules.loader import packs_in_force
from tests.unit.measures.conftest import NOW, Life, people

CLICKS_TO_CHECKS = restore(
    Conversion,
    {"id": "clicks", "title": "Clicks", "from": "clicks", "to": "checks", "ratio": 0.05,
     "error": 0.2, "owner": "olga"},
)  # fmt: skip


class World:
    """A measure before the gate `decided`, and the pool that it asks."""

    def __init__(
        self,
        *,
        free: int = 11000,
        normal: float | None = None,
        days: dict[str, int] | None = None,
        **fields: Any,
    ) -> None:
        known = people().model_copy(update={"conversions": {"clicks": CLICKS_TO_CHECKS}})
        self.life = Life(known, **fields)
        self.life.reach("detailed")
        self.pool = PoolState(
            pool=Pool(
                id="kyc",
                title="KYC",
                unit="checks",
                owner="kim",
                normal={} if normal is None else {"month": normal},
            ),
            capacity={
                period: Capacity(amount=amount, at=NOW, by="kim")
                for period, amount in {"2031-03": free, **(days or {})}.items()
            },
        )

    @property
    def _around(self) -> Surroundings:
        return Surroundings({"kyc": self.pool}, {})

    def facts(self) -> list[Fact]:
        """What is known now."""
        assert self.life.state is not None
        around = self._around
        return gather(self.life.state, NOW, around.pools, around.others, self.life.directory)

    async def judged(self, judge: Judge) -> Verdict:
        """The answer of the gate, as the court asks for it."""
        state, directory = self.life.state, self.life.directory
        assert state is not None
        return await judge.judge(
            gate="decided", facts=self.facts(), now=NOW, lifecycle=DOI,
            signers=signers_of(state, "decided", directory, NOW),
            suppose=supposing(state, NOW, self._around, directory),
        )  # fmt: skip

    def run(self, command: str) -> None:
        """Does what a printed command says."""
        sluice, verb, name, *rest = shlex.split(command)
        assert sluice == "sluice"
        options = list(_options(rest))
        said = dict(options)
        if verb == "amend":
            pairs = (value.split("=", 1) for option, value in options if option == "set")
            self.life.amend(said["as"], **{path: _value(text) for path, text in pairs})
        elif verb == "sign":
            self.life.sign(said["as"], said["gate"], said["role"])
        elif verb == "confirm":
            state, directory = self.life.state, self.life.directory
            assert state is not None
            surge = assess(state, self._around.pools, directory).surge
            ask = SurgeReport(pool=said["pool"], period=said["period"])
            self.life.take(
                confirm(state, ask, surge, directory, by=said["as"], at=NOW, command=command)
            )
        else:
            assert (verb, name) == ("capacity", "kyc")
            stated = Capacity(amount=float(said["amount"]), at=NOW, by="kim")
            capacity = {**self.pool.capacity, said["period"]: stated}
            self.pool = self.pool.model_copy(update={"capacity": capacity})


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    for option, value in zip(words[::2], words[1::2], strict=True):
        yield option.removeprefix("--"), value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


LEADS = [{"item": "web site", "days": 1600}, {"item": "photos v1.2", "days": 1590}]
LONG = {"connector": "memory", "ref": "C", "launch_on": "2031-02-26", "ends_on": "2039-03-31"}
SHORT = {**LONG, "ends_on": "2031-03-31"}
CLICKS = [{"pool": "kyc", "period": "2031-03", "amount": 250000, "unit": "clicks"}]
DEMAND = [{"pool": "kyc", "period": "2031-03", "amount": 13000}]
DAY = [{"pool": "kyc", "period": "2031-03-05", "amount": 500}]


@pytest.mark.parametrize(
    ("fields", "proposals"),
    [
        ({"lead_times": LEADS, "campaign": LONG}, 1),
        ({"lead_times": LEADS, "campaign": SHORT}, 1),
        ({"lead_times": [{"item": "web site", "days": 3000}], "campaign": SHORT}, 1),
        ({"lead_times": LEADS, "campaign": SHORT, "demands": DEMAND}, 2),
        ({"demands": DEMAND}, 2),
        ({"demands": DEMAND, "promises": [{"id": "fast", "text": "Fast"}]}, 2),
        ({"demands": DEMAND, "free": 20000, "days": {"2031-03-05": 100}}, 2),
        ({"demands": DAY, "free": 100}, 2),
        ({"demands": CLICKS}, 2),
        ({"demands": DEMAND, "free": 20000, "normal": 10000}, 2),
        ({"demands": CLICKS, "free": 20000, "normal": 10000}, 2),
        ({"demands": DEMAND, "free": 10500, "normal": 9000}, 3),
    ],
)
@pytest.mark.parametrize("signed", [(), ("sam", "tom", "uma")])
async def test_every_proposal_opens_the_gate_and_no_part_of_it_does(
    fields: dict[str, Any], proposals: int, signed: tuple[str, ...]
) -> None:
    """As printed, command by command."""
    start: dict[str, Any] = {"lead_times": [], **fields}
    async with Judge(packs_in_force({})) as judge:

        def world() -> World:
            fresh = World(**start)
            for name in signed:
                fresh.life.sign(name, "decided", "sponsor" if name == "sam" else "committee")
            return fresh

        verdict = await world().judged(judge)
        assert len(verdict.unblock) == proposals
        for one in verdict.unblock:
            commands = [change.command.replace("PERSON", "kim") for change in one.changes]
            assert not any(word in " ".join(commands) for word in ("FIELD", "VALUE"))
            # Who signs does so last: an amendment voids what was signed.
            commands.sort(key=lambda command: command.startswith("sluice sign"))
            for left_out in (None, *commands):
                tried = world()
                # Without the amendment there is nothing to sign anew.
                may_fail = suppress(RefusedError) if left_out else nullcontext()
                for command in commands:
                    if command != left_out:
                        with may_fail:
                            tried.run(command)
                assert (await tried.judged(judge)).passed is (left_out is None), left_out


async def test_what_would_be_refused_is_not_proposed() -> None:
    """Nothing free and others hold more than there is: no demand can be lowered below zero."""
    world = World(free=-5, demands=DEMAND)
    async with Judge(packs_in_force({})) as judge:
        verdict = await world.judged(judge)
    assert verdict.unblock
    assert not any("amend" in change.command for one in verdict.unblock for change in one.changes)
