"""Options that several commands share."""

from typing import Annotated

import typer

from console.output import Form


def _said(context: typer.Context, option: typer.CallbackParam, reason: str) -> str:
    """Refuses a reason that was given and says nothing."""
    source = context.get_parameter_source(option.name or "")
    given = source is not None and source.name == "COMMANDLINE"
    if given and not reason.strip():
        raise typer.BadParameter("blanks are no reason; say why in words, it is kept in the ledger")
    return reason


AsPerson = Annotated[
    str | None,
    typer.Option("--as", metavar="PERSON", help="Act for a person; with the local stack only."),
]
Output = Annotated[Form, typer.Option("-o", "--output", help="table, json, yaml or name.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.", callback=_said)]
