"""What a workflow may ask of the outside: each activity's name, types and time limits.

The worker registers what fills them (`worker/activities`); nothing here knows how.
"""

from datetime import timedelta

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

_PATIENT = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""A ledger or a system that is down is waited for: a gate never opens without them."""


async def act_on_measure(act: MeasureAct) -> MeasureRecord:
    """Decides a request to a measure and records it; asking twice records it once."""
    record: MeasureRecord = await workflow.execute_local_activity(
        ACT_ON_MEASURE,
        act,
        result_type=MeasureRecord,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=act.verb,
    )
    return record


async def act_on_pool(act: PoolAct) -> PoolRecord:
    """Decides a request to a pool and records it; asking twice records it once."""
    record: PoolRecord = await workflow.execute_local_activity(
        ACT_ON_POOL,
        act,
        result_type=PoolRecord,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=act.verb,
    )
    return record


async def act_on_load(act: LoadAct) -> LoadRecord:
    """Decides a report of a pool's load and records it; asking twice records it once."""
    record: LoadRecord = await workflow.execute_local_activity(
        ACT_ON_LOAD,
        act,
        result_type=LoadRecord,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary="report_load",
    )
    return record


async def reserve_capacity(holding: Holding) -> HoldingResult:
    """Brings several pools to hold all of a measure's demands, or none."""
    result: HoldingResult = await workflow.execute_activity(
        RESERVE_CAPACITY,
        holding,
        result_type=HoldingResult,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=f"{'hold' if holding.hard else 'note'} {len(holding.demands)} demands",
    )
    return result


async def take_places(places: Places) -> None:
    """Has a measure stand in the queues of exactly these pools; asking twice changes nothing."""
    await workflow.execute_activity(
        TAKE_PLACES,
        places,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=f"{'wait' if places.demands else 'wait no longer'} at {', '.join(places.pools)}",
    )


async def tell_launch(telling: LaunchTelling) -> None:
    """Tells a campaign's launch what its measure wants; starts it where none runs."""
    await workflow.execute_activity(
        TELL_LAUNCH,
        telling,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=telling.order.wanted if telling.order else "no campaign",
    )


async def sign_revocations(ask: RevocationsAsk) -> SignedRevocations:
    """Has the list of revoked permits signed."""
    signed: SignedRevocations = await workflow.execute_local_activity(
        SIGN_REVOCATIONS,
        ask,
        result_type=SignedRevocations,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
    )
    return signed


async def act_on_launch(act: LaunchAct) -> LaunchRecord:
    """Decides a request to a launch and records it; asking twice records it once."""
    record: LaunchRecord = await workflow.execute_local_activity(
        ACT_ON_LAUNCH,
        act,
        result_type=LaunchRecord,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=act.verb,
    )
    return record


async def bring_campaign(order: CampaignOrder, *, once: bool) -> Sighting:
    """Brings a campaign in a connected system to the wanted state and reads it back.

    Args:
        order: what it is to show.
        once: give up at the first failure, which is for whoever asks to tell.
    """
    seen: Sighting = await workflow.execute_activity(
        BRING_CAMPAIGN,
        order,
        result_type=Sighting,
        start_to_close_timeout=timedelta(seconds=60),
        retry_policy=RetryPolicy(maximum_attempts=1) if once else _PATIENT,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"{order.ref} {order.state} {order.share:.0%}",
    )
    return seen


async def look_at_campaign(glance: CampaignGlance) -> GlanceResult:
    """Reads what a connected system shows of a campaign, once."""
    result: GlanceResult = await workflow.execute_activity(
        LOOK_AT_CAMPAIGN,
        glance,
        result_type=GlanceResult,
        start_to_close_timeout=timedelta(seconds=60),
        retry_policy=RetryPolicy(maximum_attempts=1),
        summary=glance.ref,
    )
    return result
