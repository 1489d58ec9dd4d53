"""Private keys in the state folder: made at the first use, readable by their owner only."""

import os
from datetime import datetime
from pathlib import Path

from joserfc.jwk import OKPKey

from measures.errors import ConfigurationError
from measures.sealing import key_id, new_key, private_key

KEYS_FOLDER = "permit-keys"


def add_key(state_dir: Path, now: datetime) -> OKPKey:
    """Makes a key, keeps it in the state folder and returns it; from now on it is the newest.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """
    key = new_key()
    folder = state_dir / KEYS_FOLDER
    # By name the newest is the last; microseconds, because a test may rotate twice in a second.
    path = folder / f"{now:%Y%m%dT%H%M%S%f}-{key_id(key)}.pem"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Never readable by others, not even for the instant before a chmod.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.as_pem(private=True))
    except OSError as error:
        raise ConfigurationError(
            f"the key for permits cannot be written to {folder} ({error.strerror})"
        ) from error
    return key


def key_files(state_dir: Path) -> list[Path]:
    """Returns the files of the keys in the state folder, the newest first."""
    return sorted((state_dir / KEYS_FOLDER).glob("*.pem"), reverse=True)


def read_key(path: Path) -> OKPKey:
    """Reads a private key.

    Raises:
        ConfigurationError: there is none; the message never shows what the file holds.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"the key for permits in {path} cannot be read ({why})") from None
    return private_key(text, str(path))
