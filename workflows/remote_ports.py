"""What workflows may ask of the outside about remote objects, with time limits.

The worker registers what fills them (`worker/activities`); nothing here knows how.
"""

from datetime import timedelta

from measures.remote import RemoteState
from measures.syncing import Brought
from workflows.ports import brought, done, recorded
from workflows.remote_contract import (
    ACT_ON_REMOTE,
    BRING_REMOTE,
    TELL_REMOTES,
    RemoteAct,
    RemoteRecord,
    RemotesTelling,
    RemotesTold,
)

_CALLS = timedelta(minutes=3)
"""What the calls may take that look for an object, write it, say a remark and read it back."""


async def tell_remotes(telling: RemotesTelling) -> RemotesTold:
    """Tells a measure's remote objects what it wants of them; starts them where none run."""
    return await done(TELL_REMOTES, telling, RemotesTold, telling.measure)


async def act_on_remote(act: RemoteAct) -> RemoteRecord:
    """Decides what news leads to and records it."""
    return await recorded(ACT_ON_REMOTE, act, RemoteRecord, act.verb)


async def bring_remote(state: RemoteState, *, once: bool) -> Brought:
    """Brings an object in step with what is wanted of it and reads it back.

    Args:
        state: its life so far.
        once: give up at the first failure, which is for whoever asks to tell.
    """
    what = f"{state.kind} {state.ref or state.external_id}: {state.want.phase}"
    return await brought(BRING_REMOTE, state, Brought, what, once=once, limit=_CALLS)
