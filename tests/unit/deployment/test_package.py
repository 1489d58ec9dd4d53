"""What is installed without the checkout is everything the checkout has."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("measures", "workflows", "rules", "connectors", "ledger", "worker", "console")


def test_a_wheel_holds_every_file_of_every_package(tmp_path: Path) -> None:
    """A package or pack that was forgotten would be missing in the image only."""
    source = tmp_path / "source"
    source.mkdir()
    # A copy, because setuptools leaves build folders where it works.
    files = ["pyproject.toml", "README.md", "LICENSE", *PACKAGES]
    subprocess.run(["cp", "-r", *(str(ROOT / name) for name in files), str(source)], check=True)

    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps"),
            *("--no-build-isolation", "--no-cache-dir", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
        capture_output=True,
    )

    with zipfile.ZipFile(next(tmp_path.glob("sluicegate-*.whl"))) as wheel:
        packed = set(wheel.namelist())
    present = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert present <= packed
    top = {name.split("/")[0] for name in packed if ".dist-info" not in name}
    assert top <= set(PACKAGES)
