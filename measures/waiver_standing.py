"""Where a waiver stands: in force or not, and whether anything ever opened on it."""

from datetime import date, datetime
from typing import Literal

from measures.lifecycle import LAUNCH
from measures.state import MeasureState
from measures.verdict import Blocker
from measures.waivers import Waiver, as_bound, written
from measures.waiving import verdict_at


class WaiverStanding(Waiver):
    """A waiver as people see it.

    Attributes:
        measure: whose blocker it sets aside.
        standing: whether it is in force now.
        use: ``used`` when a gate has opened on it, ``covers`` while the waiting request counts on
            it, else ``unused``.
        why: for what is unused, why; else empty.
    """

    measure: str
    standing: Literal["in-force", "expired", "revoked"]
    use: Literal["used", "covers", "unused"]
    why: str = ""


def standings_of(state: MeasureState, now: datetime) -> tuple[WaiverStanding, ...]:
    """Returns every waiver of a measure as it stands, the oldest first."""
    return tuple(_standing(state, waiver, now) for waiver in state.waivers)


def _standing(state: MeasureState, waiver: Waiver, now: datetime) -> WaiverStanding:
    standing: Literal["in-force", "expired", "revoked"] = "in-force"
    if not waiver.in_force(now):
        standing = "revoked" if waiver.ended == "revoked" else "expired"
    use: Literal["used", "covers", "unused"] = "unused"
    why = ""
    if waiver.used_at is not None:
        use = "used"
    elif standing == "in-force" and _counts_now(state, waiver):
        use = "covers"
    else:
        why = _why_unused(state, waiver, in_force=standing == "in-force")
    return WaiverStanding(**dict(waiver), measure=state.id, standing=standing, use=use, why=why)


def _counts_now(state: MeasureState, waiver: Waiver) -> bool:
    verdict = verdict_at(state, waiver.gate)
    return verdict is not None and any(one.waiver == waiver.id for one in verdict.waived)


def _why_unused(state: MeasureState, waiver: Waiver, *, in_force: bool) -> str:
    """Says why nothing opened on a waiver."""
    if _is_open(state, waiver.gate):
        return f"gate {waiver.gate} was passed without it"
    if state.cancelled is not None:
        return "the measure was cancelled"
    if not in_force:
        return "it ended before a gate opened on it"
    verdict = verdict_at(state, waiver.gate)
    if verdict is None:
        return f"nobody asks for gate {waiver.gate} now"
    present = next((b for b in verdict.blockers if waiver.names(waiver.gate, b)), None)
    if present is None:
        return "its blocker is gone"
    return _why_uncovered(waiver, present)


def _why_uncovered(waiver: Waiver, present: Blocker) -> str:
    """Says why a waiver does not cover the blocker for which it was given."""
    if waiver.role not in present.waive_by:
        return f"its rule no longer lets the {waiver.role} waive it"
    if not waiver.fits(waiver.gate, present):
        return f"changed since: {_what_changed(waiver, present)}"
    return f"{waiver.by} has asked for the gate or owns the measure by now"


def _what_changed(waiver: Waiver, present: Blocker) -> str:
    """Says which values moved further than was accepted, and how to accept that."""
    moved = waiver.moved(present)
    if waiver.wanted != present.wanted:
        return f"what is required is now: {present.wanted}"
    if not moved:
        return present.message
    told = "; ".join(_move(name, waiver, present) for name in moved)
    bounds = " ".join(
        f"--up-to {name}={'DAY' if isinstance(bound, date) else 'NUMBER'}"
        for name in moved
        if (bound := as_bound(present.seen.get(name))) is not None
    )
    return f"{told}; waive it again, and if it may move further add {bounds}" if bounds else told


def _move(name: str, waiver: Waiver, present: Blocker) -> str:
    before, now = (written(one.seen.get(name)) for one in (waiver, present))
    if name in waiver.up_to:
        return f"{name} is {now}, accepted from {before} to {written(waiver.up_to[name])}"
    return f"{name} was {before} and is {now}"


def _is_open(state: MeasureState, gate: str) -> bool:
    if gate == LAUNCH:
        return state.permit is not None
    return state.lifecycle.reached(state.stage, gate)
