"""`sluice get launches`, `sluice explain launch`: what a campaign shall do, and what it does."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from console.output import people, print_table
from measures.launch import LaunchState, Sighting
from measures.model import Moment, Stored
from measures.state import Pause

if TYPE_CHECKING:
    from ledger.store import Ledger

HELD_LABELS = {
    "enforced": "the system itself stops it",
    "advisory": "a label only: the system does not stop it",
}


class LaunchView(Stored):
    """A launch as people and programs see it.

    Attributes:
        id: the campaign's name in its system.
        phase: held, paused, ramp, open or ended.
        wanted: what the system is to show: ``held`` or ``released``.
        share: the part of the campaign that shall run.
        step, steps: of its ramp.
        next_step_at: when the step before the next one has had its time.
        waits_for: the rules that hold the next step.
        pauses: by source.
        shares: the share that each pool has room for.
        seen: what the system showed last, with how much that is worth; None before it did.
        confirmed: whether that is what is wanted.
        unconfirmed_since: since when it cannot be confirmed; None while it can.
        put_backs: how often it was found changed by hand.
        found: what it showed when it was found so last.
        escalated_at: when that was handed to a person last.
    """

    id: str
    measure: str
    connector: str
    phase: str
    wanted: str
    share: float
    step: int
    steps: int
    next_step_at: Moment | None = None
    waits_for: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    pauses: dict[str, Pause] = {}
    shares: dict[str, float] = {}
    seen: Sighting | None = None
    confirmed: bool
    unconfirmed_since: Moment | None = None
    unconfirmed_why: str = ""
    put_backs: int = 0
    put_back_at: Moment | None = None
    found: Sighting | None = None
    escalated_at: Moment | None = None
    ended_at: Moment | None = None
    number: int = 0


def view_of(launch: LaunchState) -> LaunchView:
    """Returns what there is to see of a launch."""
    desire, verdict, found = launch.desire, launch.verdict, launch.last_put_back
    return LaunchView(
        id=launch.ref,
        measure=launch.measure,
        connector=launch.campaign.connector,
        phase=launch.phase,
        wanted=desire.state,
        share=desire.share,
        step=launch.step,
        steps=len(launch.ramp),
        next_step_at=launch.next_step_at,
        waits_for=verdict.blocking_rules if verdict else (),
        reasons=tuple(blocker.message for blocker in verdict.blockers) if verdict else (),
        pauses=launch.pauses,
        shares={pool: order.share for pool, order in sorted(launch.shares.items())},
        seen=launch.seen,
        confirmed=launch.confirmed,
        unconfirmed_since=launch.unconfirmed_since,
        unconfirmed_why=launch.unconfirmed_why,
        put_backs=launch.put_backs,
        put_back_at=found.at if found else None,
        found=found.seen if found else None,
        escalated_at=launch.escalated_at,
        ended_at=launch.ended_at,
        number=launch.number,
    )


def launch_views(ledger: "Ledger", ref: str | None = None) -> list[LaunchView]:
    """Returns every launch, or the one of a campaign."""
    return [view_of(one) for one in ledger.launches() if ref is None or one.ref == ref]


def print_launches(views: Sequence[LaunchView]) -> None:
    """Prints one line per launch."""
    columns = ("id", "measure", "phase", "share", "step", "shows", "put back")
    print_table(
        columns,
        [
            (
                view.id,
                view.measure,
                view.phase,
                f"{view.share:.0%}",
                f"{view.step}/{view.steps}",
                _shows(view),
                str(view.put_backs),
            )
            for view in views
        ],
    )


def print_launch(view: LaunchView, out: Console | None = None) -> None:
    """Prints a launch in full: what is wanted and why, and whether the system shows it."""
    out = out or people()
    stands, wanted = ("is", "") if _is_certain(view) else ("is to be", "wanted ")
    out.print(
        f"[bold]{escape(view.id)}[/] of {escape(view.measure)} {stands} [bold]{view.phase}[/]:"
        f" {wanted}{view.wanted} at {view.share:.0%}"
    )
    for source, pause in view.pauses.items():
        why = pause.reason or "no reason given"
        line = f"paused by {source} since {_time(pause.at)} ({pause.by}): {why}"
        out.print(f"  {line}", markup=False)
    if view.pauses and not all(source.startswith("blackout:") for source in view.pauses):
        out.print(f"  it goes on with: sluice unpause {view.id} --reason ...", markup=False)
    if view.steps > 1:
        due = f", the next not before {_time(view.next_step_at)}" if view.next_step_at else ""
        out.print(f"  step {view.step} of {view.steps} of its ramp{due}", markup=False)
    for rule, reason in zip(view.waits_for, view.reasons, strict=False):
        out.print(f"  [bold]{escape(rule)}[/] {escape(reason)}")
    for pool, share in view.shares.items():
        out.print(f"  {pool} has room for {share:.0%} of it", markup=False)
    _print_system(view, out)


def _is_certain(view: LaunchView) -> bool:
    """Tells whether the system shows what is wanted, and stops what it calls held."""
    if not view.confirmed or view.seen is None:
        return False
    return view.seen.state != "held" or view.seen.level == "enforced"


def _print_system(view: LaunchView, out: Console) -> None:
    if view.unconfirmed_since is not None:
        since = _time(view.unconfirmed_since)
        out.print(
            f"  [red]not confirmed since {since}[/]: {escape(view.unconfirmed_why)};"
            " it is tried until it is"
        )
    if view.seen is not None:
        worth = HELD_LABELS[view.seen.level] if view.seen.state == "held" else ""
        out.print(
            f"  {view.connector} showed it {_shows(view)} at {_time(view.seen.read_at)}"
            + (f" ({worth})" if worth else ""),
            markup=False,
        )
    else:
        out.print(f"  {view.connector} has not shown it yet", markup=False)
    if view.put_backs and view.found is not None and view.put_back_at is not None:
        out.print(
            f"  put back {view.put_backs} times; last found {view.found.state} at"
            f" {view.found.share:.0%} at {_time(view.put_back_at)}",
            markup=False,
        )
    if view.escalated_at is not None:
        out.print(f"  handed to its owner and sponsor at {_time(view.escalated_at)}", markup=False)


def _shows(view: LaunchView) -> str:
    """Returns what the system shows; a label is never called a hold."""
    if view.seen is None:
        return "nothing yet"
    if view.seen.state == "held":
        shown = "held" if view.seen.level == "enforced" else "marked as held (advisory)"
    else:
        shown = f"released at {view.seen.share:.0%}"
    return shown if view.confirmed else f"{shown}, not confirmed"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
