"""Fuzz what reads a stranger's rules: `make fuzz`, a command of its own because it takes a minute.

Atheris is not needed to run or test the product, so it is installed apart, by the hashes of
requirements/fuzz.lock, into `.sluice/fuzz`; everything else comes from `.venv`, whose packages are
the same by hash. What was interesting in one run is where the next one begins.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".sluice" / "fuzz"
PACKAGES, SEEDS, CORPUS, CRASHES = (
    PLACE / name for name in ("packages", "seeds", "corpus", "crashes")
)
TARGET = ROOT / "tests" / "fuzz" / "target.py"
PACK, DOCUMENTS, CASES, CONDITION = (bytes([number]) for number in range(4))
"""The first byte of an input chooses the reader, see tests/fuzz/target.py."""

LARGEST_INPUT = 32 * 1024
MEMORY_MB = 1024
HANGS_AFTER_SECONDS = 30
"""Wall time; the target itself counts processor time, which a busy machine does not stretch."""


def main() -> int:
    """Fuzz for a while and say what was found."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of packs, cases and documents.")
    parser.add_argument("--seconds", type=int, default=60, help="how long (60)")
    options = parser.parse_args()
    install_atheris()
    write_seeds()
    return fuzz(options.seconds)


def install_atheris() -> None:
    """Install the fuzzer once, by its hashes and without what it would pull in."""
    lock = (ROOT / "requirements" / "fuzz.lock").read_text()
    wanted = "".join(re.findall(r"^atheris==(?:.*\\\n)*.*\n", lock, re.MULTILINE))
    stamp = PLACE / "atheris.txt"
    if PACKAGES.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    PLACE.mkdir(parents=True, exist_ok=True)
    draft = PLACE / "atheris.draft.txt"
    draft.write_text(wanted)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--require-hashes", "--target", str(PACKAGES), "-r", str(draft)),
        ],
        check=True,
    )
    draft.replace(stamp)


def write_seeds() -> None:
    """Write what there is of packs, cases, documents, and mistakes that authors make."""
    sys.path.insert(0, str(ROOT))
    from rules.casebook import cases_file
    from rules.conditions import Condition
    from rules.loader import builtin_pack_files, builtin_packs
    from tests.unit.rules.test_mistakes import GOOD, MISTAKES

    seeds: list[bytes] = []
    for file in map(Path, map(str, builtin_pack_files())):
        for small in one_at_a_time(file.read_text(), "  - id:"):
            seeds += [PACK + small, DOCUMENTS + b"kind: RulePack\n" + small]
        seeds += [CASES + small for small in one_at_a_time(cases_file(file).read_text(), "  - ")]
    seeds += [
        PACK + GOOD.replace(mistake.old, mistake.new, 1).encode() for mistake in MISTAKES.values()
    ]
    for loaded in builtin_packs():
        for rule in loaded.rules:
            written = [rule.require, rule.at_least, *rule.seen.values()]
            seeds += [
                CONDITION + one.text.encode() for one in written if isinstance(one, Condition)
            ]
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "documents.md").read_text(), re.S)
    seeds += [DOCUMENTS + example.encode() for example in examples]
    shutil.rmtree(SEEDS, ignore_errors=True)
    for folder in (SEEDS, CORPUS, CRASHES):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (SEEDS / f"{number:04}").write_bytes(seed[:LARGEST_INPUT])


def one_at_a_time(text: str, begins: str) -> list[bytes]:
    """Cut a file into one for each of its rules or cases: small inputs are tried more often."""
    head, *items = re.split(f"^(?={re.escape(begins)})", text, flags=re.MULTILINE)
    return [(head + item).encode() for item in items]


def fuzz(seconds: int) -> int:
    """Run libFuzzer and return its exit code, 0 when nothing was found."""
    before = set(CRASHES.iterdir())
    ran = subprocess.run(
        [
            *(sys.executable, str(TARGET), str(CORPUS), str(SEEDS)),
            f"-max_total_time={seconds}",
            f"-max_len={LARGEST_INPUT}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-timeout={HANGS_AFTER_SECONDS}",
            f"-artifact_prefix={CRASHES}/",
            "-print_final_stats=1",
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(PACKAGES)])},
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    said = ran.stderr
    found = sorted(set(CRASHES.iterdir()) - before)
    if ran.returncode:
        print(said[-6000:])
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", said))
    slowest = re.findall(r"slowest input so far: (\d+) ms", said)
    print(
        f"{int(stats.get('number_of_executed_units', 0)):,} inputs in {seconds} s,"
        f" {int(stats.get('average_exec_per_sec', 0)):,} a second,"
        f" slowest {slowest[-1] if slowest else '?'} ms, peak {stats.get('peak_rss_mb', '?')} MB,"
        f" {len(found)} crashes"
    )
    for crash in found:
        print(f"again: {Path(sys.executable).name} {TARGET.relative_to(ROOT)} {crash}")
    return ran.returncode


if __name__ == "__main__":
    raise SystemExit(main())
