"""Settings come from the environment or a named file, and a wrong one says how to mend it."""

from pathlib import Path

import pytest

from ledger.settings import without_password
from measures.errors import ConfigurationError
from worker.settings import WorkerSettings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of the shell that runs the tests."""
    for field in WorkerSettings.model_fields:
        monkeypatch.delenv(f"SLUICE_{field.upper()}", raising=False)
        monkeypatch.delenv(f"SLUICE_{field.upper()}_FILE", raising=False)


def test_defaults_suit_one_machine() -> None:
    """Without any variable a worker talks to the local server and a file."""
    settings = WorkerSettings.load()

    assert settings.temporal_address == "127.0.0.1:7233"
    assert settings.task_queue == "measures"
    assert settings.ledger_place == "sqlite:///.sluice/ledger.db"
    assert settings.max_cached_workflows > 7_000


def test_a_secret_is_read_from_the_file_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mounted secret needs no copy in the environment."""
    secret = tmp_path / "key"
    secret.write_text("s3same\n")
    monkeypatch.setenv("SLUICE_TEMPORAL_API_KEY_FILE", str(secret))

    key = WorkerSettings.load().temporal_api_key

    assert key is not None
    assert key.get_secret_value() == "s3same"


def test_the_environment_wins_over_the_named_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One clear order: what is set by hand is meant."""
    (tmp_path / "address").write_text("file:1")
    monkeypatch.setenv("SLUICE_TEMPORAL_ADDRESS_FILE", str(tmp_path / "address"))
    monkeypatch.setenv("SLUICE_TEMPORAL_ADDRESS", "environment:2")

    assert WorkerSettings.load().temporal_address == "environment:2"


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message gives the variable, the place and what was expected, for each fault."""
    monkeypatch.setenv("SLUICE_JUDGE_PROCESSES", "many")
    monkeypatch.setenv("SLUICE_TEMPORAL_ADDRESS", "somewhere")

    with pytest.raises(ConfigurationError) as refusal:
        WorkerSettings.load()

    lines = sorted(str(refusal.value).splitlines())
    assert len(lines) == 2
    assert lines[0].startswith("SLUICE_JUDGE_PROCESSES: ")
    assert "set in the environment" in lines[0]
    assert "expected how many processes" in lines[0]
    assert lines[1].startswith("SLUICE_TEMPORAL_ADDRESS: ")
    assert "host:port" in lines[1]


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A secret that was not mounted is told by its path."""
    monkeypatch.setenv("SLUICE_LEDGER_URL_FILE", str(tmp_path / "absent"))

    with pytest.raises(ConfigurationError, match=r"SLUICE_LEDGER_URL_FILE names .*absent"):
        WorkerSettings.load()


def test_a_missing_certificate_is_found_at_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong path fails before the first connection."""
    monkeypatch.setenv("SLUICE_TEMPORAL_TLS_CA", str(tmp_path / "ca.pem"))

    with pytest.raises(ConfigurationError, match=r"SLUICE_TEMPORAL_TLS_CA: there is no file"):
        WorkerSettings.load()


def test_a_password_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither showing the settings nor refusing them brings the password out."""
    monkeypatch.setenv("SLUICE_LEDGER_URL", "postgresql://sluice:canary@db/ledger")
    settings = WorkerSettings.load()
    assert "canary" not in repr(settings)
    assert "canary" not in str(settings.model_dump())
    assert settings.ledger_place == "postgresql://sluice@db/ledger"

    monkeypatch.setenv("SLUICE_LEDGER_URL", "mysql://sluice:canary@db/ledger")
    with pytest.raises(ConfigurationError) as refusal:
        WorkerSettings.load()
    assert "canary" not in str(refusal.value)
    assert "SLUICE_LEDGER_URL" in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////data/ledger.db", "sqlite:////data/ledger.db"),
        ("postgresql://a:p%40ss@h:5432/d?sslmode=require", "postgresql://a@h:5432/d"),
        ("postgresql://h/d?password=x", "postgresql://h/d"),
    ],
)
def test_a_shown_address_has_no_password(url: str, shown: str) -> None:
    """Wherever the password stands, it is left out."""
    assert without_password(url) == shown
