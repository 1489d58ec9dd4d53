"""`sluice permit keys`: show, publish, rotate and retire the keys of permits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exits import Exit
from console.options import AsPerson, Output
from console.output import Form, people, print_data, print_table
from console.running import finish

if TYPE_CHECKING:
    from datetime import datetime

    from ledger.store import Ledger
    from measures.permits import PermitKey

app = typer.Typer(help="The keys that permits are signed with.", no_args_is_help=True)

_Now = Annotated[
    bool, typer.Option("--now", help="What it has signed no longer counts: it was stolen.")
]


@app.command(epilog="Example: sluice permit keys show")
def show(output: Output = Form.TABLE) -> None:
    """Show the public keys and until when what they signed counts."""
    from console.session import find_place, open_ledger
    from ledger.permits import permit_keys

    with open_ledger(find_place()) as ledger:
        rows = [_row(key) for key in permit_keys(ledger)]
    if output is Form.TABLE:
        print_table(["key", "retired", "counts until"], [list(row.values()) for row in rows])
    elif output is Form.NAME:
        for row in rows:
            typer.echo(row["kid"])
    else:
        print_data(rows, output)
    finish(Exit.DONE)


@app.command(epilog="Example: sluice permit keys publish --to permit-keys.json")
def publish(
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file; the terminal if left out.")
    ] = None,
) -> None:
    """Print the public keys as a JWKS, as checks without the engine need them."""
    import json

    from console.session import find_place, open_ledger
    from ledger.permits import permit_keys
    from measures.errors import ConfigurationError
    from measures.permit_keys import key_set_of

    with open_ledger(find_place()) as ledger:
        text = json.dumps(key_set_of({key.kid: key for key in permit_keys(ledger)}), indent=2)
    if to is None:
        typer.echo(text)
    else:
        try:
            to.write_text(text + "\n")
        except OSError as error:
            raise ConfigurationError(f"{to} cannot be written ({error.strerror})") from error
    finish(Exit.DONE)


@app.command(epilog="Example: sluice permit keys rotate --as rex")
def rotate(now: _Now = False, as_person: AsPerson = None, output: Output = Form.TABLE) -> None:
    """Make a new key in the local stack and retire the others; what they signed runs out."""
    from console.session import find_place, open_ledger, system_clock
    from ledger.permits import permit_keys
    from measures.errors import RefusedError
    from measures.permits import PermitKey
    from measures.sealing import key_id
    from workflows.keyfolder import add_key

    place = find_place()
    if place.stack is None:
        raise RefusedError(
            "embedded-only",
            "keys are made here for the local stack only (sluice up); elsewhere put the new one"
            " first in SLUICE_PERMIT_KEYS, restart the workers, and then:"
            " sluice permit keys retire KID",
        )
    by = _administrator(as_person)
    at = system_clock()
    with open_ledger(place) as ledger:
        before = [key for key in permit_keys(ledger) if key.retired_at is None]
        made = add_key(place.stack.state_dir, at)
        kid = key_id(made)
        fresh = PermitKey(kid=kid, x=str(made.as_dict(private=False)["x"]))
        # Known before anything is signed with it, and only then may the others go.
        _record(ledger, fresh, by, at)
        for key in before:
            _record(ledger, _retired(ledger, key, at, now=now), by, at)
    told = {"key": kid, "retired": [key.kid for key in before]}
    if output is not Form.TABLE:
        print_data(told, output)
    else:
        people().print(f"permits are signed with {kid} from now on", markup=False)
        for key in before:
            people().print(f"retired: {key.kid}", markup=False)
        people().print("whoever checks needs the new key: sluice permit bundle --to DIR")
    finish(Exit.DONE)


@app.command(epilog="Example: sluice permit keys retire 3kfQ... --now --as rex")
def retire(
    kid: Annotated[str, typer.Argument(metavar="KID", help="Its name in `keys show`.")],
    now: _Now = False,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Retire a key; what it has signed counts until it runs out, with --now no longer."""
    from console.session import find_place, open_ledger, system_clock
    from ledger.permits import permit_keys
    from measures.errors import RefusedError

    by = _administrator(as_person)
    at = system_clock()
    with open_ledger(find_place()) as ledger:
        known = {key.kid: key for key in permit_keys(ledger)}
        if kid not in known:
            raise RefusedError("unknown-key", f"there is no key {kid}: sluice permit keys show")
        retired = _retired(ledger, known[kid], at, now=now)
        _record(ledger, retired, by, at)
    if output is not Form.TABLE:
        print_data(_row(retired), output)
    else:
        until = _row(retired)["verify_until"]
        people().print(f"retired: {kid}; what it signed counts until {until}", markup=False)
    finish(Exit.DONE)


def _administrator(as_person: str | None) -> str:
    """Returns who changes keys.

    Raises:
        RefusedError: ``not-entitled`` for anybody but the operator and administrators.
    """
    from console.session import find_place, open_ledger
    from measures.duties import refuse_stranger
    from measures.errors import RefusedError
    from measures.people import OPERATOR

    place = find_place()
    by = place.acting(as_person, otherwise=OPERATOR)
    if by == OPERATOR:
        return by
    with open_ledger(place) as ledger:
        directory = ledger.directory()
    refuse_stranger(directory, by)
    if not directory.has_role(by, "administrator"):
        raise RefusedError("not-entitled", f"keys are changed by administrators, not by {by}")
    return by


def _retired(ledger: "Ledger", key: "PermitKey", at: "datetime", *, now: bool) -> "PermitKey":
    from ledger.permits import last_expiry

    until = at if now else last_expiry(ledger, key.kid, at)
    return key.model_copy(update={"retired_at": key.retired_at or at, "verify_until": until})


def _record(ledger: "Ledger", key: "PermitKey", by: str, at: "datetime") -> None:
    from measures.permits import PERMIT_KEY

    content: dict[str, Any] = key.model_dump(mode="json")
    ledger.append_document(PERMIT_KEY, key.kid, content, by, at, f"key:{key.kid}:{at.isoformat()}")


def _row(key: "PermitKey") -> dict[str, Any]:
    return {
        "kid": key.kid,
        "retired_at": key.retired_at.isoformat(timespec="seconds") if key.retired_at else None,
        "verify_until": key.verify_until.isoformat(timespec="seconds")
        if key.verify_until
        else None,
    }
