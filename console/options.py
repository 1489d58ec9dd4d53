"""Options that several commands share."""

from typing import Annotated

import typer

from console.output import Form

AsPerson = Annotated[
    str | None,
    typer.Option("--as", metavar="PERSON", help="Act for a person; with the local stack only."),
]
Output = Annotated[Form, typer.Option("-o", "--output", help="table, json, yaml or name.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.")]
