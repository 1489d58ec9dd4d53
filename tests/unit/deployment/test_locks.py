"""The locks pin and hash everything, and say nothing about where it was fetched from."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: Path) -> dict[str, str]:
    """Return each package of a lock with its version."""
    return {canonical(name): version for name, version in entries(lock)}


def entries(lock: Path) -> list[tuple[str, str]]:
    """Return each entry; a package may have one for some Pythons and one for others."""
    pattern = r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)"
    return re.findall(pattern, lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_has_a_hash_and_none_an_address(lock: Path) -> None:
    """Any mirror will do, because only the content counts."""
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(blocks) == len(entries(lock))
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_cover_what_the_project_asks_for() -> None:
    """A dependency that was added without `make lock` is found here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def asked(requirements: list[str]) -> set[str]:
        return {canonical(re.split(r"[\[<>=;\s]", line)[0]) for line in requirements}

    run = pins(ROOT / "requirements" / "run.lock")
    dev = pins(ROOT / "requirements" / "dev.lock")
    assert asked(project["dependencies"]) <= run.keys()
    assert asked(project["optional-dependencies"]["dev"]) <= dev.keys()
    assert run.items() <= dev.items()
