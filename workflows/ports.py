"""What a workflow may ask of the outside: each activity's name, types and time limits.

The worker registers what fills them (`worker/activities`); nothing here knows how.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.contract import (
    ACT_ON_MEASURE,
    ACT_ON_POOL,
    RESERVE_CAPACITY,
    SIGN_REVOCATIONS,
    TELL_CAMPAIGN,
    CampaignOrder,
    Holding,
    HoldingResult,
    MeasureAct,
    MeasureRecord,
    PoolAct,
    PoolRecord,
    RevocationsAsk,
    SignedRevocations,
)

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


async def tell_campaign(order: CampaignOrder) -> None:
    """Brings a campaign in a connected system to the wanted state and reads it back."""
    await workflow.execute_activity(
        TELL_CAMPAIGN,
        order,
        start_to_close_timeout=timedelta(seconds=60),
        retry_policy=_PATIENT,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"{order.ref} {order.state}",
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
