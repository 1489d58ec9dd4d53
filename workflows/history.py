"""How long a history may grow before a life continues as new."""

from temporalio import workflow

HISTORY_LIMIT = 2_000
"""Events; well before the server's own limits, and a quarter of a second to replay."""


def has_grown_long() -> bool:
    """Tells whether it is time to continue as new."""
    info = workflow.info()
    return info.is_continue_as_new_suggested() or info.get_current_history_length() >= HISTORY_LIMIT
