"""With what a connection presents itself: its document, and the secrets that this names.

When it changes, what failed before may work now: a person has acted. Workers tell each other by a
fingerprint, because a secret itself must never be written down.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property

from pydantic import ValidationError

from connectors.failures import AuthFailed, ConnectorError
from connectors.registry import connector_class
from connectors.secrets import read_secret, secrets_named, without_secrets
from measures.documents import Connection, document_digest

# What OWASP's "Password Storage Cheat Sheet" asks for at least, within OpenSSL's usual 32 MB: who
# reads the database must not find a short secret by trying.
_COST = {"n": 2**14, "r": 8, "p": 5}


@dataclass(frozen=True)
class Credentials:
    """What a connection presents; its words never show a secret.

    Attributes:
        connection: its id.
        document: the digest of its document.
        places: where its secrets lie, by setting.
        secrets: by setting; empty where there is none at the place that the setting names.
    """

    connection: str
    document: str
    places: dict[str, str]
    secrets: dict[str, str] = field(repr=False)

    @property
    def values(self) -> frozenset[str]:
        """The secrets that there are."""
        return frozenset(filter(None, self.secrets.values()))

    def read_again(self) -> "Credentials":
        """Returns what the same document presents now: its secrets may have changed."""
        return replace(self, secrets=_read(self.places))

    def hide(self, failure: ConnectorError) -> ConnectorError:
        """Takes secrets out of a failure's words, should its connector have left one in."""
        failure.args = tuple(
            without_secrets(part, self.values) if isinstance(part, str) else part
            for part in failure.args
        )
        return failure

    @cached_property
    def fingerprint(self) -> str:
        """Tells whether two are the same, and nothing else; takes about 0.1 s to work out."""
        salt = hashlib.sha256(f"{self.connection} {self.document}".encode()).digest()
        secrets = json.dumps(self.secrets, sort_keys=True).encode()
        return hashlib.scrypt(secrets, salt=salt, dklen=32, **_COST).hex()


def credentials_of(connection: Connection) -> Credentials:
    """Reads what a connection presents now.

    Raises:
        ConfigurationError: there is no such connector.
    """
    config = connector_class(connection.connector).Config
    try:
        named = secrets_named(config.model_validate(connection.settings, strict=False))
    except ValidationError:
        named = {}  # it cannot be connected; the document has to change
    return Credentials(
        connection=connection.id,
        document=document_digest(connection),
        places=named,
        secrets=_read(named),
    )


def _read(places: dict[str, str]) -> dict[str, str]:
    return {setting: _present(reference) for setting, reference in places.items()}


def _present(reference: str) -> str:
    try:
        return read_secret(reference)
    except AuthFailed:
        return ""
