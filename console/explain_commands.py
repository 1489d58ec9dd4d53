"""`sluice explain`: why a measure waits, who holds a pool, what a code means, what rules see."""

from pathlib import Path
from typing import Annotated

import typer

from console.exits import Exit
from console.look_commands import found_measure, status_now
from console.options import Output
from console.output import Form
from console.running import finish


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module."""
    examples = (
        "Examples: sluice explain spring-signups; sluice explain pool kyc; sluice explain R302"
    )
    app.command(epilog=examples)(explain)


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="MEASURE|CODE|pool|launch|conversion|facts|codes",
            help="What is to be explained.",
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="With pool, launch or conversion: its id.")
    ] = None,
    gate: Annotated[
        str | None, typer.Option(help="With facts: only what the rules look at at this gate.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With pool: also draw how full it is.")
    ] = None,
    past: Annotated[
        bool, typer.Option("--past", help="With pool: also the periods that are over.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """Say why a measure waits, who holds a pool, how a conversion learned, what a code means."""
    from console.answering import refusals_as_data
    from console.explain_codes import LOOKS_LIKE_CODE, print_code, print_codes

    if gate is not None and what != "facts":
        raise typer.BadParameter("--gate goes with facts: sluice explain facts --gate decided")
    named = what in ("pool", "launch", "conversion")
    if named != (name is not None) or ((svg or past) and what != "pool"):
        raise typer.BadParameter(
            "a pool is explained by: sluice explain pool POOL [--svg FILE] [--past], a conversion"
            " by: sluice explain conversion CONVERSION, a launch by: sluice explain launch CAMPAIGN"
        )
    if name is not None and what == "conversion":
        _explain_conversion(name, output)
    elif name is not None and what == "launch":
        _explain_launch(name, output)
    elif name is not None:
        _explain_pool(name, svg, output, past=past)
    elif what == "facts":
        from console.explain_facts import print_facts

        with refusals_as_data(output):
            print_facts(gate, output)
    elif what == "codes":
        print_codes(output)
    elif LOOKS_LIKE_CODE.fullmatch(what) or (
        LOOKS_LIKE_CODE.fullmatch(what.upper()) and not _is_measure(what)
    ):
        with refusals_as_data(output):
            print_code(what.upper(), output)
    else:
        _explain_measure(what, output)
    finish(Exit.DONE)


def _is_measure(name: str) -> bool:
    """Tells whether a ledger is at hand and knows a measure of this name."""
    from console.session import find_place, open_ledger
    from measures.errors import SluicegateError

    try:
        with open_ledger(find_place()) as ledger:
            return ledger.measure(name) is not None
    except SluicegateError:
        return False


def _explain_measure(measure: str, output: Form) -> None:
    from console.answering import refusals_as_data
    from console.explaining import print_explanation
    from console.launch_showing import print_launch, view_of
    from console.link_showing import link_views, print_links
    from console.offers_showing import Offers
    from console.output import people as screen
    from console.output import plain, print_data
    from console.plan_offers import offers_for
    from console.remote_showing import print_standing
    from console.remote_showing import view_of as remote_view_of
    from console.session import find_place, open_ledger, system_clock
    from console.surge_showing import print_assessment
    from measures.assessment import assess

    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        state = found_measure(ledger, measure)
        directory = ledger.directory()
        offers = offers_for(ledger, state, directory, system_clock()) or Offers()
        assessment = assess(state, ledger.surroundings(state).pools, directory)
        status = status_now(state, ledger)
        launches = [view_of(one) for one in ledger.launches(live=True, measure=measure)]
        remotes = [remote_view_of(one) for one in ledger.remotes(live=True, measure=measure)]
        links = link_views(ledger, state)
    if output is Form.TABLE:
        print_explanation(status, directory.people, offers=offers)
        print_assessment(state, assessment, directory.people, screen())
        print_links(measure, links, screen())
        for launch in launches:
            print_launch(launch)
        for remote in remotes:
            print_standing(remote)
    else:
        shown = {**plain(status), **plain(offers), **plain(assessment._asdict())}
        shown |= {"launches": plain(launches), "remotes": plain(remotes)}
        print_data({**shown, "links": plain(links)}, output)


def _explain_pool(name: str, svg: Path | None, output: Form, *, past: bool) -> None:
    from console.answering import refusals_as_data
    from console.output import people as screen
    from console.output import plain, print_data
    from console.pool_showing import pool_views, print_pool, save_picture_of
    from console.session import find_place, open_ledger
    from console.throttle_showing import print_load, throttle_views
    from measures.errors import RefusedError

    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        # Ids are in small letters; whoever writes KYC means kyc.
        views = pool_views(ledger, name.casefold(), past=past)
        if not views:
            raise RefusedError("not-found", f"there is no pool {name!r}: sluice get pools")
        [throttle] = throttle_views(ledger, views[0].id)
        people = ledger.directory().people
    if svg is not None:
        save_picture_of(views[0], svg)
    if output is Form.TABLE:
        print_pool(views[0], people, screen())
        print_load(throttle)
    else:
        print_data({**plain(views[0]), "throttle": plain(throttle)}, output)


def _explain_launch(name: str, output: Form) -> None:
    from console.answering import refusals_as_data
    from console.launch_showing import launch_views, print_launch
    from console.output import print_data
    from console.session import find_place, open_ledger
    from measures.errors import RefusedError

    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        views = launch_views(ledger, name)
        if not views:
            raise RefusedError("not-found", f"there is no launch {name!r}: sluice get launches")
    if output is Form.TABLE:
        print_launch(views[0])
    else:
        print_data(views[0], output)


def _explain_conversion(name: str, output: Form) -> None:
    from console.answering import refusals_as_data
    from console.conversion_showing import conversion_views, print_conversion
    from console.output import people as screen
    from console.output import print_data
    from console.session import find_place, open_ledger
    from measures.errors import RefusedError

    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        views = conversion_views(ledger, name)
        if not views:
            listed = "sluice get conversions"
            raise RefusedError("not-found", f"there is no conversion {name!r}: {listed}")
        conversion = ledger.directory().conversions[name]
    if output is Form.TABLE:
        print_conversion(views[0], conversion, screen())
    else:
        print_data(views[0], output)
