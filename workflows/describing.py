"""How a measure and a pool look in Temporal's own pages: short Markdown, made from the state."""

from measures.launch import LaunchState
from measures.pool import PoolState
from measures.remote import RemoteState
from measures.state import MeasureState


def summary_of(title: str, name: str) -> str:
    """Returns the one line by which a workflow is found in a list."""
    return f"{title} ({name})"[:200]


def details_of(state: MeasureState) -> str:
    """Returns a measure's stage and the blockers of its waiting request."""
    plan = state.plan
    lines = [f"**{plan.title}** is **{state.stage}**"]
    if state.cancelled is not None:
        lines.append(f"cancelled by {state.cancelled.by}: {state.cancelled.reason}")
    if state.on_hold is not None:
        lines.append(f"on hold since {state.on_hold.at:%Y-%m-%d}: {state.on_hold.reason}")
    waiting = state.request
    if waiting is not None:
        lines.append(
            f"waits at gate **{waiting.gate}** since {waiting.at:%Y-%m-%d},"
            f" {waiting.verdict.verdict}, for {', '.join(waiting.waiting_for) or 'nobody'}:"
        )
        lines += [
            f"- `{blocker.rule}` {blocker.message}" for blocker in waiting.verdict.blockers[:20]
        ]
    return "\n\n".join(lines[:2]) + "\n" + "\n".join(lines[2:])


def pool_details_of(state: PoolState) -> str:
    """Returns a pool's capacity, what is held of it and by whom."""
    pool = state.pool
    lines = [f"**{pool.title}** ({pool.unit}), owner {pool.owner}", ""]
    for period, stated in sorted(state.capacity.items())[:40]:
        lines.append(f"- {period}: {state.held(period):,} held of {stated.amount:,}")
    return "\n".join(lines)


def launch_details_of(state: LaunchState) -> str:
    """Returns what is wanted of a campaign, why, and what its system shows."""
    desire = state.desire
    lines = [
        f"**{state.ref}** of measure {state.measure}: **{state.phase}**,"
        f" {desire.state} at {desire.share:.0%}",
        "",
    ]
    lines += [
        f"- paused by {source} ({pause.by}): {pause.reason}"
        for source, pause in state.pauses.items()
    ]
    if state.unconfirmed_since is not None:
        lines.append(
            f"- not confirmed since {state.unconfirmed_since:%Y-%m-%d %H:%M}:"
            f" {state.unconfirmed_why}"
        )
    if state.put_backs:
        lines.append(f"- put back {state.put_backs} times")
    return "\n".join(lines)


def remote_details_of(state: RemoteState) -> str:
    """Returns what is wanted of a remote object, and whether its system shows it."""
    lines = [
        f"**{state.connection}** {state.kind} {state.ref or '(not made yet)'} of measure"
        f" {state.measure}: **{state.want.phase}**, mapping {state.mapping.id}"
        f" version {state.mapping.version}",
        "",
    ]
    if state.unreachable_since is not None:
        lines.append(f"- not in step since {state.unreachable_since:%Y-%m-%d %H:%M}:")
        lines.append(f"  {state.unreachable_why}")
    if state.suspended is not None:
        lines.append(f"- suspended: {state.suspended.reason}")
    lines += [f"- a person decides about {field}" for field in state.open_questions]
    return "\n".join(lines)
