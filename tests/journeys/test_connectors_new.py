"""`sluice connectors new`: a foreign package comes through the same door as the built-in ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors.conformance.bronze import bronze
from tests.desk import serving

SLUICE = Path(sys.executable).with_name("sluice")
KEY = "the-key-of-the-real-desk"
CONNECTION = """
kind: Connection
id: help
connector: acme-desk
settings: {url: "https://desk.example.com/api", key: env:ACME_KEY}
"""
EXAMINE = """
import asyncio, dataclasses, json, pathlib, sys
from connectors.conformance.connection import subject_of
from connectors.conformance.examination import examine
from connectors.conformance.results import tier_of

settings = {"url": sys.argv[1], "key": "env:ACME_KEY"}
subject = dataclasses.replace(subject_of("acme-desk", settings, pathlib.Path()), kind="ticket")
results = asyncio.run(examine(subject))
outcomes = {one.check.name: [one.outcome, one.detail] for one in results}
print(json.dumps({"tier": tier_of(results).name, "outcomes": outcomes}))
"""


def run(folder: Path, *words: str | Path, site: Path | None = None) -> str:
    """Runs a command in a folder, perhaps with a folder of installed packages; gives its output."""
    done = ran(folder, *words, site=site)
    assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
    return done.stdout


def ran(
    folder: Path, *words: str | Path, site: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs a command however it ends."""
    environment = {**os.environ, "ACME_KEY": KEY}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    return subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new connector's package, just written."""
    folder = tmp_path_factory.mktemp("author")
    assert "reads and passes the first tier" in run(
        folder, SLUICE, "connectors", "new", "acme-desk"
    )
    return folder / "acme-desk"


@pytest.fixture(scope="module")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed, as any package is."""
    target = tmp_path_factory.mktemp("site")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *offline)
    # Building leaves files beside the source.
    source = shutil.copytree(package, tmp_path_factory.mktemp("build") / "source")
    run(source, *pip, "--target", target, source)
    return target


def answer(method: str, target: str, headers: Any, raw: bytes) -> tuple[int, Any]:
    """What a real system of that kind answers over HTTP."""
    if headers.get("Authorization") != f"Bearer {KEY}":
        return 401, {"error": "who are you?"}
    if target == "/api/me":
        return 200, {"login": "sluice"}
    return 404, {"error": "nothing is here"}


def test_its_own_tests_pass(package: Path) -> None:
    """As they were written: every check of the first tier, the rest skipped, and one of its own."""
    told = run(package, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert f"\n{len(bronze.all) + 1} passed" in told, told
    assert "failed" not in told


def test_it_is_small_and_clean(package: Path) -> None:
    """Under 60 lines, and nothing for a linter to say."""
    assert {file.name for file in package.glob("*.*")} == {
        "pyproject.toml", "acme_desk.py", "test_acme_desk.py",
    }  # fmt: skip
    assert len((package / "acme_desk.py").read_text().splitlines()) < 60
    for file in package.glob("*.*"):
        assert "starter" not in file.read_text().casefold()
    ruff = Path(sys.executable).with_name("ruff")
    run(
        package,
        ruff,
        "check",
        "--isolated",
        "--select",
        "E,F,B",
        "--line-length",
        "100",
        "--no-cache",
        ".",
    )


def test_installed_it_is_one_of_the_connectors(package: Path, site: Path) -> None:
    """Through the entry point; without it nobody knows it."""
    listing = (SLUICE, "connectors", "list", "-o", "json")
    found = {one["name"]: one for one in json.loads(run(package, *listing, site=site))}
    assert (found["acme-desk"]["title"], found["acme-desk"]["kinds"]) == ("Acme desk", ["ticket"])
    assert "roundup" in found
    assert "acme-desk" not in {one["name"] for one in json.loads(run(package, *listing))}


def test_a_connection_names_it(tmp_path: Path, site: Path) -> None:
    """Its settings are judged like those of any other."""
    (tmp_path / "help.yaml").write_text(CONNECTION)
    applying = (SLUICE, "apply", "-f", "help.yaml", "--dry-run")
    assert "created" in run(tmp_path, *applying, site=site)
    (tmp_path / "help.yaml").write_text(CONNECTION.replace("key:", "kye:"))
    refused = ran(tmp_path, *applying, site=site)
    assert refused.returncode == 1
    assert "help.yaml:5" in refused.stderr + refused.stdout
    assert "key" in refused.stderr


def test_it_reaches_bronze_on_a_system_over_http(tmp_path: Path, site: Path) -> None:
    """Installed, connected by settings alone, on a server that is really there."""
    with serving(answer) as url:
        told = json.loads(run(tmp_path, sys.executable, "-c", EXAMINE, f"{url}/api", site=site))
    failed = {name: why for name, (outcome, why) in told["outcomes"].items() if outcome == "failed"}
    assert (told["tier"], failed) == ("BRONZE", {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Acme", "is no name"),
        ("a--b", "is no name"),
        ("a" * 41, "is no name"),
        ("../evil", "is no name"),
        ("roundup", "there is a connector 'roundup' already"),
        ("json", "would stand in the way"),
        ("class", "would stand in the way"),
    ],
)
def test_names_that_cannot_be(shell: Any, name: str, said: str) -> None:
    """Nothing is written."""
    refused = shell.sluice("connectors", "new", name)
    assert refused.code == 2
    assert said in " ".join(refused.err.replace("│", " ").split())
    assert list(shell.folder.iterdir()) == []


def test_nothing_is_written_over(package: Path) -> None:
    """A second time is refused, and says what is there."""
    module = package / "acme_desk.py"
    before = module.read_text()
    refused = ran(package.parent, SLUICE, "connectors", "new", "acme-desk")
    assert refused.returncode == 1
    assert "nothing was written: acme-desk/pyproject.toml and 2 more files are there" in (
        refused.stderr
    )
    assert module.read_text() == before
