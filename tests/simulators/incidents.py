"""The audit events of a real ServiceNow instance, played into a simulated one in their order.

The events are those of ../shared/data/servicenow-incidents: each says how an incident was after a
change. Used like this::

    history = IncidentHistory(INCIDENTS)
    instance = ServiceNow(states=history.states)
    for event in history.events:
        history.apply(event, instance)
"""

import csv
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.simulators.servicenow import TIME, ServiceNow

INCIDENTS = (
    Path(__file__).resolve().parents[3]
    / "shared"
    / "data"
    / "servicenow-incidents"
    / "incident_event_log.csv"
)

_VALUES = {"New": "1", "Active": "2", "Awaiting Problem": "3", "Awaiting User Info": "4",
           "Awaiting Evidence": "5", "Resolved": "6", "Closed": "7",
           "Awaiting Vendor": "8"}  # fmt: skip


@dataclass(frozen=True)
class IncidentEvent:
    """One change of an incident.

    Attributes:
        number: as people know it, e.g. INC0000045.
        sys_id: as the instance knows it; made from the number, which is all the data has.
        state: the state's label after the change.
        updated_at: when it changed, to the minute.
        updated_by: who changed it.
        sys_mod_count: how often it had been changed by then.
        title: what there is of words about it.
    """

    number: str
    sys_id: str
    state: str
    updated_at: datetime
    updated_by: str
    sys_mod_count: int
    title: str


class IncidentHistory:
    """Every event of the file, oldest first; those of one minute as the file has them.

    Args:
        file: the audit log.

    Attributes:
        events: the events.
        states: the choices of an incident's state, value by label, for `ServiceNow`.
        last: each incident's last event by its sys_id: what everybody must know in the end.
    """

    states = _VALUES

    def __init__(self, file: Path = INCIDENTS) -> None:
        with file.open(encoding="utf-8", newline="") as lines:
            events = [_event(row) for row in csv.DictReader(lines)]
        self.events = tuple(sorted(events, key=lambda one: one.updated_at))
        self.last = {one.sys_id: one for one in self.events}

    def apply(self, event: IncidentEvent, instance: ServiceNow) -> None:
        """Lets the incident be in an instance as it was after a change."""
        before = instance.rows["incident"].get(event.sys_id, {})
        at = event.updated_at.strftime(TIME)
        instance.put(
            "incident",
            {
                "sys_id": event.sys_id,
                "number": event.number,
                "short_description": event.title,
                "description": "",
                "correlation_id": before.get("correlation_id", ""),
                "state": self.states[event.state],
                "sys_created_on": before.get("sys_created_on", at),
                "sys_created_by": before.get("sys_created_by", event.updated_by),
                "sys_updated_on": at,
                "sys_updated_by": event.updated_by,
                "sys_mod_count": str(event.sys_mod_count),
            },
        )


def _event(row: dict[str, str]) -> IncidentEvent:
    number = row["number"]
    return IncidentEvent(
        number=number,
        sys_id=hashlib.md5(number.encode()).hexdigest(),
        state=row["incident_state"],
        updated_at=datetime.strptime(row["sys_updated_at"], "%d-%m-%Y %H:%M").replace(tzinfo=UTC),
        updated_by=row["sys_updated_by"],
        sys_mod_count=int(row["sys_mod_count"]),
        title=f"{row['category']}, {row['subcategory']}, {row['u_symptom']}",
    )
