"""What people see of a launch: never more than its system has shown."""

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from console.launch_showing import print_launch, view_of
from measures import launching
from measures.launch import LaunchOrder, LaunchState, Sighting, fold_launch
from measures.plan import Campaign

NOW = datetime(2031, 3, 10, 9, tzinfo=UTC)


def launch(level: Any = "enforced", why: str = "") -> LaunchState:
    """A launch that is held, and perhaps cannot see its system."""
    fields = {"connector": "memory", "ref": "CMP-1", "launch_on": "2031-03-02",
              "ends_on": "2031-03-31"}  # fmt: skip
    campaign = Campaign.model_validate(fields, strict=False)
    order = LaunchOrder(measure="spring", campaign=campaign, wanted="held", number=1)
    state = None
    for draft in launching.take_order(None, order, NOW, "1"):
        state = fold_launch(state, draft)
    assert state is not None
    seen = Sighting(ref="CMP-1", state="held", share=0, level=level, read_at=NOW)
    drafts = launching.confirm(state, seen, state.desire, NOW, "2")
    for draft in drafts:
        state = fold_launch(state, draft)
    for draft in launching.lose_sight(state, why, NOW, "3") if why else ():
        state = fold_launch(state, draft)
    return state


def printed(state: LaunchState) -> str:
    """What is printed of it."""
    text = io.StringIO()
    print_launch(view_of(state), Console(file=text, width=200))
    return text.getvalue()


def test_a_label_is_never_shown_as_a_hold() -> None:
    """It says that the system does not stop anything."""
    told = printed(launch("advisory"))
    assert "marked as held (advisory)" in told
    assert "the system does not stop it" in told
    assert "CMP-1 of spring is to be held: wanted held at 0%" in told
    assert "showed it held" in printed(launch())
    assert "CMP-1 of spring is held: held at 0%" in printed(launch())


def test_what_is_not_confirmed_says_since_when_and_why() -> None:
    """Not only that it is shut in our own state."""
    told = printed(launch(why="connection refused"))
    assert "not confirmed since 2031-03-10 09:00 UTC: connection refused" in told
    assert "held, not confirmed" in told
    assert "CMP-1 of spring is to be held" in told
