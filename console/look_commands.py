"""`sluice get` and `sluice wait`: looking changes nothing."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exits import Exit
from console.options import Output
from console.output import Form
from console.running import finish

if TYPE_CHECKING:
    from console.pack_versions import KnownVersion
    from ledger.store import Ledger
    from measures.state import MeasureState
    from measures.status import Status

POLL_SECONDS = 0.3

KINDS = {
    "measure": "Measure",
    "pool": "Pool",
    "throttle": "Throttle",
    "launch": "Launch",
    "launche": "Launch",
    "blackout": "Blackout",
    "conversion": "Conversion",
    "person": "Person",
    "node": "Node",
    "rulepack": "RulePack",
    "pack": "RulePack",
    "delegation": "Delegation",
    "waiver": "Waiver",
    "lifecycle": "Lifecycle",
    "connection": "Connection",
    "mapping": "Mapping",
}


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog="Example: sluice get measures --stage detailed --watch")(get)
    app.command(epilog="Example: sluice wait spring-signups --stage decided --timeout 2h")(wait)


def get(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="measures, pools, waivers, ...")],
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this one.")] = None,
    output: Output = Form.TABLE,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Print again whenever something changes.")
    ] = False,
    stage: Annotated[str | None, typer.Option(help="Measures in this stage.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Measures whose request got this.")] = None,
    rule: Annotated[str | None, typer.Option(help="Measures that this rule blocks.")] = None,
    owner: Annotated[str | None, typer.Option(help="Measures of this owner.")] = None,
    waiting_for: Annotated[str | None, typer.Option(help="Measures waiting for a person.")] = None,
    measure: Annotated[str | None, typer.Option(help="Waivers of this measure.")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Waivers that are over.")] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="Waivers on which nothing opened.")
    ] = False,
    pack: Annotated[
        str | None, typer.Option(metavar="NAME[@DIGEST]", help="Measures that this pack judged.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
) -> None:
    """List documents, measures and waivers, or show one."""
    from console.answering import refusals_as_data
    from console.session import find_place, open_ledger

    wanted = _kind(kind)
    filters = {
        "stage": stage,
        "verdict": verdict,
        "rule": rule,
        "owner": owner,
        "waiting_for": waiting_for,
        "pack": pack,
        "limit": limit,
    }
    if wanted == "Waiver":
        filters = {"measure": measure, "expired": expired, "unused": unused}
    elif measure or expired or unused:
        raise typer.BadParameter("--measure, --expired and --unused are for: sluice get waivers")
    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        seen = ledger.position()
        code = _show(ledger, wanted, name, output, filters)
        while watch and _news_before(ledger, seen, deadline=float("inf")):
            seen = ledger.position()
            code = _show(ledger, wanted, name, output, filters)
    finish(code)


def _news_before(ledger: "Ledger", seen: int, deadline: float) -> bool:
    """Waits until the ledger has grown; it is written by other processes, so it is polled.

    Returns:
        Whether it has before the deadline.
    """
    while ledger.position() == seen:
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _kind(given: str) -> str:
    name = given.casefold()
    for candidate in (name, name.removesuffix("s"), "person" if name == "people" else name):
        if candidate in KINDS:
            return KINDS[candidate]
    known = ", ".join(sorted(f"{kind}s" for kind in KINDS if kind != "launch"))
    raise typer.BadParameter(f"there is no kind {given!r}; known: {known}")


def _show(
    ledger: "Ledger", kind: str, name: str | None, output: Form, filters: dict[str, Any]
) -> Exit:
    from console.output import people, print_data
    from measures.errors import RefusedError

    things = _one(ledger, kind, name) if name else _all(ledger, kind, filters)
    if name and not things:
        listed = f"sluice get {'launches' if kind == 'Launch' else kind.casefold() + 's'}"
        raise RefusedError("not-found", f"there is no {kind} {name!r}: {listed}")
    if output is Form.NAME:
        for thing in things:
            people().print(f"{kind}/{thing['id']}", markup=False)
    elif output is Form.TABLE:
        _print_table(kind, things, single=name is not None)
    else:
        print_data(things[0] if name else things, output)
    return Exit.DONE


def _one(ledger: "Ledger", kind: str, name: str) -> list[dict[str, Any]]:
    from console.output import plain

    if kind == "Measure":
        state = ledger.measure(name)
        return [{**plain(status_now(state, ledger)), "plan": plain(state.plan)}] if state else []
    if kind == "Pool":
        from console.pool_showing import pool_views

        return [plain(view) for view in pool_views(ledger, name, past=True)]
    if kind == "Throttle":
        from console.throttle_showing import throttle_views

        return [plain(view) for view in throttle_views(ledger, name)]
    if kind == "Launch":
        from console.launch_showing import launch_views

        return [plain(view) for view in launch_views(ledger, name)]
    if kind == "Conversion":
        from console.conversion_showing import conversion_views

        return [plain(view) for view in conversion_views(ledger, name)]
    if kind == "Waiver":
        of_measure = {"measure": name.partition("/")[0], "expired": False, "unused": False}
        return [row for row in _all(ledger, kind, of_measure) if row["id"] == name]
    if kind == "RulePack":
        from console.pack_versions import find_version

        return [_pack(ledger, find_version(ledger, name))]
    if kind == "Lifecycle":
        return [one for one in _all(ledger, kind, {}) if one["id"] == name]
    document = ledger.document(kind, name)
    return [{"id": document.id, **document.body}] if document else []


def _all(ledger: "Ledger", kind: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    from console.output import plain

    if kind == "Measure":
        return [plain(row) for row in ledger.find_measures(**filters)]
    if kind == "Pool":
        from console.pool_showing import pool_views

        return [plain(view) for view in pool_views(ledger)]
    if kind == "Throttle":
        from console.throttle_showing import throttle_views

        return [plain(view) for view in throttle_views(ledger)]
    if kind == "Launch":
        from console.launch_showing import launch_views

        return [plain(view) for view in launch_views(ledger)]
    if kind == "Conversion":
        from console.conversion_showing import conversion_views

        return [plain(view) for view in conversion_views(ledger)]
    if kind == "Lifecycle":
        from rules.lifecycle_files import lifecycles_in_force

        in_force = lifecycles_in_force(ledger.directory().lifecycles)
        return [plain(lifecycle) for _, lifecycle in sorted(in_force.items())]
    if kind == "Waiver":
        from console.session import system_clock
        from console.waiver_showing import waiver_rows

        given = ledger.waivers(system_clock(), filters["measure"])
        return waiver_rows(given, expired=filters["expired"], unused=filters["unused"])
    if kind == "RulePack":
        from console.pack_versions import known_versions

        return [_pack(ledger, version) for version in known_versions(ledger)]
    return [{"id": document.id, **document.body} for document in ledger.documents(kind)]


def status_now(state: "MeasureState", ledger: "Ledger") -> "Status":
    """Returns what there is to see of a measure now, its places in queues included."""
    from console.session import system_clock
    from measures.status import status_of

    pools = ledger.pools(sorted({demand.pool for demand in state.plan.demands}))
    return status_of(state, system_clock(), pools=pools.values())


def _pack(ledger: "Ledger", version: "KnownVersion") -> dict[str, Any]:
    judged = ledger.judged_by(version.id).values()
    return version.as_data(measures=sum(digest == version.digest for digest in judged))


_COLUMNS = {
    "Measure": (
        "id",
        "stage",
        "gate",
        "verdict",
        "rules",
        "waived",
        "waiting_for",
        "owner",
        "title",
    ),
    "Person": ("id", "name", "roles"),
    "Node": ("id", "level", "parent", "name"),
    "Lifecycle": ("id", "title", "stages", "frozen_from", "launch_from"),
    "Connection": ("id", "title", "connector"),
    "Mapping": ("id", "version", "connection", "object", "purpose", "move"),
    "Blackout": ("id", "starts", "ends", "zone", "reason", "owner"),
    "Delegation": ("from", "to", "role", "starts", "ends"),
}


def _print_table(kind: str, things: list[dict[str, Any]], *, single: bool) -> None:
    from console.explaining import print_packs, print_status
    from console.output import print_table

    if kind == "Pool":
        from console.pool_showing import print_pools
        from measures.model import restore
        from measures.pool_view import PoolView

        print_pools([restore(PoolView, thing) for thing in things])
    elif kind == "Throttle":
        from console.throttle_showing import ThrottleView, print_throttles
        from measures.model import restore

        print_throttles([restore(ThrottleView, thing) for thing in things], single=single)
    elif kind == "Launch":
        from console.launch_showing import LaunchView, print_launches
        from measures.model import restore

        print_launches([restore(LaunchView, thing) for thing in things])
    elif kind == "Conversion":
        from console.conversion_showing import ConversionView, print_conversions
        from measures.model import restore

        print_conversions([restore(ConversionView, thing) for thing in things])
    elif kind == "Waiver":
        from console.waiver_showing import COLUMNS, table_cells

        print_table(COLUMNS, [table_cells(thing) for thing in things])
    elif kind == "RulePack":
        print_packs(things, single=single)
    elif kind == "Measure" and single:
        print_status(things[0])
    else:
        columns = _COLUMNS[kind]
        if kind == "Measure":
            things = [{**thing, "stage": _stage_cell(thing)} for thing in things]
        rows = [[_cell(thing.get(column)) for column in columns] for thing in things]
        print_table(columns, rows)


def _stage_cell(measure: dict[str, Any]) -> str:
    """Returns a measure's stage and the side state that it is in."""
    side = "cancelled" if measure["cancelled"] else "on hold" if measure["on_hold"] else ""
    return f"{measure['stage']} ({side})" if side else str(measure["stage"])


def _cell(value: Any) -> Any:
    """Returns what a table shows of a value: of things with an id, such as stages, the ids."""
    if isinstance(value, list) and all(isinstance(one, dict) and "id" in one for one in value):
        return [one["id"] for one in value]
    return value


def found_measure(ledger: "Ledger", measure: str) -> "MeasureState":
    """Returns a measure's state.

    Raises:
        RefusedError: there is none.
    """
    from measures.errors import RefusedError

    state = ledger.measure(measure)
    if state is None:
        raise RefusedError("not-found", f"there is no measure {measure!r}: sluice get measures")
    return state


def wait(
    measure: Annotated[str, typer.Argument(metavar="MEASURE", help="The measure's id.")],
    stage: Annotated[str, typer.Option(help="Wait until it has got at least this far.")],
    timeout: Annotated[str, typer.Option(help="How long at most: 90s, 2h, 30d.")] = "1h",
    output: Output = Form.TABLE,
) -> None:
    """Wait until a measure has reached a stage; exit 4 when the time is over, 1 if it ended."""
    from console.answering import print_standing, refusals_as_data
    from console.output import print_data
    from console.session import find_place, open_ledger
    from measures.model import parse_span

    try:
        deadline = time.monotonic() + parse_span(timeout).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        while True:
            seen = ledger.position()
            state = found_measure(ledger, measure)
            if stage not in state.lifecycle.order:
                known = ", ".join(state.lifecycle.order)
                raise typer.BadParameter(f"there is no stage {stage!r}; stages: {known}")
            reached = state.lifecycle.reached(state.stage, stage) and state.cancelled is None
            if reached or state.ended or not _news_before(ledger, seen, deadline):
                break
        status = status_now(state, ledger)
    if output is Form.TABLE:
        print_standing(status)
    else:
        print_data(status, output)
    finish(Exit.DONE if reached else Exit.FAILED if state.ended else Exit.WAITING)
