"""What one judgement comes to: blockers, warnings, proposals and when to look again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from measures.facts import Fact, facts_digest
from measures.lifecycle import Lifecycle
from measures.signers import Signers
from measures.supposing import Suppose
from measures.verdict import Answer, Blocker, Proposal, Verdict, Warned
from rules.blockers import blockers_of, warnings_of
from rules.patterns import Match
from rules.plan import MEASURE, GatePlan
from rules.unblock import Search
from rules.weighing import Scene, Weighed, failing_rules

ENGINE = "engine"
"""The rule id of blockers that no rule makes."""


class Outcome:
    """What one judgement comes to, built up as it goes."""

    def __init__(self, plan: GatePlan | None, facts: Sequence[Fact], now: datetime) -> None:
        self.plan = plan
        self.facts = facts
        self.now = now
        self.blockers: list[Blocker] = []
        self.warnings: list[Warned] = []
        self.proposals: tuple[Proposal, ...] = ()
        self.no_remedy: tuple[str, ...] = ()
        self.facts_digest = ""
        self._weighed: Weighed | None = None
        day = now.astimezone(UTC).date()
        rules = plan.rules if plan else ()
        self._modes = [rule.mode_on(day) for rule in rules]
        self.enforced = "enforce" in self._modes

    @property
    def answer(self) -> Answer:
        """The verdict so far."""
        if any(blocker.answer == "block" for blocker in self.blockers):
            return "block"
        return "inconclusive" if self.blockers else "pass"

    @property
    def look_again_at(self) -> datetime | None:
        """When time alone may change the answer."""
        kinds = self.plan.kinds if self.plan else frozenset()
        moments = [
            fact.changes_at
            for fact in self.facts
            if fact.changes_at is not None and fact.changes_at > self.now and fact.kind in kinds
        ]
        # A rule that warns until a day may hold the gate, or open one that none guarded, from it.
        days = (
            rule.enforced_later_than(self.now) for rule in (self.plan.rules if self.plan else ())
        )
        moments += [day for day in days if day is not None]
        return min(moments, default=None)

    def weigh(self, kept: Sequence[Fact], found: Sequence[set[Match]]) -> None:
        """Weighs every rule on its matches."""
        assert self.plan is not None
        self._weighed = weigh_rules(self.plan, self.facts, self.now, kept, found)
        self.hear(map(blockers_of, self._weighed.findings))
        self.facts_digest = facts_digest(self.facts)

    def hear(self, said: Iterable[list[Blocker]]) -> None:
        """Takes what each rule says, in the order of the plan."""
        rules = self.plan.rules if self.plan else ()
        for rule, mode, blockers in zip(rules, self._modes, said, strict=True):
            if mode == "enforce":
                self.blockers.extend(blockers)
            else:
                self.warnings.extend(warnings_of(rule.text, blockers))

    def look_for_ways(
        self,
        lifecycle: Lifecycle,
        signers: Signers | None,
        set_aside: Callable[[Blocker], bool] | None,
        suppose: Suppose | None,
    ) -> None:
        """Looks for the changes that would open the gate, where rules hold it shut."""
        if self.plan is None or self._weighed is None:
            return
        if not self.blockers or self.blockers[0].rule == ENGINE:
            return
        enforced = [number for number, mode in enumerate(self._modes) if mode == "enforce"]
        search = Search(
            self.plan,
            enforced,
            self.facts,
            self._weighed,
            lifecycle,
            signers,
            set_aside,
            suppose,
        )
        self.proposals, self.no_remedy = search.proposals()

    def is_unguarded(self, gate: str, lifecycle: Lifecycle) -> bool:
        """Tells whether no enforced rule guards a gate that its lifecycle does not leave open."""
        return not self.enforced and gate not in lifecycle.open_gates

    def shut_if_unguarded(self, gate: str, lifecycle: Lifecycle) -> bool:
        """Closes a gate that no enforced rule guards, unless its lifecycle leaves it open."""
        if not self.is_unguarded(gate, lifecycle):
            return False
        self._engine_says("block", f"no enforced rule guards the gate {gate}, so it stays shut")
        return True

    def inconclusive(self, reason: str) -> None:
        """Replaces what was found by the trouble that makes it unreliable."""
        # What only one engine saw is not shown: it may be wrong.
        self.warnings = []
        self._engine_says("inconclusive", reason)

    def verdict(self, gate: str, pack_digest: str, versions: Mapping[str, str]) -> Verdict:
        """Returns what it came to as the answer of a gate.

        Args:
            gate: the gate that was asked for.
            pack_digest: of the set of packs that judged.
            versions: pack to digest, of those among them that guard gates of its lifecycle.
        """
        return Verdict(
            gate=gate,
            verdict=self.answer,
            blockers=tuple(self.blockers),
            warnings=tuple(self.warnings),
            unblock=self.proposals,
            no_remedy=self.no_remedy,
            pack_digest=pack_digest,
            packs=dict(versions),
            facts_digest=self.facts_digest,
            at=self.now,
            look_again_at=self.look_again_at,
        )

    def _engine_says(self, answer: Literal["block", "inconclusive"], reason: str) -> None:
        self.blockers = [Blocker(rule=ENGINE, answer=answer, message=reason, subject=ENGINE)]
        self.facts_digest = self.facts_digest or facts_digest(self.facts)


def weigh_rules(
    plan: GatePlan,
    facts: Iterable[Fact],
    now: datetime,
    kept: Sequence[Fact],
    found: Sequence[set[Match]],
) -> Weighed:
    """Weighs each rule of a gate on its matches.

    Args:
        plan: the rules.
        facts: everything known.
        now: the time of the judgement.
        kept: the facts that matches point to.
        found: the matches of each query.
    """
    scene = Scene(kept, [fact for fact in facts if fact.kind == MEASURE], now)
    failing = dict(failing_rules(plan, range(len(plan.rules)), dict(enumerate(found)), scene))
    findings = [failing.get(number, []) for number in range(len(plan.rules))]
    return Weighed(kept, found, scene, findings)
