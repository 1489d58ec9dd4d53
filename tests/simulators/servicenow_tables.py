"""What an instance knows of itself: its users, its tables, their fields and choices."""

Row = dict[str, str]

STATES = {"New": "1", "In Progress": "2", "On Hold": "3", "Resolved": "6", "Closed": "7",
          "Canceled": "8"}  # fmt: skip
"""The choices of an incident's state as an instance comes with them."""

LENGTHS = {
    "short_description": 160,
    "description": 4000,
    "state": 40,
    "priority": 40,
    "impact": 40,
    "urgency": 40,
    "correlation_id": 100,
    "correlation_display": 100,
    "assignment_group": 32,
    "close_code": 40,
    "close_notes": 4000,
    "work_notes": 4000,
    "comments": 4000,
}
"""The fields of an incident that can be written, and the longest text that each keeps."""

READ_ONLY = frozenset({"priority"})
"""Worked out by the instance from impact and urgency; what is written there is not kept."""

_CHOICES = frozenset({"state", "priority", "impact", "urgency", "close_code"})
_OF_TASK = frozenset(LENGTHS) - {"close_code"}


def _entry(element: str, length: int) -> Row:
    kind = "journal_input" if element in ("work_notes", "comments") else "string"
    return {
        "name": "task" if element in _OF_TASK else "incident",
        "element": element,
        "column_label": element.replace("_", " ").capitalize(),
        "internal_type": "integer" if element in _CHOICES else kind,
        "choice": "3" if element in _CHOICES else "0",
        "max_length": str(length),
        "mandatory": "true" if element == "short_description" else "false",
        "read_only": "true" if element in READ_ONLY else "false",
        "active": "true",
    }


BOOKS: dict[str, list[Row]] = {
    "sys_user": [
        {"user_name": "sluicegate", "name": "Sluicegate", "active": "true"},
        {"user_name": "kim", "name": "Kim", "active": "true"},
    ],
    "sys_db_object": [
        {"name": "task", "label": "Task", "super_class.name": ""},
        {"name": "incident", "label": "Incident", "super_class.name": "task"},
    ],
    "sys_dictionary": [_entry(*one) for one in LENGTHS.items()],
    "sys_choice": [
        {"name": "task", "element": "state", "value": value, "label": label, "language": "en",
         "inactive": "false"}
        for label, value in {"Pending": "-5", "Open": "1", "Closed Complete": "3"}.items()
    ],
    "sys_journal_field": [],
}  # fmt: skip
"""The rows of the tables in which an instance describes itself."""
