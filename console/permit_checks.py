"""Checking a permit with what is at hand: a bundle of files, or else the ledger.

With a bundle nothing is asked and neither Temporal nor the ledger is loaded: that is how a CI
job or an ad script runs it.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.exits import Exit
from console.output import Form, people, print_data
from measures.errors import ConfigurationError
from measures.permit_checking import Asked, Checked, check, read_revocations
from measures.permit_keys import KeySet, key_set_of, read_key_set
from measures.permits import REVOCATIONS_TYPE, RevocationList, moment, seconds
from measures.sealing import LONGEST, UnsealedError, unseal

KEYS_FILE = "permit-keys.json"
REVOKED_FILE = "revoked.jws"

_FRESH = timedelta(minutes=1)
"""How long what was just read from the ledger counts."""


def checked(permit: str, bundle: Path | None, at: str | None, fields: dict[str, Any]) -> Checked:
    """Checks a permit.

    Args:
        permit: the text, a file that holds it, or ``-`` for stdin.
        bundle: the folder with keys and list; None looks into the ledger.
        at: another time than now.
        fields: the rest of `measures.permit_checking.Asked`.

    Raises:
        ConfigurationError: there are no keys to check with.
    """
    asked = _asked(at, fields)
    text = _permit_text(permit)
    if bundle is None:
        return _against_the_ledger(text, asked)
    keys = read_key_set(_read(bundle / KEYS_FILE))
    try:
        revocations = read_revocations(_read(bundle / REVOKED_FILE), keys, asked)
    except UnsealedError as error:
        return Checked(
            valid=False,
            code="list-unreadable",
            message=f"the list of revoked permits in {bundle} does not count: {error.message};"
            f" get another: sluice permit bundle --to {bundle}",
        )
    return check(text, keys, revocations, asked)


async def write_bundle(to: Path, output: Form) -> Exit:
    """Writes what a check needs; the list is signed by a worker, so the engine must run.

    Raises:
        EngineError: it does not answer; what was there before stays as it was.
    """
    import asyncio

    from console.session import find_place, open_client, open_ledger
    from ledger.permits import permit_keys
    from measures.people import OPERATOR

    place = find_place()
    place.acting(None, otherwise=OPERATOR)  # says what to do where no engine runs
    async with open_client(place) as client:
        signed = await client.signed_revocations()
    with open_ledger(place) as ledger:
        keys = {key.kid: key for key in permit_keys(ledger)}
    _, content = unseal(signed, REVOCATIONS_TYPE, KeySet(keys).public)
    listed = RevocationList.model_validate_json(content)
    await asyncio.to_thread(_write_files, to, key_set_of(keys), signed)
    told = {
        "keys": str(to / KEYS_FILE),
        "revoked": str(to / REVOKED_FILE),
        "measures": [line.measure for line in listed.revoked],
        "until": moment(listed.exp).isoformat(),
    }
    if output is not Form.TABLE:
        print_data(told, output)
    else:
        people().print(
            f"{to}: {len(keys)} keys, {len(listed.revoked)} measures with revoked permits;"
            f" counts until {told['until']}",
            markup=False,
        )
    return Exit.DONE


def _against_the_ledger(text: str, asked: Asked) -> Checked:
    """Checks a permit with what the ledger says now.

    Raises:
        SluicegateError: there is none, or it does not answer; that is a no as well.
    """
    from console.session import find_place, open_ledger, system_clock
    from ledger.permits import permit_keys, revoked_permits

    with open_ledger(find_place()) as ledger:
        keys = KeySet({key.kid: key for key in permit_keys(ledger)})
        # As of the time of the check; what has ended by now does not count at any time.
        now = min(asked.at, system_clock())
        revoked = revoked_permits(ledger, now)
    revocations = RevocationList(
        iss=asked.issuer,
        iat=seconds(asked.at),
        exp=seconds(asked.at + _FRESH),
        revoked=revoked,
    )
    return check(text, keys, revocations, asked)


def _asked(at: str | None, fields: dict[str, Any]) -> Asked:
    from console.asking import made

    asked: Asked = made(Asked, {**fields, "at": at or datetime.now(UTC).isoformat()})
    return asked


def _permit_text(permit: str) -> str:
    if permit == "-":
        return sys.stdin.read(LONGEST)
    try:
        is_file = Path(permit).is_file()
    except (OSError, ValueError):
        is_file = False  # too long for a file's name, as a permit is
    return _read(Path(permit)) if is_file else permit


def _write_files(to: Path, key_set: dict[str, Any], signed: str) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True)
        _replace(to / KEYS_FILE, json.dumps(key_set, indent=2) + "\n")
        _replace(to / REVOKED_FILE, signed + "\n")
    except OSError as error:
        raise ConfigurationError(f"{to} cannot be written to ({error.strerror})") from error


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}); get it: sluice permit bundle --to"
            f" {path.parent}"
        ) from error


def _replace(path: Path, text: str) -> None:
    """Writes a file so that whoever reads it finds the old or the new one, whole."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)
