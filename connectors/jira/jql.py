"""Questions in Jira's query language.

Times in it are minutes (Atlassian, "JQL fields": Updated), on the wall clock of the account that
asks; the latter is what everybody tells, though no page of the vendor's was found that does.
"""

from datetime import datetime, timedelta, tzinfo

from connectors.failures import Rejected


def quoted(text: str) -> str:
    """Returns a text as a string of the language, whatever it is made of.

    Raises:
        Rejected: it holds what no string can, such as a line break.
    """
    if not text.isprintable():
        msg = f"Jira cannot look for {text!r}: it holds characters that cannot be written in JQL"
        raise Rejected(msg)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wall_minute(moment: datetime, zone: tzinfo) -> str:
    """Returns a minute on the wall clock that is at or before a moment, however it is read.

    In the hour that comes twice when summer ends, a wall time means two moments; then the hour
    before is named, so that nothing is missed.
    """
    wall = moment.astimezone(zone).replace(second=0, microsecond=0)
    if max(wall.replace(fold=fold).timestamp() for fold in (0, 1)) > moment.timestamp():
        wall = (wall - timedelta(hours=1)).replace(fold=0)
    return f"{wall:%Y-%m-%d %H:%M}"
