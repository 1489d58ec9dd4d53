"""How waits are written, and what was simulated of a measure shown where it stands."""

from rich.console import Console

from measures.queueing.record import RecordedQueue


def print_simulated(queue: RecordedQueue | None, out: Console) -> None:
    """Prints per pool how long those wait whom the measure brings; nothing if nobody asked."""
    if queue is None:
        return
    out.print(f"Queues as simulated on {queue.at:%Y-%m-%d %H:%M} UTC:", markup=False)
    for wait in queue.pools:
        end = f"by {wait.drains_on}" if wait.drains_on else f"later than {wait.watched_until}"
        out.print(
            f"  {wait.pool}: nine of ten wait up to {days(wait.p90_days)},"
            f" {wait.backlog_peak:,.0f} {wait.unit} at the worst, gone {end}",
            markup=False,
        )


def days(number: float) -> str:
    """Writes a wait in words: days, or hours where it is less than two days."""
    if number >= 2:
        return f"{number:.1f} days"
    return f"{number * 24:.1f} h" if number * 24 >= 0.05 else "0 h"


__all__ = ["days", "print_simulated"]
