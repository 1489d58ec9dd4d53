"""What would still hold a gate on facts that are only supposed, without asking the first engine.

An amendment is tried with the second matcher and the conditions that judge the gate itself, as the
search for what would unblock it does; the gate opens on the verdict of both engines only.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from measures.errors import RefusedError
from measures.facts import Fact
from measures.lifecycle import Lifecycle
from measures.supposing import Suppose
from measures.verdict import Blocker
from rules.conditions import TooLongError
from rules.edits import voidable
from rules.matcher import TooManyMatchesError, match
from rules.outcome import Outcome
from rules.plan import PackSet
from rules.schema import Pack


class Trial:
    """Tries amendments of one plan at one gate.

    Args:
        packs: what judges the measure.
        lifecycle: the measure's own.
        gate: the gate that it asks for, or will next.
        suppose: tells the facts as if the plan were amended.
        now: the time of the judgement.
    """

    def __init__(
        self,
        packs: Sequence[Pack],
        lifecycle: Lifecycle,
        gate: str,
        suppose: Suppose,
        now: datetime,
    ) -> None:
        self._plan = PackSet(packs).plans.get((lifecycle.id, gate))
        self._lifecycle = lifecycle
        self._gate = gate
        self._suppose = suppose
        self._now = now

    def left(self, changes: Mapping[str, Any]) -> tuple[Blocker, ...] | None:
        """Returns what would hold the gate once the plan were amended, sign-offs void by then.

        Args:
            changes: what would be set in the plan, path to value.

        Returns:
            None when the facts cannot be weighed within the bounds of a judgement.

        Raises:
            RefusedError: ``invalid-value`` when the amendment would be refused.
        """
        facts = self._suppose(changes)
        if facts is None:
            raise RefusedError("invalid-value", f"the plan cannot be set so: {dict(changes)}")
        void = voidable(facts, self._gate, self._lifecycle)
        return self._blockers([fact for at, fact in enumerate(facts) if at not in void])

    def _blockers(self, facts: Sequence[Fact]) -> tuple[Blocker, ...] | None:
        if self._plan is None:
            return ()
        outcome = Outcome(self._plan, facts, self._now)
        kept, world = self._plan.world(facts)
        try:
            outcome.weigh(kept, match(self._plan.queries, world))
        except (TooManyMatchesError, TooLongError):
            return None
        return tuple(outcome.blockers)


__all__ = ["Trial"]
