"""`sluice rules case new`: a first case for each answer of a rule, ready to be made real."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rules.schema import Pack, Rule

PackFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="The pack's file, whose cases are beside it; without one, the built-in packs.",
        show_default=False,
    ),
]
Write = Annotated[
    bool, typer.Option("--write", help="Add it to the cases beside FILE; comments are kept.")
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    cases = typer.Typer(help="Write cases.", no_args_is_help=True)
    cases.command(
        epilog="Example: sluice rules case new decided.capacity-covers-demand packs/launch.yaml"
    )(new)
    # A group of one command would swallow its name.
    cases.callback()(lambda: None)
    app.add_typer(cases, name="case")


def new(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")],
    file: PackFile = None,
    write: Write = False,
) -> None:
    """Write a case for each answer of a rule that has none yet.

    Each holds at once: it states the facts that the rule's patterns need and the fields that its
    conditions read, with values that were found by trying. Make them real.
    """
    from console.casefiles import Casefile
    from rules.case_sketching import Sketch

    pack, found = _find(rule, file)
    now = datetime.now(UTC).replace(microsecond=0)
    with Casefile(file, pack, now, write=write) as casefile:
        sketch = Sketch(found, casefile.now, casefile.defaults)
        there = casefile.answers(found.id)
        missing = [case for case in sketch.cases() if case.verdict not in there]
        if missing:
            casefile.add(missing)
        else:
            typer.echo(f"{found.id} has a case for each answer already", err=True)


def _find(rule: str, file: Path | None) -> "tuple[Pack, Rule]":
    """Returns a rule and its pack, or ends the command saying which rules there are."""
    from console.rules_files import load_packs, refuse
    from rules.faults import did_you_mean

    packs, faults, texts = load_packs([file] if file else None)
    if faults:
        refuse(faults, texts)
    rules = {one.id: (pack, one) for _, pack in packs for one in pack.rules}
    if rule not in rules:
        where = file or "the built-in packs"
        raise typer.BadParameter(
            f"there is no rule '{rule}' in {where}; {did_you_mean(rule, rules)}"
        )
    return rules[rule]
