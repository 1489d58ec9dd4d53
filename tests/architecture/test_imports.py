"""Who may import whom, and that a package's name means this repository's."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("measures", "workflows", "rules", "connectors", "ledger", "worker", "console")
WORKFLOW_FILES = (
    "workflows.contract",
    "workflows.ports",
    "workflows.measure_lifecycle",
    "workflows.capacity_pool",
    "workflows.launch_control",
    "workflows.launch_teller",
    "workflows.describing",
    "workflows.failing",
    "workflows.history",
    "workflows.holdings",
    "workflows.revocation_signing",
    "workflows.load_contract",
    "workflows.remote_contract",
    "workflows.remote_object",
    "workflows.remote_ports",
    "workflows.remote_teller",
    "workflows.share_telling",
    "workflows.showing",
    "workflows.waking",
)
"""What runs, or is read, inside a workflow."""


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module of a package by its name."""
    for file in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), ast.parse(file.read_text())


def imported(tree: ast.AST) -> set[str]:
    """Everything a module names in an import, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def users_of(library: str) -> set[str]:
    """The modules that import a library."""
    return {
        name
        for package in PACKAGES
        for name, tree in modules(package)
        if any(one == library or one.startswith(f"{library}.") for one in imported(tree))
    }


def test_the_contracts_hold(tmp_path: Path) -> None:
    """import-linter finds no import that runs upward."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--cache-dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_package_is_under_contract() -> None:
    """A new package must be placed in the layers."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert set(settings["importlinter"]["root_packages"]) == set(PACKAGES)
    layers = " ".join(settings["importlinter"]["contracts"][0]["layers"])
    assert set(layers.replace("|", " ").split()) == set(PACKAGES)
    for package in PACKAGES:
        assert (ROOT / package / "__init__.py").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_leads_into_this_repository(package: str) -> None:
    """Other distributions use the same names; here they mean these folders."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    assert Path(found.origin).resolve().is_relative_to(ROOT)


def test_one_module_speaks_durable_rules() -> None:
    """The C engine is fenced in one place, in its own process."""
    assert users_of("durable") == {"rules.engine"}


def test_http_is_spoken_in_connectors_only() -> None:
    """The outside is reached through one package."""
    assert {name.partition(".")[0] for name in users_of("httpx")} <= {"connectors"}


def test_temporals_client_stays_at_the_edge() -> None:
    """Rules, ledger, connectors and workflow code do not know it."""
    users = users_of("temporalio.client")
    assert "workflows.client.speaking" in users
    elsewhere = {u for u in users if u.partition(".")[0] not in ("worker", "console")}
    assert all(u.startswith("workflows.client.") for u in elsewhere), elsewhere


def test_workflow_files_see_only_what_is_pure() -> None:
    """Neither the client nor anything that reaches a network, a file or C code."""
    allowed = {"measures", "temporalio", "asyncio", "collections", "contextlib", "datetime",
               "typing", "workflows"}  # fmt: skip
    trees = dict(modules("workflows"))
    for name in WORKFLOW_FILES:
        names = imported(trees[name])
        assert {one.partition(".")[0] for one in names} <= allowed, name
        ours = {one for one in names if one.startswith("workflows.")}
        assert not {one for one in ours if one.startswith("workflows.client")}, name
        assert not {one for one in ours if one.startswith("workflows.settings")}, name


def test_every_workflow_file_is_known_to_these_tests() -> None:
    """A new module in `workflows` is either pure, or named here as standing outside."""
    outside = {"workflows", "workflows.keyfolder", "workflows.settings", "workflows.stackfile"}
    asking = {name for name, _ in modules("workflows") if name.startswith("workflows.client")}
    assert {name for name, _ in modules("workflows")} == {*WORKFLOW_FILES, *outside, *asking}


def test_the_vocabulary_reads_no_clock_file_or_network() -> None:
    """`measures` decides; whoever asks brings the time."""
    forbidden = {"os", "pathlib", "socket", "random", "uuid", "time", "asyncio", "sqlite3",
                 "subprocess", "temporalio", "sqlalchemy", "httpx"}  # fmt: skip
    for name, tree in modules("measures"):
        assert not {one.partition(".")[0] for one in imported(tree)} & forbidden, name
        called = {
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not called & {"now", "utcnow", "today"}, name


def test_one_module_each_knows_the_libraries_for_queues_and_pictures() -> None:
    """Another library for either would be met in one place."""
    assert users_of("simpy") == {"measures.queueing.play"}
    assert users_of("pygal") == {"console.pictures"}


def test_whoever_only_judges_loads_no_simulation() -> None:
    """Workflows and the facts they lead to know what was recorded, not how it is played."""
    code = (
        "import sys, measures.gathering, workflows.measure_lifecycle;"
        "print(sorted({'simpy', 'pygal'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
