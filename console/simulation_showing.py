"""How a simulation of queues is shown: a table for people, data for programs, a picture."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from console.output import people, plain, print_table
from console.pictures import Series, draw, save_picture
from console.waits_showing import days
from measures.queueing.outcome import Curve, Simulation
from measures.queueing.record import PoolWait, QueueRecord

ALARM = 0.4
"""From this rise of the acquisition cost on it is an alarm (formula 4)."""

_MOST_MONTHS = 24


def print_simulation(
    simulation: Simulation, words: Sequence[str], pictures: Sequence[Path]
) -> None:
    """Prints the figures of every pool, and what they mean in words."""
    record, out = simulation.record, people()
    played = "without chance" if record.ask.steady else _played(record)
    out.print(f"{record.measure}: queues played {played}", markup=False)
    if words:
        out.print(f"what if {', and '.join(words)}", markup=False)
    out.print()
    print_waits(record.pools)
    for wait, curve in zip(record.pools, simulation.curves, strict=True):
        out.print()
        for line in told(wait):
            out.print(line, markup=False)
        _print_months(curve)
    for picture in pictures:
        out.print(f"\ndrawn: {picture}", markup=False)


def print_waits(waits: Sequence[PoolWait]) -> None:
    """Prints one line of figures per pool."""
    print_table(
        (
            *("pool", "arrive", "served", "backlog", "backlog p90"),
            *("wait p50", "p90", "p95", "gone by p50", "p90"),
        ),
        [
            (
                wait.pool,
                _amount(wait.arrivals),
                _amount(wait.completed),
                _amount(wait.backlog_peak),
                _amount(wait.backlog_peak_p90),
                *(days(one) for one in (wait.p50_days, wait.p90_days, wait.p95_days)),
                *(_gone(one, wait) for one in (wait.drains_on_p50, wait.drains_on)),
            )
            for wait in waits
        ],
    )


def told(wait: PoolWait) -> list[str]:
    """Returns what the figures of a pool mean, one sentence a line."""
    lines = []
    if wait.admissible_share < 1:
        extra = wait.extra_capacity
        more = "nothing is free" if extra is None else f"{extra:+.1%} capacity carries all of it"
        lines.append(
            f"{wait.pool}: {wait.admissible_share:.1%} of the uplift fits what is free; {more}"
        )
    else:
        lines.append(f"{wait.pool}: all of the uplift fits what is free")
    if wait.cost is not None and wait.cost_planned is not None and wait.cost_rise is not None:
        alarm = f", an alarm (from {ALARM:+.0%})" if wait.cost_rise >= ALARM else ""
        lines.append(
            f"{wait.pool}: {wait.cost:,.2f} spent for each one served while it runs,"
            f" {wait.cost_planned:,.2f} if nobody waited: {wait.cost_rise:+.1%}{alarm}"
        )
    elif wait.cost_rise is None:
        lines.append(f"{wait.pool}: nobody is served while it runs")
    by = wait.fluid_drains_on
    lines.append(
        f"{wait.pool}: without chance {_amount(wait.fluid_peak)} {wait.unit} wait at most, and"
        + (f" nobody from {by} on" if by else " they are never served")
    )
    if wait.batch > 1:
        lines.append(
            f"{wait.pool}: {wait.batch:,} {wait.unit} move as one,"
            f" so waits are good to {days(wait.resolution_days)}"
        )
    return lines


def as_data(
    simulation: Simulation, words: Sequence[str], pictures: Sequence[Path]
) -> dict[str, Any]:
    """Returns the simulation as plain data."""
    return {
        **plain(simulation.record),
        "what_if": list(words),
        "months": {
            curve.pool: [
                {
                    "month": f"{month:%Y-%m}",
                    "arrivals": round(came, 3),
                    "service": round(can, 3),
                    "backlog": round(waiting, 3),
                    "backlog_p90": round(high, 3),
                }
                for month, came, can, waiting, high in months_of(curve)
            ]
            for curve in simulation.curves
        },
        "pictures": [str(picture) for picture in pictures],
    }


def months_of(curve: Curve) -> list[tuple[date, float, float, float, float]]:
    """Returns per month what arrives, what can be served, and what waits at its end (mean, P90)."""
    rows: list[tuple[date, float, float, float, float]] = []
    for number, day in enumerate(curve.days):
        came, can = curve.arrivals[number], curve.service[number]
        if rows and (rows[-1][0].year, rows[-1][0].month) == (day.year, day.month):
            came, can = came + rows[-1][1], can + rows[-1][2]
            rows.pop()
        rows.append((day.replace(day=1), came, can, curve.backlog[number], curve.high[number]))
    return rows


def save_pictures(simulation: Simulation, file: Path) -> list[Path]:
    """Draws the queues; with several pools the name of each is added to the file's.

    Raises:
        ConfigurationError: a picture cannot be written.
    """
    several = len(simulation.curves) > 1
    saved = []
    for curve in simulation.curves:
        target = file.with_name(f"{file.stem}-{curve.pool}{file.suffix}") if several else file
        save_picture(picture_of(simulation.record, curve), target)
        saved.append(target)
    return saved


def picture_of(record: QueueRecord, curve: Curve) -> str:
    """Returns the picture of one queue, week by week: what comes, what is served, what waits."""
    weeks = range(0, len(curve.backlog) - 6, 7)
    rows = [
        Series("arrive in the week", [sum(curve.arrivals[n : n + 7]) for n in weeks]),
        Series("can be served in the week", [sum(curve.service[n : n + 7]) for n in weeks], True),
        Series("wait at its end", [curve.backlog[n + 6] for n in weeks]),
    ]
    if not record.ask.steady:
        high = [curve.high[n + 6] for n in weeks]
        rows.append(Series("wait at its end, P90", high, dashed=True))
    return draw(
        "lines",
        f"{curve.title}: the queue of {record.measure}",
        [(curve.first + timedelta(days=n)).isoformat() for n in weeks],
        rows,
        unit=curve.unit,
    )


def _print_months(curve: Curve) -> None:
    rows = months_of(curve)
    print_table(
        ("month", "arrive", "can be served", "wait at its end", "p90"),
        [
            (f"{month:%Y-%m}", *map(_amount, (came, can, waiting, high)))
            for month, came, can, waiting, high in rows[:_MOST_MONTHS]
        ],
    )
    if len(rows) > _MOST_MONTHS:
        people().print(f"and {len(rows) - _MOST_MONTHS} more months: -o json", markup=False)


def _played(record: QueueRecord) -> str:
    return f"{record.ask.replications} times, seed {record.seed}"


def _gone(day: date | None, wait: PoolWait) -> str:
    return f"after {wait.watched_until}" if day is None else day.isoformat()


def _amount(number: float) -> str:
    if number >= 100 or number < 0.005:
        return f"{number:,.0f}"
    return f"{number:,.3g}"


__all__ = ["as_data", "print_simulation", "print_waits", "save_pictures", "told"]
