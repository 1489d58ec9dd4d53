"""What the ledger knows of permits, for people and programs."""

from typing import Any

from console.session import find_place, open_ledger, system_clock
from ledger.permits import measures_of_campaign, revoked_permits, standing_permits
from measures.errors import ConfigurationError, RefusedError
from measures.permits import audience, moment


def measure_named(name: str) -> str:
    """Returns the measure that an id, a campaign's name or ``CONNECTOR/NAME`` stands for.

    Raises:
        RefusedError: ``unknown-campaign`` or ``two-campaigns``.
    """
    try:
        with open_ledger(find_place()) as ledger:
            if ledger.measure(name) is not None:
                return name
            found = measures_of_campaign(ledger, name)
    except ConfigurationError:
        return name  # no ledger at hand; the engine knows whether there is such a measure
    if len(found) > 1:
        raise RefusedError(
            "two-campaigns",
            f"{name} is the campaign of {', '.join(found)}; name the measure instead",
        )
    if not found:
        raise RefusedError(
            "unknown-campaign",
            f"there is no measure {name}, and none with a campaign of that name:"
            " sluice get measures",
        )
    return found[0]


def standing_rows() -> list[dict[str, Any]]:
    """Returns the permits that stand, one row each."""
    with open_ledger(find_place()) as ledger:
        rows = []
        for state in standing_permits(ledger):
            permit, campaign = state.permit, state.plan.campaign
            assert permit is not None, "only measures with a permit are listed"
            assert campaign is not None, "only campaigns have permits"
            rows.append(
                {
                    "permit": permit.id,
                    "measure": state.id,
                    "campaign": audience(campaign.connector, campaign.ref),
                    "by": permit.by,
                    "granted": permit.at.isoformat(timespec="seconds"),
                    "until": _written(permit.expires_at),
                    "renewed": _written(permit.renew_at),
                    "content": permit.content,
                }
            )
        return rows


def revoked_rows() -> list[dict[str, Any]]:
    """Returns whose permits no longer count although their date has not come."""
    with open_ledger(find_place()) as ledger:
        return [
            {
                "measure": line.measure,
                "through": f"{line.measure}/{line.through}",
                "since": moment(line.at).isoformat(),
                "why": line.why,
                "until": moment(line.until).isoformat(),
            }
            for line in revoked_permits(ledger, system_clock())
        ]


def _written(at: Any) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
