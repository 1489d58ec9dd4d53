"""Who may ask, sign and report: entitlement and separation of duties, as pure checks."""

from collections.abc import Iterable
from datetime import date, datetime

from measures.directory import Directory
from measures.errors import RefusedError
from measures.people import OPERATOR
from measures.plan import Measure
from measures.state import SignOff

SIGNING_ROLES = ("sponsor", "committee", "controller", "owner")
"""The roles in which a gate can be signed."""


def refuse_mixed_duties(plan: Measure) -> None:
    """Refuses a controller who is owner or sponsor.

    Raises:
        RefusedError: ``duties-not-separate``.
    """
    for role, person in (("owner", plan.owner), ("sponsor", plan.sponsor)):
        if plan.controller is not None and plan.controller == person:
            raise RefusedError(
                "duties-not-separate",
                f"measure {plan.id}: controller {person} is also its {role};"
                " name a controller who is neither owner nor sponsor",
            )


def holders_of(plan: Measure, role: str) -> tuple[str, ...]:
    """Returns the persons whose signature the plan asks for in a role."""
    named = {
        "sponsor": (plan.sponsor,),
        "controller": (plan.controller,),
        "owner": (plan.owner,),
        "committee": plan.steering_committee,
    }.get(role, ())
    return tuple(person for person in named if person)


def kept_apart(plan: Measure, person: str, role: str) -> bool:
    """Tells whether a part in the plan keeps a person from acting in a role, by whatever right.

    Its owner decides about it in no other role, and its sponsor confirms nothing as controller.
    """
    return (role != "owner" and person == plan.owner) or (
        role == "controller" and person == plan.sponsor
    )


def entitled_to(
    plan: Measure, directory: Directory, holders: tuple[str, ...], role: str, day: date
) -> str:
    """Names the holders of a role, and who may act for them, in a sentence about who may."""
    acting = (directory.acting_for(holder, role, day) for holder in holders)
    delegates = (one for one in acting if one and not kept_apart(plan, one, role))
    return ", ".join(dict.fromkeys((*holders, *delegates)))


def refuse_stranger(directory: Directory, by: str) -> None:
    """Refuses somebody who is nobody here.

    Raises:
        RefusedError: ``unknown-person``.
    """
    if by not in directory.people:
        raise RefusedError("unknown-person", f"there is no person {by!r}; `sluice get persons`")


def refuse_uninvolved(
    plan: Measure, directory: Directory, by: str, what: str, also: tuple[str, ...] = ()
) -> None:
    """Refuses a person who has no part in the measure.

    Those who have: everybody the plan names as owner, sponsor, controller or committee,
    `also` (which may name the operator), and administrators.

    Raises:
        RefusedError: ``unknown-person`` or ``not-entitled``.
    """
    if by in also and by == OPERATOR:
        return
    refuse_stranger(directory, by)
    named = {plan.owner, plan.sponsor, plan.controller, *plan.steering_committee, *also}
    if by in named or directory.has_role(by, "administrator"):
        return
    raise RefusedError(
        "not-entitled", f"measure {plan.id}: {by} has no part in it and may not {what}"
    )


def refuse_unless_finance(plan: Measure, directory: Directory, by: str) -> None:
    """Refuses actuals from anybody but finance (product.md formula 6).

    Raises:
        RefusedError: ``unknown-person`` or ``not-finance``.
    """
    refuse_stranger(directory, by)
    if by == plan.controller or directory.has_role(by, "controller"):
        return
    raise RefusedError(
        "not-finance",
        f"measure {plan.id}: actuals are entered by finance only,"
        f" its controller is {plan.controller or 'not named'}; {by} is not a controller",
    )


def refuse_unless_in_office(
    plan: Measure, directory: Directory, gate: str, office: str, by: str, at: datetime
) -> None:
    """Refuses a gate to everybody but those whom the plan names for an office, or who act for them.

    Raises:
        RefusedError: ``not-entitled``.
    """
    holders = holders_of(plan, office)
    independent = office != "controller" or by not in (plan.owner, plan.sponsor)
    if independent and directory.principals(by, holders, office, at.date()):
        return
    entitled = entitled_to(plan, directory, holders, office, at.date())
    entitled = entitled or "nobody, none is named"
    raise RefusedError(
        "not-entitled",
        f"measure {plan.id}: only its {office} asks for the gate {gate}, not {by};"
        f" entitled: {entitled}",
    )


def refuse_second_part(
    plan: Measure, gate: str, signer: str, role: str, principal: str, given: Iterable[SignOff]
) -> None:
    """Refuses one person who would be two, by whatever right.

    A gate is signed by one person in one role and for one person only; and whoever has signed any
    gate as sponsor confirms none as controller.

    Args:
        principal: whose right the signer uses.
        given: what stands of the measure.

    Raises:
        RefusedError: ``duties-not-separate`` or ``already-signed``.
    """
    apart = {"sponsor": "controller", "controller": "sponsor"}.get(role)
    for other in given:
        if other.by != signer:
            continue
        if other.role == apart or (other.gate == gate and other.role != role):
            raise RefusedError(
                "duties-not-separate",
                f"measure {plan.id}: {signer} has signed as {other.role} and cannot sign as"
                f" {role} too",
            )
        if other.gate == gate and other.on_behalf_of != principal:
            raise RefusedError(
                "already-signed",
                f"measure {plan.id}: {signer} has already signed {gate} for {other.on_behalf_of}"
                f" and cannot sign for {principal} too",
            )


def principal_for(
    plan: Measure,
    directory: Directory,
    *,
    signer: str,
    role: str,
    day: date,
    taken: frozenset[str],
    used: frozenset[str],
) -> str:
    """Returns whose right a signer uses in a role: their own, or of somebody who delegated.

    Args:
        taken: whose right has been used for this gate and role already.
        used: whose right the signer has used at this gate: changing their mind comes first.

    Raises:
        RefusedError: ``unknown-person``, ``unknown-role``, ``not-entitled``,
            ``duties-not-separate`` or ``already-signed``.
    """
    refuse_stranger(directory, signer)
    if role not in SIGNING_ROLES:
        raise RefusedError(
            "unknown-role", f"nobody signs as {role!r}; roles: {', '.join(SIGNING_ROLES)}"
        )
    holders = holders_of(plan, role)
    rights = directory.principals(signer, holders, role, day)
    if not rights:
        entitled = entitled_to(plan, directory, holders, role, day) or "nobody"
        raise RefusedError(
            "not-entitled",
            f"measure {plan.id}: {signer} may not sign as {role}; entitled: {entitled}",
        )
    borne = [person for person in rights if directory.fit_for(person, role)]
    if not borne:
        raise RefusedError(
            "not-entitled",
            f"measure {plan.id}: {rights[0]} lacks the role {role} in their document",
        )
    if kept_apart(plan, signer, role):
        part = "owner" if signer == plan.owner else "sponsor"
        raise RefusedError(
            "duties-not-separate", f"measure {plan.id}: its {part} {signer} cannot sign as {role}"
        )
    free = [person for person in borne if person not in taken]
    if not free:
        raise RefusedError(
            "already-signed", f"measure {plan.id}: {signer} has already signed as {role}"
        )
    return next((person for person in free if person in used), free[0])
