"""Where settings come from, and those that say which Temporal server to talk to.

A process composes its settings from fragments: this module's `TemporalSettings`, the ledger's
`LedgerSettings` and its own. A value is taken from the environment (`SLUICE_TEMPORAL_ADDRESS`)
or, as suits mounted secrets, from the file that the environment names
(`SLUICE_TEMPORAL_API_KEY_FILE=/run/secrets/api-key`). The environment wins.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from measures.errors import ConfigurationError

PREFIX = "SLUICE_"


def variable(field: str) -> str:
    """Return the name of the environment variable that sets a field."""
    return PREFIX + field.upper()


class NamedFiles(PydanticBaseSettingsSource):
    """Reads `SLUICE_X` from the file that `SLUICE_X_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's text without the line end that editors add."""
        path = os.environ.get(f"{variable(field_name)}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text().strip(), field_name, False
        except OSError as error:
            raise ConfigurationError(
                f"{variable(field_name)}_FILE names {path}, which cannot be read "
                f"({error.strerror}): mount the file or set {variable(field_name)} itself"
            ) from error

    def __call__(self) -> dict[str, Any]:
        """Return the fields that a file gives."""
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
            if variable(name) not in os.environ
        }
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """What every process' settings share: the sources and the words for a wrong one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        # A password must not come out through a validation message.
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look in the call, the environment, then the files it names; nowhere else."""
        return init_settings, env_settings, NamedFiles(settings_cls)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the settings, naming every faulty one at once.

        Args:
            given: Values that win over the environment, such as command line options.

        Raises:
            ConfigurationError: A setting is missing or wrong; the message names the variable,
                where it was looked for and what was expected.
        """
        try:
            return cls(**given)
        except ValidationError as error:
            faults = [
                _fault(cls.model_fields, str(item["loc"][0] if item["loc"] else ""), item["msg"])
                for item in error.errors(include_input=False, include_url=False)
            ]
            raise ConfigurationError("\n".join(faults)) from None


def _fault(fields: Mapping[str, FieldInfo], name: str, reason: str) -> str:
    """Say what is wrong with one setting, where it came from and what would be right."""
    if name not in fields:
        return reason.removeprefix("Value error, ")
    env = variable(name)
    if env in os.environ:
        place = "set in the environment"
    elif os.environ.get(f"{env}_FILE"):
        place = f"read from {os.environ[f'{env}_FILE']} (named by {env}_FILE)"
    else:
        place = f"looked for in the environment and in the file named by {env}_FILE"
    reason = reason.removeprefix("Value error, ")
    expected = fields[name].description or "a value"
    return f"{env}: {reason[:1].lower()}{reason[1:]} ({place}); expected {expected}"


class TemporalSettings(Settings):
    """Which Temporal server and namespace, and how to get in."""

    temporal_address: str = Field(
        default="127.0.0.1:7233",
        pattern=r"^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$",
        description="host:port of the Temporal frontend, such as temporal.example:7233",
    )
    temporal_namespace: str = Field(
        default="default", min_length=1, description="the name of a Temporal namespace"
    )
    temporal_tls: bool = Field(default=False, description="true or false")
    temporal_tls_ca: Path | None = Field(
        default=None, description="the path of a readable PEM file with the server's authority"
    )
    temporal_tls_cert: Path | None = Field(
        default=None, description="the path of a readable PEM file with this client's certificate"
    )
    temporal_tls_key: Path | None = Field(
        default=None, description="the path of a readable PEM file with this client's private key"
    )
    temporal_api_key: SecretStr | None = Field(
        default=None, description="the API key of the Temporal namespace"
    )
    task_queue: str = Field(
        default="measures", min_length=1, description="the name of the workers' task queue"
    )

    @field_validator("temporal_tls_ca", "temporal_tls_cert", "temporal_tls_key")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        """Fail at start, with the variable's name, rather than at the first connection."""
        if path is not None and not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @field_validator("temporal_api_key")
    @classmethod
    def _empty_is_none(cls, key: SecretStr | None) -> SecretStr | None:
        """Treat an empty secret file as no key."""
        return key if key and key.get_secret_value() else None
