"""`sluice permit`: issue, check, revoke and list launch permits, and publish what checks them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.asking import ask_and_end, made
from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form, people, print_data, print_table
from console.permit_key_commands import app as keys_app
from console.running import finish, run

if TYPE_CHECKING:
    from measures.permit_checking import Checked

app = typer.Typer(help="Permits that let campaigns launch.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

_Name = Annotated[
    str, typer.Argument(metavar="MEASURE|REF", help="The measure's id, or its campaign's name.")
]
_Content = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What is shown to people, e.g. the page.")
]


@app.command(epilog="Example: sluice permit issue spring-signups --content page.html --as olga")
def issue(
    name: _Name,
    content: _Content = None,
    digest: Annotated[
        str | None, typer.Option(metavar="SHA256", help="Its SHA-256 instead of the file.")
    ] = None,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Ask for a launch permit; -o name prints nothing but the permit."""
    from console.answering import denied_by_default

    with denied_by_default(output):
        measure = _measure(name)
    bound = _digest(content, digest)
    ask_and_end(
        measure,
        lambda client, by: client.launch(measure, by, content=bound),
        as_person,
        output,
        permit=True,
    )


@app.command(epilog="Example: sluice permit check permit.jws --campaign CMP-1 --bundle permits/")
def check(
    permit: Annotated[
        str, typer.Argument(metavar="TOKEN|FILE|-", help="The permit; - reads it from stdin.")
    ],
    campaign: Annotated[
        str, typer.Option(metavar="REF", help="What is to run: REF or CONNECTOR/REF.")
    ],
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keys and list of `permit bundle`, to ask nobody."),
    ] = None,
    content: _Content = None,
    digest: Annotated[
        str | None, typer.Option(metavar="SHA256", help="Its SHA-256 instead of the file.")
    ] = None,
    spent_volume: Annotated[float, typer.Option(help="How many people it has reached.")] = 0,
    spent_budget: Annotated[float, typer.Option(help="How much it has spent.")] = 0,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Another time than now: 2031-03-02T08:00Z.")
    ] = None,
    issuer: Annotated[
        str, typer.Option(envvar="SLUICE_PERMIT_ISSUER", help="Whose permits count.")
    ] = "sluicegate",
    output: Output = Form.TABLE,
) -> None:
    """Tell whether a permit lets a campaign run now: exit 0 if it does, 3 if not."""
    from console.permit_checks import checked

    found = checked(
        permit,
        bundle,
        at,
        {
            "campaign": campaign,
            "content": _digest(content, digest),
            "spent_volume": spent_volume,
            "spent_budget": spent_budget,
            "issuer": issuer,
        },
    )
    _print_checked(found, output)
    finish(Exit.DONE if found.valid else Exit.BLOCKED)


@app.command(epilog='Example: sluice permit revoke spring-signups --reason "wrong page" --as sam')
def revoke(
    name: _Name,
    reason: Reason,
    permit: Annotated[
        str | None, typer.Option(metavar="ID", help="Only if this is the one that stands.")
    ] = None,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """End a permit now, and those it was renewed from; its campaign is held again."""
    from measures.requests import RevokePermitInput

    measure = _measure(name)
    ask_and_end(
        measure,
        lambda client, by: client.revoke_permit(
            measure, made(RevokePermitInput, {"by": by, "reason": reason, "permit": permit})
        ),
        as_person,
        output,
        lambda by, _: f"permit revoked by {by}: {reason}; a new one: sluice permit issue {measure}",
        may_pass=False,
    )


@app.command("list", epilog="Example: sluice permit list --revoked -o json")
def list_(
    revoked: Annotated[
        bool, typer.Option("--revoked", help="Those that ended before their time.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """List the permits that stand, or those that no longer count."""
    from console.permit_showing import revoked_rows, standing_rows

    rows = revoked_rows() if revoked else standing_rows()
    if output is Form.NAME:
        for row in rows:
            typer.echo(row["measure"])
    elif output is not Form.TABLE:
        print_data(rows, output)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        people().print("no permit" + (" is revoked" if revoked else " stands"))
    finish(Exit.DONE)


@app.command(epilog="Example: sluice permit bundle --to permits/")
def bundle(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where the two files are written.")],
    output: Output = Form.TABLE,
) -> None:
    """Write the public keys and the signed list of revoked permits, for checks that ask nobody."""
    from console.permit_checks import write_bundle

    run(write_bundle(to, output))


def _measure(name: str) -> str:
    """Returns the measure that a name stands for."""
    from console.permit_showing import measure_named

    return measure_named(name)


def _digest(content: Path | None, digest: str | None) -> str | None:
    """Returns the SHA-256 of a content that is given as a file or as its digest."""
    import hashlib
    import re

    if content is not None and digest is not None:
        raise typer.BadParameter("give either --content or --digest")
    if digest is not None and not re.fullmatch("[0-9a-f]{64}", digest):
        raise typer.BadParameter("--digest: write 64 small hexadecimal letters")
    if content is None:
        return digest
    try:
        with content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise typer.BadParameter(
            f"--content: {content} cannot be read ({error.strerror})"
        ) from None


def _print_checked(found: "Checked", output: Form) -> None:
    if output is not Form.TABLE:
        shown: dict[str, Any] = found.model_dump(mode="json")
        print_data(shown, output)
        return
    word, colour = ("valid", "green") if found.valid else ("not valid", "red")
    people().print(f"[{colour}]{word}[/] ", end="")
    people().print(f"{found.message} ({found.code})", markup=False)
