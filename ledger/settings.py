"""Where the ledger is kept: a settings fragment that processes compose."""

from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

DEFAULT_URL = "sqlite:///.sluice/ledger.db"


class LedgerSettings(BaseModel):
    """Which database holds the record.

    The address is secret as a whole because a PostgreSQL one may hold a password; show
    `ledger_place` to people.
    """

    ledger_url: SecretStr = Field(
        default=SecretStr(DEFAULT_URL),
        description="sqlite:///path/to/ledger.db or postgresql://user:password@host/database",
    )

    @field_validator("ledger_url")
    @classmethod
    def _known_database(cls, url: SecretStr) -> SecretStr:
        """Refuse other databases at start instead of at the first entry."""
        scheme = url.get_secret_value().partition(":")[0].partition("+")[0]
        if scheme not in {"sqlite", "postgresql"}:
            raise ValueError("the address does not begin with sqlite: or postgresql:")
        return url

    @property
    def ledger_place(self) -> str:
        """The address without its password."""
        return without_password(self.ledger_url.get_secret_value())


def power_proof(url: str) -> str:
    """Return a database address by which what is written survives a power cut, too.

    PostgreSQL sees to that by itself; a SQLite address that says how it writes stays as it is.
    """
    if not url.startswith("sqlite") or "synchronous=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}synchronous=FULL"


def without_password(url: str) -> str:
    """Return a database address that can be shown and logged."""
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    # Drivers take a password in the query as well; nothing there helps a reader.
    shown = f"{account.partition(':')[0]}{at}{host}"
    if parts.scheme.startswith("sqlite"):
        return url.partition("?")[0]
    return urlunsplit((parts.scheme, shown, parts.path, "", ""))
