"""Waivers: one named blocker is set aside by an entitled person, for a reason, until a day.

A waiver covers what its giver saw and nothing else: the same rule about the same facts at the
same gate, with the same answer, requirement, values and words. Whether other numbers are better
or worse cannot be told from the numbers; so a shortfall that has grown from 2,000 to 9,000 is not
covered, nor is one that has shrunk, and the waiver says that it has changed since. A giver who
accepts more says how much: a value may move between what was seen and a bound, in the direction
in which the bound lies. Each value that has none stays as it was.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Any, Literal

from measures.model import Bound, Moment, Stored, Text
from measures.plan import Demand
from measures.verdict import Answer, Blocker, Verdict, Waived

WaivingRole = Literal["sponsor", "controller", "committee", "administrator"]
"""The roles in which blockers are waived; never the owner, who is the one held to the rules."""

WAIVING_ROLES: tuple[WaivingRole, ...] = ("sponsor", "administrator")
"""Who may waive the blockers of a rule that says nothing about it."""

LONGEST_WAIVER = timedelta(days=366)
"""An exception that lasts longer is a rule: change the pack instead."""

KEPT_WAIVERS = 100
"""So many a measure remembers; one that drops out covers nothing, and the ledger still has it."""


class Waiver(Stored):
    """That one blocker of a measure is set aside.

    Attributes:
        id: ``w`` and the number of its entry in the measure's life.
        gate, rule, subject: the blocker that it names.
        answer, wanted, message, seen: what the giver saw of it.
        up_to: how far single values of `seen` may move; when it names any, the message may change
            with them.
        by, on_behalf_of: who gave it, and whose right it was: their own, or of who delegated.
        role: the role in which that one is entitled.
        until: the moment from which it covers nothing any more.
        used_at: when a gate first opened on it.
        ended: how it ended before or at its time; empty while that is not recorded.
        ended_reason: why it was revoked.
    """

    id: str
    gate: str
    rule: str
    subject: str
    answer: Literal["block", "inconclusive"]
    wanted: Text
    message: Text
    seen: dict[str, Any]
    up_to: dict[str, Bound] = {}
    by: str
    on_behalf_of: str
    role: str
    reason: Text
    at: Moment
    until: Moment
    used_at: Moment | None = None
    ended: Literal["", "revoked", "expired"] = ""
    ended_at: Moment | None = None
    ended_reason: str = ""

    def in_force(self, now: datetime) -> bool:
        """Tells whether it may cover anything at a time."""
        return not self.ended and self.at <= now < self.until

    def names(self, gate: str, blocker: Blocker) -> bool:
        """Tells whether it was given for this blocker, whatever is seen of it now."""
        return (self.gate, self.rule, self.subject) == (gate, blocker.rule, blocker.subject)

    def fits(self, gate: str, blocker: Blocker) -> bool:
        """Tells whether a blocker is still exactly what was set aside, and may still be."""
        return (
            self.names(gate, blocker)
            and self.role in blocker.waive_by
            and (self.answer, self.wanted) == (blocker.answer, blocker.wanted)
            and self._accepts(blocker)
        )

    def moved(self, blocker: Blocker) -> tuple[str, ...]:
        """Returns the names of the values of a blocker that are not as they were accepted."""
        names = {**self.seen, **blocker.seen}
        return tuple(name for name in names if not self._accepts_value(name, blocker))

    def _accepts(self, blocker: Blocker) -> bool:
        return not self.moved(blocker) and (bool(self.up_to) or self.message == blocker.message)

    def _accepts_value(self, name: str, blocker: Blocker) -> bool:
        if (name in self.seen) != (name in blocker.seen):
            return False
        before, now = self.seen.get(name), blocker.seen.get(name)
        return before == now or (name in self.up_to and _between(before, now, self.up_to[name]))


def apply(verdict: Verdict, waivers: Sequence[Waiver], now: datetime) -> Verdict:
    """Returns a verdict whose blockers are those that no waiver covers; pure.

    What is covered moves to `Verdict.waived`; without blockers the gate passes. Digests of facts
    and packs stay: a waiver changes what follows from a judgement, not the judgement.
    """
    kept: list[Blocker] = []
    waived = list(verdict.waived)
    for blocker in verdict.blockers:
        cover = _cover(verdict.gate, blocker, waivers, now)
        if cover is None:
            kept.append(blocker)
        else:
            waived.append(_set_aside(blocker, cover))
    if len(waived) == len(verdict.waived):
        return verdict
    return verdict.model_copy(
        update={
            "verdict": _answer(kept),
            "blockers": tuple(kept),
            "waived": tuple(waived),
            "unblock": verdict.unblock if kept else (),
            "no_remedy": tuple(r for r in verdict.no_remedy if any(b.rule == r for b in kept)),
        }
    )


def covers(waivers: Sequence[Waiver], gate: str, blocker: Blocker, now: datetime) -> bool:
    """Tells whether one of the waivers sets a blocker aside."""
    return _cover(gate, blocker, waivers, now) is not None


def used(waivers: tuple[Waiver, ...], ids: AbstractSet[str], at: datetime) -> tuple[Waiver, ...]:
    """Returns the waivers after a gate opened on some of them."""
    first = {"used_at": at}
    return tuple(
        w.model_copy(update=first) if w.id in ids and w.used_at is None else w for w in waivers
    )


def ended(
    waivers: tuple[Waiver, ...],
    name: str,
    how: Literal["revoked", "expired"],
    at: datetime,
    reason: str = "",
) -> tuple[Waiver, ...]:
    """Returns the waivers after one has ended."""
    end = {"ended": how, "ended_at": at, "ended_reason": reason}
    return tuple(w.model_copy(update=end) if w.id == name else w for w in waivers)


def as_bound(value: object) -> float | int | date | None:
    """Returns a value that a blocker shows as what it can be bounded by; None when by nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return value
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return day if day.isoformat() == value else None


def written(value: object) -> str:
    """Writes a value that a blocker shows as people read it."""
    if value is None:
        return "unknown"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:,}" if number else str(value)


def next_expiry(waivers: Iterable[Waiver]) -> datetime | None:
    """Returns when the next waiver ends by itself; None when none is left."""
    return min((waiver.until for waiver in waivers if not waiver.ended), default=None)


def demands_to_hold(demands: tuple[Demand, ...], verdict: Verdict | None) -> tuple[Demand, ...]:
    """Returns the demands whose capacity a gate needs held: all but those that were waived.

    A pool never holds more than it has, so a shortage that is set aside is not reserved; the
    launch asks for the reservation again.
    """
    waived = verdict.waived if verdict is not None else ()
    aside = {part for blocker in waived for part in blocker.subject.split(" ")}
    return tuple(d for d in demands if f"demand:{d.pool}/{d.period}" not in aside)


def _between(before: object, now: object, bound: float | date) -> bool:
    """Tells whether a value lies from what it was through a bound, on whichever side that is."""
    first, value = as_bound(before), as_bound(now)
    if isinstance(first, date) and isinstance(value, date) and isinstance(bound, date):
        return min(first, bound) <= value <= max(first, bound)
    if isinstance(first, int | float) and isinstance(value, int | float):
        return not isinstance(bound, date) and min(first, bound) <= value <= max(first, bound)
    return False


def _cover(gate: str, blocker: Blocker, waivers: Sequence[Waiver], now: datetime) -> Waiver | None:
    return next((w for w in waivers if w.in_force(now) and w.fits(gate, blocker)), None)


def _set_aside(blocker: Blocker, waiver: Waiver) -> Waived:
    return Waived(
        **dict(blocker),
        waiver=waiver.id,
        by=waiver.by,
        on_behalf_of=waiver.on_behalf_of,
        reason=waiver.reason,
        until=waiver.until,
    )


def _answer(blockers: Sequence[Blocker]) -> Answer:
    if any(blocker.answer == "block" for blocker in blockers):
        return "block"
    return "inconclusive" if blockers else "pass"
