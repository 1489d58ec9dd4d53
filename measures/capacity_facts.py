"""What rules may know of capacity: demands, offers, reservations, waits, surges."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

from measures.facts import DemandFact, OfferFact, ReservationFact, SurgeFact, WaitFact
from measures.loads import Need, Touched
from measures.pool_state import Asker, PoolState, over_on
from measures.queueing.recording import speaks_of
from measures.state import MeasureState
from measures.statements import as_if_enough, statements_of
from measures.turns import more_urgent_at


def demand_facts(state: MeasureState, needs: Iterable[Need]) -> Iterable[DemandFact]:
    """Returns what the measure needs, in the pools' units."""
    for need in needs:
        other = need.converted
        yield DemandFact(
            seen_at=state.changed_at,
            pool=need.pool,
            period=need.period,
            amount=need.amount,
            unit=need.unit,
            stated=need.stated if other else None,
            stated_unit=need.stated_unit if other else None,
            mean=need.mean,
            chain=" > ".join(need.chain) if other else None,
        )


def still_needed(state: MeasureState, needs: Iterable[Need], today: date) -> list[Need]:
    """Returns what the measure still needs of pools.

    Once its capacity was held, a period that is over needs nothing any more: a campaign that is
    stopped and launched again in April does not wait for March.
    """
    return [need for need in needs if _is_still_needed(state, need.period, today)]


def _is_still_needed(state: MeasureState, period: str, today: date) -> bool:
    held = state.lifecycle.reached(state.stage, state.lifecycle.hard_at)
    return not held or over_on(period) > today


def offer_facts(
    state: MeasureState, needs: Sequence[Need], pools: Mapping[str, PoolState], now: datetime
) -> Iterable[OfferFact]:
    """Returns what pools have free for the measure."""
    today = now.astimezone(UTC).date()
    asker = asker_of(state, now)
    wanted = {
        name: {need.period: need.amount or 0 for need in needs if need.pool == name}
        for name in {need.pool for need in needs}
    }
    enough = as_if_enough(pools, state.id, wanted, asker)
    for need in needs:
        pool = pools.get(need.pool)
        if pool is None or over_on(need.period) <= today:
            continue
        beside = wanted[need.pool]
        available = pool.free_for(state.id, need.period, asker, beside)
        if available is None:
            continue
        if not need.amount:
            available = max(0, available)  # who needs nothing lacks nothing
        touched = pool.touched(need.period)
        limit, left = pool.limit_of(state.id, need.period, asker, beside)
        oldest = min(touched, key=lambda period: pool.capacity[period].at)
        # Who is told to raise a period is told from its own amount: from a smaller one of a day
        # within, the advice would lower it.
        own = pool.capacity.get(need.period)
        capacity = own.amount if own else min(pool.capacity[period].amount for period in touched)
        waits_behind = pool.kept(need.period, state.id, asker) > 0
        yield OfferFact(
            seen_at=pool.capacity[oldest].at,
            source=f"pool:{need.pool}",
            pool=need.pool,
            title=pool.pool.title,
            period=need.period,
            available=available,
            capacity=capacity,
            held_by_others=capacity - available,
            unit=pool.pool.unit,
            owner=pool.pool.owner,
            limited_by=limit,
            spoken_for=pool.capacity[limit].amount - left,
            oldest=oldest,
            oldest_capacity=pool.capacity[oldest].amount,
            rests_on=statements_of(pool, enough[need.pool], state.id, need.period, beside, asker),
            changes_at=more_urgent_at(*asker) if waits_behind else None,
        )


def asker_of(state: MeasureState, now: datetime) -> Asker:
    """Returns since when a measure asks for capacity, and how urgently.

    It asks since its request for the gate at which capacity is held, or only now.
    """
    waiting = state.request
    asks = waiting is not None and waiting.gate == state.lifecycle.hard_at
    return Asker(state.plan.priority, waiting.at if waiting and asks else now, now)


def reservation_facts(
    state: MeasureState, pools: Mapping[str, PoolState], today: date
) -> Iterable[ReservationFact]:
    """Returns what pools hold for the measure, as far as their capacity still covers it."""
    for name, periods in state.reserved.amounts.items():
        pool = pools.get(name)
        for period, amount in periods.items():
            covered = amount
            if pool is not None and state.reserved.hard and over_on(period) > today:
                covered = min(amount, pool.covered(state.id, period))
            yield ReservationFact(
                seen_at=state.changed_at,
                source=f"pool:{name}",
                pool=name,
                period=period,
                amount=covered,
                hard=state.reserved.hard,
            )


def waits_at(
    state: MeasureState, pools: Mapping[str, PoolState], needs: tuple[Need, ...]
) -> Iterable[WaitFact]:
    """Returns the recorded waits while they still speak of what plan and pools state."""
    recorded = state.queue
    if recorded is None or not speaks_of(recorded, state.plan, pools, needs):
        return
    for wait in recorded.pools:
        yield WaitFact(
            seen_at=recorded.at,
            source="simulation",
            pool=wait.pool,
            title=wait.title,
            unit=wait.unit,
            p50_days=wait.p50_days,
            p90_days=wait.p90_days,
            p95_days=wait.p95_days,
            backlog_peak=wait.backlog_peak,
            drains=wait.drains_on is not None,
            drains_on=wait.drains_on.isoformat() if wait.drains_on else "",
            cost_rise=wait.cost_rise,
            admissible_share=wait.admissible_share,
            seed=recorded.seed,
            replications=recorded.ask.replications,
        )


def surge_facts(state: MeasureState, surge: Iterable[Touched], today: date) -> Iterable[SurgeFact]:
    """Returns whom the measure still touches with more than is normal."""
    for touched in surge:
        if not _is_still_needed(state, touched.period, today):
            continue
        yield SurgeFact(
            seen_at=state.changed_at,
            source=f"pool:{touched.pool}",
            pool=touched.pool,
            period=touched.period,
            team=touched.team,
            title=touched.title,
            who=next(iter(touched.confirmers), ""),
            unit=touched.unit,
            needed=touched.needed,
            normal=touched.normal,
            limit=touched.limit,
            above=touched.above,
            takes=touched.takes,
            cadence=touched.cadence,
            confirmed=bool(touched.confirmed_by),
            by=touched.confirmed_by,
            declined=touched.declined,
        )
