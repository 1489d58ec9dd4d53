"""Why an activity did not work, in its own words rather than Temporal's."""

from temporalio.exceptions import ActivityError


def why_failed(error: ActivityError) -> str:
    """Returns what the activity said when it failed last."""
    cause = error.cause
    return str(getattr(cause, "message", "") or cause or error)
