"""Encoded queries: what is asked of a table, in ServiceNow's one-line form.

Source: "Operators available for filters and queries". Conditions are joined by `^`, and no way is
documented to write that letter itself; a value that begins with `javascript:` would be run.
"""

from connectors.failures import Rejected


def query(*conditions: str, order: tuple[str, ...] = ()) -> str:
    """Joins conditions, all of which must hold, and says how what is found is sorted."""
    return "^".join((*conditions, *(f"ORDERBY{field}" for field in order)))


def condition(field: str, operator: str, value: str) -> str:
    """Returns one condition.

    Raises:
        Rejected: the value would mean something else in a query.
    """
    if "^" in value or value.lower().lstrip().startswith("javascript:"):
        msg = f"ServiceNow cannot be asked for {value[:100]!r}: it would not be taken literally"
        raise Rejected(msg)
    return f"{field}{operator}{value}"
