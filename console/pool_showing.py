"""Pools in a list, and one pool explained: who holds what, what is stale, how full it is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from console.output import people as screen
from console.output import print_table
from console.pool_chart import bars, legend
from measures.model import write_span
from measures.people import Person
from measures.pool_state import Uncovered
from measures.pool_view import FeedView, PeriodView, PoolView

if TYPE_CHECKING:
    from ledger.store import Ledger
    from rules.schema import Pack

COLUMNS = (
    "id",
    "unit",
    "owner",
    "period",
    "capacity",
    "held",
    "free",
    "waiting",
    "reported",
    "source",
)


def pool_views(ledger: "Ledger", name: str | None = None, *, past: bool = False) -> list[PoolView]:
    """Returns all pools, or the one of a name; nothing where there is none.

    Args:
        ledger: where they are.
        name: the only one to return.
        past: whether periods that are over are shown too.
    """
    from console.session import system_clock
    from ledger.feeds import FeedStates
    from measures.pool_view import view_of
    from rules.faults import FaultsFound
    from rules.loader import packs_in_force

    states = ledger.pools([name]) if name is not None else ledger.pools()
    try:
        accepted = accepted_age(packs_in_force(ledger.directory().packs))
    except FaultsFound:
        accepted = None  # what judges is not known, so nothing is called too old for it
    now, fed = system_clock(), FeedStates(ledger.database).of(name)
    return [
        view_of(state, now, accepted, past=past, fed=fed) for _, state in sorted(states.items())
    ]


def accepted_age(packs: "Iterable[Pack]") -> timedelta | None:
    """Returns how old a statement of capacity may be for the strictest rule; None without any."""
    spans = [
        span
        for pack in packs
        for rule in pack.rules
        for name, span in rule.fresh.items()
        if rule.kinds[name] == "offer" and rule.text.mode != "off"
    ]
    return min(spans, default=None)


def print_pools(views: Sequence[PoolView]) -> None:
    """Prints a line per period of each pool."""
    print_table(COLUMNS, [cells for view in views for cells in _lines(view)])


def _lines(view: PoolView) -> list[tuple[object, ...]]:
    if not view.periods:
        return [(view.id, view.unit, view.owner, *([None] * 7))]
    return [
        (
            view.id,
            view.unit,
            view.owner,
            one.period,
            _number(one.capacity),
            _number(one.held),
            _number(one.free),
            _number(one.waited_for),
            _reported(one),
            one.source or one.by,
        )
        for one in view.periods
    ]


def print_pool(view: PoolView, people: Mapping[str, Person], out: Console) -> None:
    """Prints how full each period of a pool is, who holds it, and what can be relied on."""
    owner = people.get(view.owner)
    named = f"{owner.name} ({view.owner})" if owner else view.owner
    out.print(
        Text.assemble((view.title, "bold"), f" ({view.id}), in {view.unit}, stated by {named}")
    )
    for feed in view.feeds:
        _print_feed(feed, out)
    if view.over:
        out.print(
            f"left out because they are over: {view.over} (sluice explain pool {view.id} --past)",
            markup=False,
        )
    if not view.periods:
        out.print(
            f"No capacity is stated: sluice capacity {view.id} --period PERIOD --amount N"
            f" --as {view.owner}",
            markup=False,
        )
        return
    drawn = bars(view, out.encoding)
    width = max(len(one.period) for one in view.periods)
    for one in view.periods:
        out.print()
        out.print(
            Text.assemble(
                (f"{one.period:<{width}}", "bold"), "  ", drawn[one.period], f"  {_full(one)}"
            )
        )
        _print_statement(view, one, out)
        _print_shares(one, out)
    out.print()
    out.print(legend(out.encoding))


def _print_feed(feed: FeedView, out: Console) -> None:
    read = f"last read {_at(feed.last_success)}" if feed.last_success else "not read yet"
    out.print(f"fed: {feed.gives} from {feed.source}, every {feed.every}; {read}", markup=False)
    if feed.fails and feed.last_error_at is not None:
        connection = feed.source.partition(":")[0]
        out.print(f"   fails   {_at(feed.last_error_at)}: {feed.last_error}", markup=False)
        out.print(f"   check   sluice connectors check {connection}", markup=False)
    elif not feed.last_success:
        out.print("   waits   a worker reads it: sluice up, or sluice worker", markup=False)


def print_uncovered(pool: str, uncovered: Iterable[Uncovered]) -> None:
    """Prints whose reservations a pool no longer covers, who lost first at the head."""
    for lost in uncovered:
        screen().print(
            f"{lost.measure} holds {lost.held:,} in {lost.period}, of which {lost.covered:,} are"
            f" covered now; until all is, its launch is shut: sluice explain pool {pool}",
            markup=False,
        )


def _print_statement(view: PoolView, seen: PeriodView, out: Console) -> None:
    report = f"sluice capacity {view.id} --period {seen.period} --amount N --as {view.owner}"
    if seen.capacity is None:
        out.print(f"   unknown nobody stated it: {report}", markup=False)
        return
    source = f" ({seen.source})" if seen.source else ""
    out.print(f"   stated  {_age(seen)} ago by {seen.by}{source}", markup=False)
    if seen.stale:
        out.print(f"   stale   too old for the rules in force: {report}", markup=False)
    if seen.over:
        more = f"{_number(seen.over)} {view.unit} are held that are not there"
        out.print(f"   over    {more}: {report}", markup=False)


def _print_shares(seen: PeriodView, out: Console) -> None:
    for share in seen.shares:
        verb = "holds" if share.hard else "notes"
        lost = share.hard and share.covered < share.amount
        covered = f", of which {_number(share.covered)} are covered" if lost else ""
        out.print(
            f"   {verb}   {share.measure}: {_number(share.amount)}{covered},"
            f" since {share.since:%Y-%m-%d %H:%M} (priority {share.priority})",
            markup=False,
        )
    for place, waiter in enumerate(seen.waiting, start=1):
        kept = (
            "" if waiter.kept else "; nothing is kept for it: some pool states less than it needs"
        )
        out.print(
            f"   waits   {place}. {waiter.measure}: {_number(waiter.amount)},"
            f" since {waiter.since:%Y-%m-%d %H:%M} (priority {waiter.priority}){kept}",
            markup=False,
        )


def _full(seen: PeriodView) -> str:
    if seen.capacity is None:
        return f"{_number(seen.held)} held"
    share = f" ({seen.utilisation:.0%})" if seen.utilisation is not None else ""
    return (
        f"{_number(seen.held)} of {_number(seen.capacity)} held{share}, {_number(seen.free)} free"
    )


def _reported(seen: PeriodView) -> str | None:
    age = _age(seen)
    return f"{age} (stale)" if age and seen.stale else age


def _number(amount: float | None) -> str | None:
    return None if amount is None else f"{amount:,}"


def _age(seen: PeriodView) -> str | None:
    """Writes how long ago a statement was made, in its largest whole unit, e.g. ``3d``."""
    if seen.age_seconds is None:
        return None
    for seconds in (86_400, 3_600, 60):
        if seen.age_seconds >= seconds:
            return write_span(timedelta(seconds=seen.age_seconds // seconds * seconds))
    return f"{seen.age_seconds}s"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def save_picture_of(view: PoolView, file: Path) -> None:
    """Writes the chart of a pool as an SVG file.

    Raises:
        ConfigurationError: it cannot be written there.
    """
    from console.pictures import save_picture
    from console.pool_chart import picture

    save_picture(picture(view), file)


__all__ = ["accepted_age", "pool_views", "print_pool", "print_pools", "save_picture_of"]
