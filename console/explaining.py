"""Why a measure waits, in words: the product's main sentence, the same wherever it is said."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from console.offers_showing import Offers, print_offers
from console.output import people as screen
from console.output import print_table
from console.waits_showing import print_simulated
from console.waiver_showing import counted, print_idle, print_waived
from measures.answers import Answer
from measures.people import ENGINE, Person
from measures.rollout import SHORT
from measures.status import Reason, Status, WouldBlock
from measures.verdict import Change
from rules.wording import in_words

_SHOWN_ELSEWHERE = (
    "plan",
    "breach",
    "delivery",
    "reasons",
    "seen",
    "unblock",
    "no_remedy",
    "waived",
    "waivers",
)
_COLOURS = {"pass": "green", "block": "red", "inconclusive": "yellow"}


def print_explanation(
    status: Status,
    people: Mapping[str, Person],
    out: Console | None = None,
    offers: Offers | None = None,
) -> None:
    """Prints where a measure stands, every reason why it waits, and what could be done instead."""
    out = out or screen()
    out.print(f"[bold]{escape(status.title)}[/] ({status.id}) is [bold]{status.stage}[/]")
    if status.cancelled:
        out.print("It is cancelled.")
    elif status.on_hold:
        print_hold(status, people, out)
    elif status.requested_at is None:
        ask = f"; nobody has asked for gate {status.gate}: sluice advance {status.id}"
        out.print("It waits for nothing" + ("" if status.ended else ask))
        if status.waived:
            out.print(f"Its latest gate passed{counted(status.waived)}.")
    else:
        colour = _COLOURS.get(status.verdict, "white")
        out.print(
            f"Gate [bold]{status.gate}[/]: [{colour}]{status.verdict.upper()}[/]"
            f"{counted(status.waived)}, asked for by"
            f" {status.requested_by} on {status.requested_at:%Y-%m-%d %H:%M}"
        )
        for number, reason in enumerate(status.reasons, start=1):
            print_reason(number, reason, people, out)
        print_queue(status, out)
        print_ways_out(status, people, out)
    print_lost_cover(status, out)
    print_permit(status, out)
    print_simulated(status.simulated, out)
    if offers is not None:
        print_offers(offers, out)
    print_waived(status.waived, lambda person: _named(person, people), out)
    print_idle(status.waivers, out)
    shown = {would.rule for would in status.would_block}
    for warning in status.warnings:
        if warning not in shown:
            out.print(f"[yellow]warning[/] {escape(warning)}")
    for would in status.would_block:
        print_would_block(would, out)
    if status.packs:
        judged = ", ".join(f"{name}@{digest[:SHORT]}" for name, digest in status.packs.items())
        out.print(f"\n[dim]judged by {escape(judged)}[/]")


def print_permit(status: Status, out: Console) -> None:
    """Prints until when the launch permit stands, or how it ended."""
    end = status.permit_ended
    if status.permit_until is not None:
        out.print(
            f"Launch permit {status.permit_id} stands until {status.permit_until:%Y-%m-%d %H:%M}"
            " UTC and is renewed while the launch gate passes",
            markup=False,
        )
    elif end is not None and not status.ended:
        who = "the engine" if end.by == ENGINE else end.by
        why = f": {end.reason}" if end.reason else ""
        out.print(
            f"Launch permit {end.permit} was ended by {who} on {end.at:%Y-%m-%d %H:%M} UTC"
            f" ({end.why}){why}; ask again: sluice launch {status.id}",
            markup=False,
        )


def print_hold(status: Status, people: Mapping[str, Person], out: Console) -> None:
    """Prints why a measure is on hold, and how it goes on."""
    if status.breach is None:
        why = f" ({status.hold_reason})" if status.hold_reason else ""
        out.print(f"It is on hold{why}: sluice resume {status.id}", markup=False)
        return
    out.print(f"It is on hold since {status.breach.at:%Y-%m-%d %H:%M} UTC:", markup=False)
    out.print(f"  {status.breach.words}", markup=False)
    out.print(
        "  Its campaign is held and its permit revoked. To let it go on, say why:\n"
        f"  sluice resume {status.id} --reason ...; then: sluice launch {status.id}",
        markup=False,
    )


def print_queue(status: Status, out: Console) -> None:
    """Prints where a measure stands in the queues of pools; it is served there by itself."""
    for place in status.queue:
        kept = "" if place.kept else "; nothing is kept for it: it needs more than there is at all"
        out.print(
            f"\nIt waits at pool {place.pool}: place {place.position} of {place.of},"
            f" asked on {place.since:%Y-%m-%d %H:%M} UTC{kept}",
            markup=False,
        )


def print_lost_cover(status: Status, out: Console) -> None:
    """Prints what a measure holds that pools no longer cover, and where to see who does."""
    for lost in status.uncovered:
        out.print(
            f"Of {lost.held:,} held at pool {lost.pool} for {lost.period} only {lost.covered:,} are"
            f" covered; until all is, its launch is shut: sluice explain pool {lost.pool}",
            markup=False,
        )


def print_would_block(would: WouldBlock, out: Console) -> None:
    """Prints what a rule that is not enforced found, and from when it will hold the gate."""
    until = f", holds the gate from {would.enforce_from}" if would.enforce_from else ""
    more = f" (and {would.count - 1} more)" if would.count > 1 else ""
    out.print(
        f"[yellow]{would.mode}[/] [bold]{escape(would.rule)}[/]{until}: "
        f"{escape(would.message)}{more}"
    )


def print_reason(
    number: int, reason: Reason, people: Mapping[str, Person], out: Console | None = None
) -> None:
    """Prints one blocker in full."""
    out = out or screen()
    place = f"{reason.pack}:{reason.line}" if reason.line else reason.pack
    out.print(f"\n{number}. [bold]{escape(reason.rule)}[/]  [dim]{escape(place)}[/]")
    out.print(f"   {reason.message}", markup=False)
    if reason.wanted:
        out.print(f"   wanted  {reason.wanted}", markup=False)
    if reason.seen:
        seen = ", ".join(f"{name} {in_words(value)}" for name, value in reason.seen.items())
        out.print(f"   seen    {seen}", markup=False)
    if reason.since is not None:
        out.print(f"   since   {reason.since:%Y-%m-%d %H:%M} UTC", markup=False)
    who = ", ".join(_named(person, people) for person in reason.who) or "nobody is named"
    out.print(f"   who     {who}", markup=False)
    if reason.command:
        out.print(f"   how     {reason.command}", markup=False)


def print_ways_out(status: Status | Answer, people: Mapping[str, Person], out: Console) -> None:
    """Prints the sets of changes that open the gate, or which rules nothing known satisfies."""
    if status.unblock:
        out.print(f"\nWhat would unblock it{', one of' if len(status.unblock) > 1 else ''}:")
    for number, proposal in enumerate(status.unblock, start=1):
        for place, change in enumerate(proposal.changes):
            lead = f"{number}." if place == 0 else "  "
            joint = "" if place == 0 else "and "
            out.print(f"  {lead} {joint}{change.text}{_by(change, people)}", markup=False)
            if change.command:
                out.print(f"       {change.command}", markup=False)
    for rule in status.no_remedy:
        out.print(f"\n{rule} has no known remedy", markup=False)


def print_status(status: Mapping[str, Any]) -> None:
    """Prints a measure's status, one line per field that says something."""
    out = screen()
    for field, value in status.items():
        if field in _SHOWN_ELSEWHERE or value in (None, "", [], {}, 0, False):
            continue
        if field == "packs":
            shown = ", ".join(f"{name}@{digest[:SHORT]}" for name, digest in value.items())
        elif field == "queue":
            shown = ", ".join(f"{one['pool']}: {one['position']} of {one['of']}" for one in value)
        elif field == "uncovered":
            shown = ", ".join(
                f"{one['pool']} {one['period']}: {in_words(one['covered'])} of"
                f" {in_words(one['held'])} covered"
                for one in value
            )
        elif field == "would_block":
            shown = ", ".join(f"{would['rule']} ({would['mode']})" for would in value)
        elif isinstance(value, dict):
            shown = ", ".join(f"{name}: {in_words(inner)}" for name, inner in _named_values(value))
        elif isinstance(value, list):
            shown = ", ".join(map(str, value))
        else:
            shown = in_words(value)
        out.print(f"{field:<14} {shown}", markup=False)
    if status.get("waived"):
        rules = ", ".join(f"{one['rule']} ({one['waiver']})" for one in status["waived"])
        out.print(f"{'waived':<14} {rules}", markup=False)
    if status.get("blockers"):
        out.print(f"\nwhy it waits: sluice explain {status['id']}", markup=False)


def print_packs(packs: Sequence[Mapping[str, Any]], *, single: bool) -> None:
    """Prints versions of packs, one line each; a single one with its rules."""
    print_table(
        ("pack", "newest", "policy", "lifecycle", "rules", "since", "by", "measures", "title"),
        [
            (
                f"{pack['id']}@{pack['digest'][:SHORT]}",
                "yes" if pack["newest"] else "no",
                pack["policy"],
                pack["lifecycle"],
                len(pack["rules"]),
                (pack["since"] or "")[:16],
                pack["by"],
                pack["measures"],
                pack["title"],
            )
            for pack in packs
        ],
    )
    if single:
        screen().print()
        print_table(
            ("rule", "gate", "mode", "enforce_from", "title"),
            [
                (
                    rule["id"],
                    rule["gate"],
                    rule.get("mode", "enforce"),
                    rule.get("enforce_from"),
                    rule.get("title"),
                )
                for rule in packs[0]["rules"]
            ],
        )


def _by(change: Change, people: Mapping[str, Person]) -> str:
    if not change.by:
        return ""
    others = " or ".join(_named(person, people) for person in change.instead)
    by = ", ".join(_named(person, people) for person in change.by)
    return f" ({by}{f', or {others}' if others else ''})"


def _named(person: str, people: Mapping[str, Person]) -> str:
    known = people.get(person)
    return f"{known.name} ({person})" if known else person


def _named_values(values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yields what says something in a map, a map within it by both names."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{name} {inner}", one) for inner, one in _named_values(value))
        elif value:
            yield name, value
