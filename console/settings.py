"""The settings of a command: where the engine and its ledger are, and who asks."""

from pathlib import Path

from pydantic import Field

from ledger.settings import LedgerSettings
from workflows.settings import TemporalSettings


class ConsoleSettings(LedgerSettings, TemporalSettings):
    """Everything a command can be told from outside, each as `SLUICE_<NAME>`."""

    state_dir: Path = Field(
        default=Path(".sluice"), description="the folder of the local stack, as in sluice up"
    )
    person: str | None = Field(
        default=None, description="the id of the person who asks, such as olga"
    )
