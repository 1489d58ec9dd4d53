"""What would be known if a plan were amended: nothing is changed, the facts are gathered anew."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from measures.amending import set_fields
from measures.directory import Directory
from measures.duties import refuse_mixed_duties
from measures.errors import RefusedError
from measures.facts import Fact
from measures.gathering import gather
from measures.state import MeasureState
from measures.surroundings import Surroundings

Suppose = Callable[[Mapping[str, Any]], Sequence[Fact] | None]
"""Takes what would be set in a plan, by path; gives the facts, or None if it were refused."""


def supposing(
    state: MeasureState, now: datetime, around: Surroundings, directory: Directory
) -> Suppose:
    """Returns what tells the facts of a measure as if its plan were amended now.

    Sign-offs that the amendment would void are still among them.
    """

    def suppose(changes: Mapping[str, Any]) -> Sequence[Fact] | None:
        try:
            plan = set_fields(state.plan, dict(changes))
            refuse_mixed_duties(plan)
        except RefusedError:
            return None
        amended = state.model_copy(update={"plan": plan, "changed_at": now})
        return gather(
            amended, now, around.pools, around.others, directory, around.scene, around.linked
        )

    return suppose
