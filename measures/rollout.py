"""Rolling out rules: which version of each pack judges a measure, and what moves it to another.

A version of a pack is named by its digest. What the policy of the pack's newest version says
counts, so a change of policy holds for versions that were applied before it too:

- ``follow``: every judgement uses the newest version.
- ``pin``: while a request waits, the version that judged it; the next request gets the newest.
- ``migrate``: the version that judged the measure first, until somebody moves it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from measures.directory import Directory
from measures.documents import Policy
from measures.drafting import Drafting
from measures.duties import refuse_stranger
from measures.entry import Draft
from measures.errors import RefusedError
from measures.people import OPERATOR
from measures.requests import MigrateInput
from measures.state import MeasureState

SHORT = 12
"""How many digits of a digest people read and write."""


class PackVersion(Protocol):
    """One version of a pack, as far as rolling it out needs to know it."""

    @property
    def id(self) -> str:
        """The pack's name."""

    @property
    def digest(self) -> str:
        """The content address of the version."""

    @property
    def policy(self) -> Policy:
        """Which version judges what has been judged before."""

    @property
    def lifecycle(self) -> str:
        """The lifecycle whose gates it guards."""


def versions_for(state: MeasureState, newest: Iterable[PackVersion]) -> dict[str, str]:
    """Returns which version of each pack judges a measure now: the pack's name to a digest.

    Args:
        state: the measure; `MeasureState.packs` says what judged it last.
        newest: the newest version of every pack in force, whose policies count.
    """
    return {pack.id: kept_version(state, pack) or pack.digest for pack in newest}


def kept_version(state: MeasureState, newest: PackVersion) -> str | None:
    """Returns the version of a pack that a measure keeps whatever is newer, or None."""
    waits = state.request is not None
    if newest.policy == "migrate" or (newest.policy == "pin" and waits):
        return state.packs.get(newest.id)
    return None


def migrate(
    state: MeasureState,
    ask: MigrateInput,
    directory: Directory,
    newest: PackVersion,
    to: PackVersion,
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts that a measure is judged by another version of a pack from now on.

    Args:
        newest: the newest version of the pack, whose policy counts.
        to: the version that is to judge.

    Returns:
        Nothing when that version judges the measure already.

    Raises:
        RefusedError: ``not-entitled``, ``unknown-person``, ``already-ended``,
            ``other-lifecycle``, ``follows-newest`` or ``nothing-kept``.
    """
    refuse_unless_may_migrate(ask.by, directory)
    name = f"pack {newest.id}"
    if state.ended:
        ending = "cancelled" if state.cancelled else state.stage
        raise RefusedError("already-ended", f"measure {state.id} is {ending}; nothing judges it")
    if to.lifecycle != state.plan.lifecycle:
        raise RefusedError(
            "other-lifecycle",
            f"{name}@{to.digest[:SHORT]} guards the lifecycle {to.lifecycle}; measure {state.id}"
            f" moves through {state.plan.lifecycle}",
        )
    if newest.policy == "follow":
        raise RefusedError(
            "follows-newest",
            f"the policy of {name} is follow: its newest version {newest.digest[:SHORT]} judges"
            " every measure; to keep older versions apply the pack with policy: migrate",
        )
    kept = kept_version(state, newest)
    if kept is None:
        raise RefusedError(
            "nothing-kept",
            f"measure {state.id} keeps no version of {name}: its next request is judged by the"
            f" newest, {newest.digest[:SHORT]}",
        )
    if kept == to.digest:
        return []
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write(
        "pack_migrated",
        {"pack": newest.id, "from": kept, "to": to.digest, "reason": ask.reason},
        pack_digest=to.digest,
    )
    return drafting.drafts


def refuse_unless_may_migrate(by: str, directory: Directory) -> None:
    """Refuses whoever may not choose the rules that judge: who may write packs may.

    Raises:
        RefusedError: ``unknown-person`` or ``not-entitled``.
    """
    if by == OPERATOR:
        return
    refuse_stranger(directory, by)
    if not directory.has_role(by, "administrator"):
        raise RefusedError(
            "not-entitled", f"{by} may not move measures to other rules; entitled: an administrator"
        )
