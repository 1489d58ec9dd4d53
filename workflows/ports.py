"""What a workflow may ask of the outside: each activity's name, types and time limits.

The worker registers what fills them (`worker/activities`); nothing here knows how.
"""

from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from measures.launch import Sighting
from measures.places import Places
from workflows.contract import (
    ACT_ON_LAUNCH,
    ACT_ON_LOAD,
    ACT_ON_MEASURE,
    ACT_ON_POOL,
    BRING_CAMPAIGN,
    LOOK_AT_CAMPAIGN,
    RESERVE_CAPACITY,
    SIGN_REVOCATIONS,
    TAKE_PLACES,
    TELL_LAUNCH,
    CampaignGlance,
    CampaignOrder,
    GlanceResult,
    Holding,
    HoldingResult,
    LaunchAct,
    LaunchRecord,
    LaunchTelling,
    MeasureAct,
    MeasureRecord,
    PoolAct,
    PoolRecord,
    RevocationsAsk,
    SignedRevocations,
)
from workflows.load_contract import LoadAct, LoadRecord

_R = TypeVar("_R")

_SOON = timedelta(seconds=30)
"""What one try may take."""

_CALLS = timedelta(seconds=60)
"""What the calls may take that hold a campaign or look at it."""

_ONCE = RetryPolicy(maximum_attempts=1)

PATIENT = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""A ledger or a system that is down is waited for: a gate never opens without them."""

HEARTBEAT = timedelta(seconds=6)
"""Who does not show a sign of life for so long is dead, and another worker goes on."""


async def recorded(name: str, ask: Any, result: type[_R], summary: str | None = None) -> _R:
    """Has the ledger's side decide and record something; asking twice records it once.

    Args:
        name: the local activity that does it.
        ask: what is asked.
        result: the type of what comes back.
        summary: for the history.
    """
    done: _R = await workflow.execute_local_activity(
        name,
        ask,
        result_type=result,
        start_to_close_timeout=_SOON,
        retry_policy=PATIENT,
        summary=summary,
    )
    return done


async def done(name: str, ask: Any, result: type[_R], summary: str) -> _R:
    """Has other workflows told or asked something, for as long as it takes.

    Args:
        name: the activity that does it.
        ask: what is asked.
        result: the type of what comes back.
        summary: for the history.
    """
    answer: _R = await workflow.execute_activity(
        name,
        ask,
        result_type=result,
        start_to_close_timeout=_SOON,
        retry_policy=PATIENT,
        summary=summary,
    )
    return answer


async def brought(
    name: str, ask: Any, result: type[_R], summary: str, *, once: bool, limit: timedelta
) -> _R:
    """Has something in a connected system brought to what is wanted, and read back.

    Whoever cancels it hears of it only when nothing is being sent any more.

    Args:
        name: the activity that does it.
        ask: what is wanted.
        result: the type of what comes back.
        summary: for the history.
        once: give up at the first failure, which is for whoever asks to tell.
        limit: what one try may take.
    """
    seen: _R = await workflow.execute_activity(
        name,
        ask,
        result_type=result,
        start_to_close_timeout=limit,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_ONCE if once else PATIENT,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
    return seen


async def act_on_measure(act: MeasureAct) -> MeasureRecord:
    """Decides a request to a measure and records it."""
    return await recorded(ACT_ON_MEASURE, act, MeasureRecord, act.verb)


async def act_on_pool(act: PoolAct) -> PoolRecord:
    """Decides a request to a pool and records it."""
    return await recorded(ACT_ON_POOL, act, PoolRecord, act.verb)


async def act_on_load(act: LoadAct) -> LoadRecord:
    """Decides a report of a pool's load and records it."""
    return await recorded(ACT_ON_LOAD, act, LoadRecord, "report_load")


async def act_on_launch(act: LaunchAct) -> LaunchRecord:
    """Decides a request to a launch and records it."""
    return await recorded(ACT_ON_LAUNCH, act, LaunchRecord, act.verb)


async def sign_revocations(ask: RevocationsAsk) -> SignedRevocations:
    """Has the list of revoked permits signed."""
    return await recorded(SIGN_REVOCATIONS, ask, SignedRevocations)


async def reserve_capacity(holding: Holding) -> HoldingResult:
    """Brings several pools to hold all of a measure's demands, or none."""
    what = f"{'hold' if holding.hard else 'note'} {len(holding.demands)} demands"
    return await done(RESERVE_CAPACITY, holding, HoldingResult, what)


async def take_places(places: Places) -> None:
    """Has a measure stand in the queues of exactly these pools; asking twice changes nothing."""
    what = f"{'wait' if places.demands else 'wait no longer'} at {', '.join(places.pools)}"
    await done(TAKE_PLACES, places, type(None), what)


async def tell_launch(telling: LaunchTelling) -> None:
    """Tells a campaign's launch what its measure wants; starts it where none runs."""
    what = telling.order.wanted if telling.order else "no campaign"
    await done(TELL_LAUNCH, telling, type(None), what)


async def bring_campaign(order: CampaignOrder, *, once: bool) -> Sighting:
    """Brings a campaign in a connected system to the wanted state and reads it back.

    Args:
        order: what it is to show.
        once: give up at the first failure, which is for whoever asks to tell.
    """
    what = f"{order.ref} {order.state} {order.share:.0%}"
    return await brought(BRING_CAMPAIGN, order, Sighting, what, once=once, limit=_CALLS)


async def look_at_campaign(glance: CampaignGlance) -> GlanceResult:
    """Reads what a connected system shows of a campaign, once."""
    result: GlanceResult = await workflow.execute_activity(
        LOOK_AT_CAMPAIGN,
        glance,
        result_type=GlanceResult,
        start_to_close_timeout=_CALLS,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_ONCE,
        summary=glance.ref,
    )
    return result
