"""A measure as people and programs see it; the field names are the scenario format's."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from measures.delivery import Breach, Delivery
from measures.judging import persons_behind
from measures.lights import Lights, lights_of
from measures.lost_cover import LostCover, lost_cover
from measures.model import Moment, Stored
from measures.money import benefit_of
from measures.permits import PermitEnd
from measures.pool_state import PoolState
from measures.queueing.record import RecordedQueue
from measures.state import MeasureState
from measures.verdict import Blocker, Proposal, Verdict, Waived, Warned
from measures.waiver_standing import WaiverStanding, standings_of


class Reason(Stored):
    """One blocker in full: the rule, wanted, seen, since when, who can clear it and how."""

    rule: str
    answer: str
    message: str
    wanted: str
    seen: dict[str, Any]
    subject: str
    since: Moment | None
    who: tuple[str, ...]
    command: str
    pack: str
    line: int


class WouldBlock(Stored):
    """What a rule that is not enforced would have blocked.

    Attributes:
        mode: ``warn`` or ``dry-run``.
        enforce_from: the day (UTC) from which it holds the gate, where that is set.
        count: how many reasons it found.
        message: the first of them.
    """

    rule: str
    mode: str
    enforce_from: date | None
    count: int
    message: str


class Money(Stored):
    """Money per line: planned, forecast, actual, and confirmed by the controller."""

    currency: str = ""
    plan: dict[str, float | int] = {}
    forecast: dict[str, float | int] = {}
    actual: dict[str, float | int] = {}
    confirmed: dict[str, float | int] = {}
    weighted: float = 0.0


class Queued(Stored):
    """A measure's place in the queue of a pool that it waits for.

    Attributes:
        position: its place, 1 for whose turn comes next.
        of: how many wait there.
        since: when it asked for the gate.
        kept: whether what is free is kept for it until it can have all; not while it needs more
            than some pool states at all.
    """

    pool: str
    position: int
    of: int
    since: Moment
    kept: bool


def queued_at(measure: str, pools: Iterable[PoolState], now: datetime) -> tuple[Queued, ...]:
    """Returns a measure's places in the queues of these pools, by pool."""
    found = []
    for pool in pools:
        place = pool.queue.get(measure)
        if place is not None:
            order = pool.queued(now)
            found.append(
                Queued(
                    pool=pool.pool.id,
                    position=order.index(measure) + 1,
                    of=len(order),
                    since=place.since,
                    kept=pool.is_kept_for(place),
                )
            )
    return tuple(sorted(found, key=lambda one: one.pool))


class Status(Stored):
    """Everything there is to see of a measure.

    Attributes:
        gate: the gate asked for and not yet open, else the next one.
        hold_reason: why it is on hold, and `held_by` whom; empty when it is not.
        breach: the guardrail that stopped it, with its numbers; None when none did.
        delivery: what its campaign has brought so far, as reported last.
        verdict: the latest answer at that gate; empty when it was never asked for.
        blockers: ids of the rules that hold the waiting request.
        seen: per rule the numbers its message used, of its first blocker.
        waived: the blockers that waivers set aside in the waiting request's answer, or in the
            latest one when nothing waits.
        waivers: every waiver it was given, as it stands.
        reserved: what the pools hold hard for it: pool to period to amount.
        noted: the demands the pools know of without holding capacity.
        queue: its places in the queues of pools; only where they were asked.
        simulated: how long those whom it brings wait, as recorded last; None when nobody asked.
        uncovered: what it holds that pools no longer cover; its launch is shut until they do.
        would_block: what rules in mode ``warn`` and ``dry-run`` found in the latest judgement.
        permit_id, permit_until: the launch permit's name, and from when it no longer stands.
        permit_ended: how the latest one ended, while none stands.
        packs: per pack, the digest of the version that judged it last, or that it was moved to.
        history_events: length of the running workflow's history, 0 where it was not asked.
    """

    id: str
    title: str
    type: str
    package: str
    stage: str
    owner: str | None
    gate: str | None
    on_hold: bool
    cancelled: bool
    ended: bool
    hold_reason: str = ""
    held_by: str = ""
    breach: Breach | None = None
    delivery: Delivery | None = None
    verdict: str = ""
    requested_at: Moment | None = None
    requested_by: str | None = None
    blockers: tuple[str, ...] = ()
    seen: dict[str, dict[str, Any]] = {}
    unblock: tuple[Proposal, ...] = ()
    no_remedy: tuple[str, ...] = ()
    waiting_for: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()
    waived: tuple[Waived, ...] = ()
    waivers: tuple[WaiverStanding, ...] = ()
    would_block: tuple[WouldBlock, ...] = ()
    sign_offs: tuple[str, ...] = ()
    reserved: dict[str, dict[str, float | int]] = {}
    noted: dict[str, dict[str, float | int]] = {}
    queue: tuple[Queued, ...] = ()
    simulated: RecordedQueue | None = None
    uncovered: tuple[LostCover, ...] = ()
    lights: Lights
    finance: Money = Money()
    permit: str = "none"
    permit_id: str = ""
    permit_until: Moment | None = None
    permit_ended: PermitEnd | None = None
    campaign: str | None = None
    reminded: int = 0
    escalated: bool = False
    pack_digest: str = ""
    packs: dict[str, str] = {}
    number: int = 0
    changed_at: Moment
    history_events: int = 0


def status_of(
    state: MeasureState,
    now: datetime,
    history_events: int = 0,
    pools: Iterable[PoolState] = (),
) -> Status:
    """Returns what there is to see of a measure at a time.

    Args:
        pools: the pools that it has demands on; they know its places in their queues.
    """
    pools = tuple(pools)
    waiting = state.request
    verdict = waiting.verdict if waiting else None
    latest = verdict or state.last_verdict
    lights = lights_of(state, now.date())
    warned = [blocker.rule for blocker in verdict.warnings] if verdict else []
    if lights.diverging:
        warned.append("divergence")
    return Status(
        id=state.id,
        title=state.plan.title,
        type=state.plan.type,
        package=state.plan.package,
        stage=state.stage,
        owner=state.plan.owner,
        gate=waiting.gate if waiting else state.next_gate,
        on_hold=state.on_hold is not None,
        cancelled=state.cancelled is not None,
        ended=state.ended,
        hold_reason=state.on_hold.reason if state.on_hold else "",
        held_by=state.on_hold.by if state.on_hold else "",
        breach=state.breach,
        delivery=state.delivery,
        verdict=_latest_answer(state),
        requested_at=waiting.at if waiting else None,
        requested_by=waiting.by if waiting else None,
        blockers=verdict.blocking_rules if verdict else (),
        seen=seen_by_rule(verdict) if verdict else {},
        unblock=verdict.unblock if verdict else (),
        no_remedy=verdict.no_remedy if verdict else (),
        waiting_for=waiting.waiting_for if waiting else (),
        reasons=reasons_of(state, verdict) if verdict else (),
        warnings=tuple(dict.fromkeys(warned)),
        waived=latest.waived if latest else (),
        waivers=standings_of(state, now),
        would_block=would_block(latest),
        sign_offs=tuple(
            s.name if s.decision == "approve" else f"{s.name} ({s.decision})"
            for s in state.sign_offs
        ),
        reserved=state.reserved.amounts if state.reserved.hard else {},
        noted={} if state.reserved.hard else state.reserved.amounts,
        queue=queued_at(state.id, pools, now),
        simulated=state.queue,
        uncovered=lost_cover(state.id, pools),
        lights=lights,
        finance=_money(state),
        permit="granted" if state.permit else "none",
        permit_id=state.permit.id if state.permit else "",
        permit_until=state.permit.expires_at if state.permit else None,
        permit_ended=None if state.permit else state.permit_ended,
        campaign=state.campaign_told,
        reminded=waiting.reminded if waiting else 0,
        escalated=waiting.escalated if waiting else False,
        pack_digest=state.last_verdict.pack_digest if state.last_verdict else "",
        packs=state.packs,
        number=state.number,
        changed_at=state.changed_at,
        history_events=history_events,
    )


def seen_by_rule(verdict: Verdict) -> dict[str, dict[str, Any]]:
    """Returns per rule what its first blocker saw."""
    seen: dict[str, dict[str, Any]] = {}
    for blocker in verdict.blockers:
        seen.setdefault(blocker.rule, blocker.seen)
    return seen


def would_block(verdict: Verdict | None) -> tuple[WouldBlock, ...]:
    """Returns per rule that is not enforced what it would have blocked."""
    found: dict[str, list[Warned]] = {}
    for warned in verdict.warnings if verdict else ():
        found.setdefault(warned.rule, []).append(warned)
    return tuple(
        WouldBlock(
            rule=rule,
            mode=reasons[0].mode,
            enforce_from=reasons[0].enforce_from,
            count=len(reasons),
            message=reasons[0].message,
        )
        for rule, reasons in found.items()
    )


def reasons_of(state: MeasureState, verdict: Verdict) -> tuple[Reason, ...]:
    """Returns every blocker in full."""
    return tuple(_reason(state, verdict, blocker) for blocker in verdict.blockers)


def _reason(state: MeasureState, verdict: Verdict, blocker: Blocker) -> Reason:
    return Reason(
        rule=blocker.rule,
        answer=blocker.answer,
        message=blocker.message,
        wanted=blocker.wanted,
        seen=blocker.seen,
        subject=blocker.subject,
        since=blocker.since,
        who=persons_behind(blocker, state, verdict),
        command=blocker.command,
        pack=blocker.pack,
        line=blocker.line,
    )


def _latest_answer(state: MeasureState) -> str:
    if state.request is not None:
        return state.request.verdict.verdict
    return state.last_verdict.verdict if state.last_verdict else ""


def _money(state: MeasureState) -> Money:
    finance = state.plan.finance
    plan = finance.plan if finance else {}
    confirmed = any(
        state.lifecycle.confirms_value(s.gate)
        and s.role == "controller"
        and s.decision == "approve"
        for s in state.sign_offs
    )
    return Money(
        currency=finance.currency if finance else "",
        plan=plan,
        forecast=state.forecast,
        actual=state.actual,
        confirmed=state.actual if confirmed else {},
        weighted=state.lifecycle.weight(state.stage) * benefit_of(plan),
    )
