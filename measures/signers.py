"""Who could sign a gate next, for telling whose signature would open it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from measures.directory import Directory
from measures.duties import SIGNING_ROLES, holders_of, principal_for, refuse_second_part
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
    given = [sign_off for sign_off in state.sign_offs if sign_off.gate != gate]
    found: dict[str, tuple[Signer, ...]] = {}
    for role in SIGNING_ROLES:
        decided = {
            sign_off.on_behalf_of: sign_off.decision
            for sign_off in state.sign_offs
            if sign_off.gate == gate and sign_off.role == role
        }
        signers: dict[str, Signer] = {}
        for holder in sorted(
            holders_of(state.plan, role), key=lambda one: _ORDER[decided.get(one)]
        ):
            by = directory.acting_for(holder, role, at.date()) or holder
            try:
                principal = principal_for(
                    state.plan,
                    directory,
                    signer=by,
                    role=role,
                    day=at.date(),
                    taken=frozenset(),
                    used=frozenset(),
                )
                refuse_second_part(state.plan, gate, by, role, principal, given)
            except RefusedError:
                continue
            # One person signs a gate for one person only, whatever rights they were lent.
            signers.setdefault(by, Signer(by, principal))
        found[role] = tuple(signers.values())
    return found
