"""What a measure's facts need beside itself."""

from collections.abc import Mapping
from typing import NamedTuple

from measures.launch_facts import NOTHING, LaunchScene
from measures.link_facts import NO_LINKS, Linked
from measures.model import Moment, Stored
from measures.pool_state import PoolState
from measures.state import MeasureState


class Standing(Stored):
    """Where another measure stands, as far as a waiting one needs to know.

    Attributes:
        stages: of its own lifecycle, in order.
    """

    id: str
    stages: tuple[str, ...]
    stage: str
    owner: str = ""
    cancelled: bool = False
    changed_at: Moment

    def has_reached(self, stage: str) -> bool:
        """Tells whether it has got at least as far as a stage; never once it is cancelled."""
        return not self.cancelled and stage in self.stages[: self.stages.index(self.stage) + 1]


def standing_of(state: MeasureState) -> Standing:
    """Returns where a measure stands."""
    return Standing(
        id=state.id,
        stages=tuple(state.lifecycle.order),
        stage=state.stage,
        owner=state.plan.owner or "",
        cancelled=state.cancelled is not None,
        changed_at=state.changed_at,
    )


class Surroundings(NamedTuple):
    """What a measure's facts need beside itself.

    Attributes:
        pools: the pools it has demands on.
        others: where the measures stand that it depends on.
        scene: what its campaign's launch does, and who else is after its audience.
        linked: what its links lead to in other systems.
    """

    pools: Mapping[str, PoolState]
    others: Mapping[str, Standing]
    scene: LaunchScene = NOTHING
    linked: Linked = NO_LINKS


class LivePage(NamedTuple):
    """Some measures, and where those stand that they depend on.

    Attributes:
        states: each measure's state as JSON: whoever gathers facts in another process reads it
            there.
        launches: the launches that have not ended of these measures' campaigns, and of all that
            have audiences, as JSON.
        rivals: the states of measures, not ended, whose campaigns have audiences, as JSON.
        linked: what is known of the objects that these measures link.
    """

    states: list[str]
    standings: dict[str, Standing]
    launches: list[str] = []
    rivals: list[str] = []
    linked: Linked = NO_LINKS
