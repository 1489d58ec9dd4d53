"""Waivers in a list, and beside the reasons why a measure waits."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from console.output import people as screen
from measures.verdict import Waived
from measures.waiver_standing import WaiverStanding

COLUMNS = ("id", "gate", "rule", "subject", "by", "until", "standing", "use", "reason")


def waiver_rows(
    waivers: Sequence[WaiverStanding], *, expired: bool, unused: bool
) -> list[dict[str, Any]]:
    """Returns waivers as data; an ``id`` names its measure too.

    Args:
        expired: only those whose time is over.
        unused: only those on which no gate opened and none is about to.
    """
    from console.output import plain

    return [
        {**plain(one), "id": f"{one.measure}/{one.id}"}
        for one in waivers
        if (not expired or one.standing == "expired") and (not unused or one.use == "unused")
    ]


def table_cells(row: dict[str, Any]) -> list[object]:
    """Returns what a table shows of a waiver."""
    use = f"{row['use']}: {row['why']}" if row["why"] else row["use"]
    shown = {**row, "until": row["until"][:16].replace("T", " "), "use": use}
    return [shown[column] for column in COLUMNS]


def print_waived(
    waived: Sequence[Waived], named: Callable[[str], str], out: Console | None = None
) -> None:
    """Prints the blockers that waivers set aside, apart from those that hold the gate."""
    out = out or screen()
    for one in waived:
        acts_for = "" if one.by == one.on_behalf_of else f" for {named(one.on_behalf_of)}"
        out.print(f"\n[cyan]waived[/] [bold]{one.rule}[/]  [dim]{one.waiver}[/]")
        out.print(f"   {one.message}", markup=False)
        out.print(
            f"   by      {named(one.by)}{acts_for} until {one.until:%Y-%m-%d %H:%M} UTC",
            markup=False,
        )
        out.print(f"   reason  {one.reason}", markup=False)


def print_idle(waivers: Sequence[WaiverStanding], out: Console | None = None) -> None:
    """Prints the waivers that are unused or over."""
    out = out or screen()
    for one in waivers:
        if one.standing == "in-force" and one.use != "unused":
            continue
        end = "in force until" if one.standing == "in-force" else f"{one.standing}; it ran to"
        why = f"{one.use}: {one.why}" if one.why else one.use
        out.print(
            f"waiver {one.id} of {one.by} for {one.rule} at gate {one.gate}:"
            f" {end} {one.until:%Y-%m-%d %H:%M} UTC, {why}",
            markup=False,
        )


def counted(waived: Sequence[Waived]) -> str:
    """Says on how many waivers an answer stands, to put behind it; empty for none."""
    if not waived:
        return ""
    return f" with {len(waived)} waiver{'s' if len(waived) > 1 else ''}"
