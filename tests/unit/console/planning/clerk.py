"""A clerk who decides as a worker does, so that there is a past to plan on."""

import random
from datetime import datetime, timedelta

from bench import portfolio
from ledger.store import Ledger
from measures.entry import Draft, pool_stream
from measures.facts import Fact
from measures.judging import judged, only_with_controller
from measures.lifecycle import LAUNCH
from measures.permitting import launch_judged
from measures.state import MeasureState
from rules.judge import Judge

NOW = datetime.fromisoformat("2031-01-12T09:00:00Z")


class Clerk:
    """Decides as a worker does, at the moments that the test says."""

    def __init__(self, ledger: Ledger, judge: Judge, chance: random.Random) -> None:
        self.ledger = ledger
        self.judge = judge
        self.chance = chance
        self.now = NOW
        self.seen: dict[int, tuple[MeasureState, list[Fact]]] = {}
        self.pools = dict.fromkeys(portfolio.POOLS, 1)

    async def live(self, requests: int) -> None:
        """Has measures ask for their gates while capacity comes and goes."""
        for _ in range(requests):
            self.now += timedelta(minutes=self.chance.randint(1, 90))
            if self.chance.random() < 0.3:
                self.report()
            await self.decide(f"m-{self.chance.randrange(40):05}")

    def report(self) -> None:
        """Reports the capacity of a pool."""
        pool = self.chance.choice(portfolio.POOLS)
        self.pools[pool] += 1
        amount = self.chance.choice([0, 50, 500])
        draft = Draft(
            stream=pool_stream(pool),
            number=self.pools[pool],
            kind="capacity_reported",
            at=self.now,
            by="kim",
            command=f"{pool}-{self.pools[pool]}",
            body={"period": portfolio.PERIOD, "amount": amount},
        )
        self.ledger.append([draft])

    async def decide(self, name: str) -> None:
        """Decides one request; somebody may report capacity between looking and recording."""
        state, directory = self.ledger.measure(name), self.ledger.directory()
        assert state is not None
        if state.ended:
            return
        facts = self.ledger.facts(state, directory, self.now)
        gate = self.chance.choice(state.gates_ahead)
        verdict = await self.judge.judge(
            gate=gate, facts=facts, now=self.now, lifecycle=state.lifecycle
        )
        verdict = only_with_controller(state, verdict)
        for _ in range(self.chance.choice([0, 0, 1, 3])):
            self.report()
        command = f"{name}-{self.now.isoformat()}"
        if gate == LAUNCH:
            drafts = launch_judged(state, verdict, by="olga", command=command)
        else:
            drafts = judged(state, verdict, directory, held=None, by="olga", command=command)
        recorded = self.ledger.append(drafts)
        self.seen[recorded[0].position] = (state, facts)
