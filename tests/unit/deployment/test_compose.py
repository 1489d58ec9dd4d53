"""The deployment files hold together: schema, settings, health, pins, and no secrets.

There is no container engine here, so what can be read is checked: the Compose schema, that each
variable is one the settings know, and that each dependency can be waited for.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from starlette.applications import Starlette

from measures.errors import ConfigurationError
from worker.inbound.__main__ import served
from worker.server import SEARCH_ATTRIBUTES
from worker.settings import WebhookSettings, WorkerSettings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
SCRIPTS = sorted(one for one in (ROOT / "deploy").rglob("*") if one.is_file())
KNOWN = {
    f"SLUICE_{name.upper()}"
    for process in (WorkerSettings, WebhookSettings)
    for name in process.model_fields
}
PUBLIC = {"SLUICE_WEBHOOK_URL"}
"""Addresses that everybody may see, because their setting takes no password."""

compose: dict[str, Any] = YAML(typ="safe").load(COMPOSE_FILE)
services: dict[str, dict[str, Any]] = compose["services"]


def test_it_follows_the_compose_schema() -> None:
    """The schema that check-jsonschema carries accepts the file."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("file", [COMPOSE_FILE, DOCKERFILE], ids=lambda file: file.name)
def test_every_variable_is_a_setting(file: Path) -> None:
    """A misspelt or removed setting is found here rather than ignored in production."""
    used = set(re.findall(r"SLUICE_[A-Z_]+", file.read_text()))
    assert used
    assert {name for name in used if name.removesuffix("_FILE") not in KNOWN} == set()


@pytest.fixture
def environment_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Sets a service's environment, with every default and a secret in place."""

    def set_up(service: str) -> None:
        secret = tmp_path / "ledger_url"
        secret.write_text("postgresql://sluice:canary@postgresql:5432/ledger")
        for name, value in services[service]["environment"].items():
            monkeypatch.setenv(name, re.sub(r"\$\{[A-Z_]+:-(.*?)\}", r"\1", str(value)))
        monkeypatch.delenv("SLUICE_LEDGER_URL", raising=False)
        monkeypatch.setenv("SLUICE_LEDGER_URL_FILE", str(secret))

    return set_up


def test_the_worker_settings_are_valid(environment_of: Callable[[str], None]) -> None:
    """With every default in place the settings model takes the worker's environment."""
    environment_of("worker")

    settings = WorkerSettings.load()

    assert settings.temporal_address == "temporal:7233"
    assert settings.ledger_place == "postgresql://sluice@postgresql:5432/ledger"
    grace = int(services["worker"]["stop_grace_period"].removesuffix("s"))
    assert settings.graceful_shutdown_seconds < grace


def test_the_webhook_settings_are_valid(environment_of: Callable[[str], None]) -> None:
    """It listens on the port that is published and looked at, and ends in its own time."""
    environment_of("webhooks")
    content = services["webhooks"]

    settings = WebhookSettings.load()

    assert settings.ledger_place == "postgresql://sluice@postgresql:5432/ledger"
    host, port = settings.webhook_address.split(":")
    assert host == "0.0.0.0"
    assert content["ports"] == [f"127.0.0.1:${{WEBHOOK_PORT:-{port}}}:{port}"]
    assert f"http://127.0.0.1:{port}/health" in content["healthcheck"]["test"][-1]
    shutdown = served(Starlette()).timeout_graceful_shutdown
    assert shutdown is not None
    assert shutdown < int(content["stop_grace_period"].removesuffix("s"))


def test_the_webhook_server_needs_the_ledger_alone() -> None:
    """It has no key of permits, and neither waits for Temporal nor reaches it."""
    content = services["webhooks"]
    assert content["secrets"] == ["ledger_url"]
    assert content["depends_on"].keys() == {"postgresql"}
    assert "control" not in content["networks"]
    module = content["command"][-1]
    assert content["command"] == ["python", "-m", module]
    assert find_spec(f"{module}.__main__") is not None


def test_a_public_address_takes_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes one there is told to leave it out, and does not see it again."""
    monkeypatch.setenv("SLUICE_WEBHOOK_URL", "https://hooks:canary@hooks.example.com")
    with pytest.raises(ConfigurationError, match="without user or password") as refusal:
        WebhookSettings.load()
    assert "canary" not in str(refusal.value)


def test_every_needed_variable_has_an_example() -> None:
    """Each `${NAME...}` is explained by `.env.example`, which itself holds no password."""
    example = (ROOT / ".env.example").read_text()
    offered = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    wanted = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE_FILE.read_text()))
    assert wanted - {"SLUICEGATE_VERSION"} == offered.keys()
    assert not [name for name in offered if re.search("PASSWORD|TOKEN|KEY", name)]


def test_no_secret_stands_in_the_files() -> None:
    """Whatever looks like a secret is the path of a mounted file."""
    for service, content in services.items():
        for name, value in content.get("environment", {}).items():
            if name not in PUBLIC and re.search("PASS|PWD|SECRET|TOKEN|API_KEY|_URL", name):
                assert str(value).startswith("/run/secrets/"), f"{service}: {name}"
    texts = [COMPOSE_FILE, DOCKERFILE, ROOT / ".env.example", *SCRIPTS]
    with_password = re.compile(r"://[^\s:/@]+:(?!%s)[^\s@]+@")
    assert not [path.name for path in texts if with_password.search(path.read_text())]


def test_every_secret_is_declared_and_a_file() -> None:
    """No service names an unknown secret, and none is inline."""
    used = {name for content in services.values() for name in content.get("secrets", [])}
    assert used == compose["secrets"].keys()
    assert all(
        str(secret["file"]).startswith("${SECRETS_DIR:?") for secret in compose["secrets"].values()
    )


def test_every_dependency_can_be_waited_for() -> None:
    """What must be healthy says how to tell; what must be completed does end."""
    for service, content in services.items():
        for needed, how in content.get("depends_on", {}).items():
            target = services[needed]
            if how["condition"] == "service_healthy":
                assert "test" in target["healthcheck"], f"{service} waits for {needed}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert str(target["restart"]).startswith("on-failure"), needed


def test_images_are_pinned_and_agree() -> None:
    """Each image has a full version, and Temporal's schema tool fits its server."""
    images = {name: content["image"] for name, content in services.items()}
    ours = {name for name, content in services.items() if "build" in content}
    for name, image in images.items():
        if name not in ours:
            assert re.search(r":\d+\.\d+", image), f"{name}: {image}"
    tags = {images[name].rpartition(":")[2] for name in ("temporal", "temporal-schema")}
    assert len(tags) == 1
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.search(r":3\.1[123]\.\d+-slim", bases[0])


def test_mounted_files_exist() -> None:
    """Each file that is mounted from the checkout is in the checkout."""
    for content in services.values():
        for volume in content.get("volumes", []):
            if volume.startswith("./"):
                assert (ROOT / volume.partition(":")[0]).is_file(), volume


def test_nothing_is_published_to_the_network() -> None:
    """The database and Temporal have no login of their own to offer to strangers."""
    published = [port for content in services.values() for port in content.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_namespace_script_makes_the_embedded_servers_search_attributes() -> None:
    """What a measure is found by is the same on one machine and on a cluster."""
    script = (ROOT / "deploy" / "temporal-namespace.sh").read_text()
    assert tuple(re.findall(r"--name (\w+) --type Keyword", script)) == SEARCH_ATTRIBUTES


def test_the_image_runs_without_privileges() -> None:
    """Its last user is not root, and it takes no code from where it stands."""
    text = DOCKERFILE.read_text()
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users[-1].split(":")[0] not in {"root", "0"}
    assert "PYTHONSAFEPATH=1" in text
    assert "HEALTHCHECK" in text
    assert "--require-hashes" in text


@pytest.mark.parametrize(
    "script", [path for path in SCRIPTS if path.suffix == ".sh"], ids=lambda path: path.name
)
def test_scripts_parse(script: Path) -> None:
    """A shell reads each script without complaint, and each stops at its first error."""
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert "\nset -eu\n" in script.read_text()


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """Making them again keeps them: the database knows only the first ones."""
    script = ROOT / "deploy" / "make-secrets.sh"

    def made() -> dict[str, str]:
        subprocess.run(["sh", str(script), str(tmp_path / "secrets")], check=True)
        return {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}

    first = made()

    assert made() == first
    assert first.keys() == compose["secrets"].keys()
    assert first["ledger_db_password"] in first["ledger_url"]
    assert len(set(first.values())) == len(first)
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
