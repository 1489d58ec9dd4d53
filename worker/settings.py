"""The settings of a worker process, composed from the fragments of its parts."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from ledger.settings import LedgerSettings
from measures.model import Span
from measures.permits import LONGEST_LIFETIME
from workflows.settings import Settings, TemporalSettings


class ProcessSettings(LedgerSettings):
    """What every process of the engine can be told."""

    state_dir: Path = Field(
        default=Path(".sluice"), description="a folder this process may write to"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="auto (text on a terminal), text or json"
    )
    metrics_address: str | None = Field(
        default=None,
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$",
        description="host:port of the page with metrics for Prometheus; without it there is none",
    )


class WorkerSettings(ProcessSettings, TemporalSettings):
    """Everything a worker can be told from outside, each as `SLUICE_<NAME>`."""

    installation: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$",
        description="a name of this installation's own, such as production: small letters, digits,"
        " hyphens; without it the ledger keeps the one that it has",
    )
    judge_processes: int = Field(
        default=1, ge=1, le=64, description="how many processes judge rules, 1 to 64"
    )
    judge_deadline_ms: int = Field(
        default=2000,
        ge=10,
        le=60_000,
        description="the milliseconds one judgement may take, 10 to 60000",
    )
    # Above the number of open measures, or each decision replays its measure's history first.
    max_cached_workflows: int = Field(
        default=10_000, ge=0, description="how many workflows stay in memory, 54 to 115 KB each"
    )
    watch_seconds: float = Field(
        default=60,
        ge=0,
        le=86_400,
        description="how many seconds lie between two looks at the campaigns' systems, 0 for none",
    )
    circuit_seconds: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="how many seconds a system that failed 5 times in a row is left alone at first;"
        " up to 30 times that when it goes on",
    )
    poll_seconds: float = Field(
        default=60,
        gt=0,
        le=300,
        description="how many seconds lie between two polls of a connected system, at most 300",
    )
    # Under the 10 s that container engines wait before they kill.
    graceful_shutdown_seconds: float = Field(
        default=6, ge=0, le=600, description="the seconds that running work may take to finish"
    )
    permit_keys: str = Field(
        default="",
        description="where private Ed25519 keys are, env:NAME or file:PATH, the signing one first;"
        " without it a key is made in the state folder",
    )
    permit_issuer: str = Field(
        default="sluicegate",
        min_length=1,
        max_length=200,
        description="the name that permits say they come from",
    )
    permit_lifetime: Span = Field(
        default=timedelta(hours=24),
        ge=timedelta(minutes=1),
        le=LONGEST_LIFETIME,
        description="how long a permit is valid unless it is renewed, 1m to 7d",
    )
    permit_list_lifetime: Span = Field(
        default=timedelta(hours=1),
        ge=timedelta(minutes=1),
        le=LONGEST_LIFETIME,
        description="how long a list of revoked permits may be believed, 1m to 7d",
    )


class WebhookSettings(ProcessSettings, Settings):
    """Everything that a webhook server can be told from outside, each as `SLUICE_<NAME>`."""

    webhook_address: str = Field(
        default="127.0.0.1:8480",
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$",
        description="host:port where webhooks come in",
    )
    webhook_url: str = Field(
        default="",
        # It is shown to everybody, so it must hold no password.
        pattern=r"^(https?://[^\s?#@]+)?$",
        description="the address before /webhooks/ as senders call it, such as"
        " https://hooks.example.com, without user or password; some sign it",
    )
    webhook_rate: float = Field(
        default=50,
        gt=0,
        le=10_000,
        description="how many genuine deliveries a second of one connection are taken, on average",
    )
