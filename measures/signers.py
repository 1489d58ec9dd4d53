"""Who could sign a gate next, for telling whose signature would open it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from measures.directory import Directory
from measures.duties import (
    SIGNING_ROLES,
    holders_of,
    kept_apart,
    principal_for,
    refuse_second_part,
)
from measures.errors import RefusedError
from measures.state import MeasureState


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whose signature would be taken.

    Attributes:
        by: who would sign: the holder of the role, or their delegate.
        on_behalf_of: whose right it is.
    """

    by: str
    on_behalf_of: str


_ORDER = {"approve": 0, None: 1, "reject": 2}

Signers = Mapping[str, tuple[Signer, ...]]
"""Per role, those who could sign."""


def signers_of(state: MeasureState, gate: str, directory: Directory, at: datetime) -> Signers:
    """Returns per role who could sign a gate, as if nobody had signed it yet.

    Whoever has approved it in that role comes first, so that after an amendment they are asked
    again rather than somebody new; whoever has rejected it comes last. The checks are those of
    the signature itself, so entitlement, delegation and separation of duties hold.
    """
    found: dict[str, tuple[Signer, ...]] = {}
    for role in SIGNING_ROLES:
        decided = {
            sign_off.on_behalf_of: sign_off.decision
            for sign_off in state.sign_offs
            if sign_off.gate == gate and sign_off.role == role
        }
        holders = sorted(holders_of(state.plan, role), key=lambda one: _ORDER[decided.get(one)])
        signers: dict[str, Signer] = {}
        for holder in holders:
            delegate = directory.acting_for(holder, role, at.date())
            # One person signs a gate for one person only, whatever rights they were lent: the
            # others who lent theirs sign themselves.
            for by in filter(None, (delegate, holder)):
                if by not in signers and _signs_for(state, directory, gate, role, by, at) == holder:
                    signers[by] = Signer(by, holder)
                    break
        found[role] = tuple(signers.values())
    return found


def whom_to_ask(
    state: MeasureState,
    gate: str,
    holders: Iterable[str],
    role: str,
    directory: Directory,
    at: datetime,
) -> tuple[str, ...]:
    """Returns whom to turn to for these holders of a role: the delegate where there is one.

    A delegate who is nobody here, whom the duties keep apart or who has signed the gate already
    cannot help, so the holder is asked.
    """
    signed = {one.by for one in state.sign_offs if one.gate == gate}
    asked: dict[str, None] = {}
    for holder in filter(None, holders):
        delegate = directory.acting_for(holder, role, at.date())
        helps = (
            delegate in directory.people
            and delegate not in signed
            and not kept_apart(state.plan, delegate, role)
        )
        asked[delegate if delegate and helps else holder] = None
    return tuple(asked)


def _signs_for(
    state: MeasureState, directory: Directory, gate: str, role: str, by: str, at: datetime
) -> str | None:
    """Returns whose right a signature would use; None when it would be refused."""
    given = [sign_off for sign_off in state.sign_offs if sign_off.gate != gate]
    used = {one.on_behalf_of for one in state.sign_offs if one.gate == gate and one.by == by}
    try:
        principal = principal_for(
            state.plan,
            directory,
            signer=by,
            role=role,
            day=at.date(),
            taken=frozenset(),
            used=frozenset(used),
        )
        refuse_second_part(state.plan, gate, by, role, principal, given)
    except RefusedError:
        return None
    return principal
