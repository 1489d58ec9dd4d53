"""Make `.venv` from the locked, hashed requirements: what `make setup` runs before anything else.

Standard library only, because it runs before anything is installed. It is cheap when nothing
changed (a stamp inside `.venv` remembers the digests of what was installed), safe to run again
after an interruption, and writes nothing outside the checkout: pip's cache and its log live
under `.sluice/`.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "sluicegate-stamp.json"
STATE = ROOT / ".sluice"
LOG = STATE / "bootstrap.log"
WHEELS = STATE / "cache" / "wheels"
REQUIREMENTS = ROOT / "requirements"

OLDEST, NEWEST = (3, 11), (3, 13)
BUILT_FROM_SOURCE = "durable-rules"  # published as source only; everything else comes as a wheel
# Python 3.13 took away a C function that durable-rules calls; this one does the same. Its
# setup.py overwrites CFLAGS, so the preprocessor has to be told.
RULE_ENGINE_FLAGS = "-DPyEval_CallObject=PyObject_CallObject"
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class SetupFailedError(Exception):
    """A step cannot be done; the message says what failed and what to do next."""


def main() -> int:
    """Bring `.venv` up to date and say per slow step what was done and how long it took."""
    parser = argparse.ArgumentParser(description="Create or update .venv from requirements/.")
    parser.add_argument("--dev", action="store_true", help="install the test and lint tools too")
    options = parser.parse_args()
    use_a_fitting_python()
    wanted = digests("dev" if options.dev else "run")
    if up_to_date(wanted):
        return 0
    try:
        check_machine()
        with one_at_a_time():
            # Another make may have done the work while this one waited.
            if not up_to_date(wanted):
                set_up(wanted, "dev" if options.dev else "run")
    except SetupFailedError as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: run the same command again to go on", file=sys.stderr)
        return 130
    return 0


# --- what is wanted and what is there ---------------------------------------------------------


def digests(lock: str) -> dict[str, str]:
    """Name what each step depends on; a step is done again only when its own digest changed."""
    import tomllib  # here, because an old Python must get as far as being told it is old

    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    # Linter and test settings do not change what is installed.
    project = {
        "build-system": pyproject["build-system"],
        "project": pyproject["project"],
        "setuptools": pyproject["tool"]["setuptools"],
    }
    build = (REQUIREMENTS / "build.lock").read_bytes()
    packages = (REQUIREMENTS / f"{lock}.lock").read_bytes()
    return {
        # A virtual environment works only for its Python and in the folder it was made in.
        "venv": digest(f"{sys.version_info[:3]} {VENV}".encode()),
        "build": digest(build),
        lock: digest(build + packages),
        "project": digest(json.dumps(project, sort_keys=True).encode()),
    }


def digest(content: bytes) -> str:
    """Return a short fingerprint."""
    return hashlib.sha256(content).hexdigest()[:16]


def read_stamp() -> dict[str, str]:
    """Return what earlier runs finished, nothing when there is no usable environment."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and VENV_PYTHON.exists() else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Replace the stamp in one step, so that a kill leaves the old or the new one."""
    draft = STAMP.with_suffix(".draft")
    draft.write_text(json.dumps(stamp, indent=1, sort_keys=True) + "\n")
    draft.replace(STAMP)


def up_to_date(wanted: dict[str, str]) -> bool:
    """Tell whether the environment holds all that is wanted."""
    stamp = read_stamp()
    return "unfinished" not in stamp and all(stamp.get(k) == v for k, v in wanted.items())


# --- the machine ------------------------------------------------------------------------------


def use_a_fitting_python() -> None:
    """Go on with another Python of this machine when the one that started does not fit."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        # A version manager's placeholder may be found and yet start nothing.
        if other and subprocess.run([other, "-c", ""], capture_output=True).returncode == 0:
            os.execv(other, [other, *sys.argv])
    here = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Python 3.{OLDEST[1]} to 3.{NEWEST[1]} is needed, {sys.executable} is {here}: "
        "apt-get install python3.11, or make PYTHON=/path/to/python3.12",
        file=sys.stderr,
    )
    raise SystemExit(1)


def check_machine() -> None:
    """Name everything that is missing at once, one line with its fix each.

    Raises:
        SetupFailedError: Something is missing.
    """
    missing = []
    compiler = (os.environ.get("CC") or "cc").split()[0]
    if not (shutil.which(compiler) or shutil.which("gcc")):
        missing.append("a C compiler is missing: apt-get install gcc libc6-dev")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        default = Path("/usr/bin/python3").resolve() == Path(sys.executable).resolve()
        package = "python3-dev" if default else f"python3.{sys.version_info[1]}-dev"
        missing.append(f"Python.h is missing: apt-get install {package}")
    if not shutil.which("make"):
        missing.append("make is missing: apt-get install make")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        missing.append("Python's venv module is missing: apt-get install python3-venv")
    if missing:
        raise SetupFailedError("\n".join(missing))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the checkout's lock, so that two makes at once do not install into each other."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another set-up of this checkout is running: waiting for it", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- the steps --------------------------------------------------------------------------------


def set_up(wanted: dict[str, str], lock: str) -> None:
    """Do the steps whose digest changed and note those that were finished."""
    LOG.write_text("")
    stamp = read_stamp()
    if stamp.get("venv") != wanted["venv"] or "unfinished" in stamp:
        # Also after a kill in mid-install: a half-copied package looks installed to pip.
        run_step("virtual environment", [Step(sys.executable, "-m", "venv", "--clear", str(VENV))])
        stamp = {"venv": wanted["venv"]}

    write_stamp({**stamp, "unfinished": "yes"})
    try:
        install_what_changed(stamp, wanted, lock)
    finally:
        # A refused download or a failed build leaves the environment whole: pip rolls back.
        if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
            write_stamp(stamp)


def install_what_changed(stamp: dict[str, str], wanted: dict[str, str], lock: str) -> None:
    """Install what the stamp does not show as installed, and write it into the stamp."""
    if stamp.get("build") != wanted["build"]:
        run_step("build tools", [install("-r", str(REQUIREMENTS / "build.lock"))])
        stamp["build"] = wanted["build"]
    if stamp.get(lock) != wanted[lock]:
        install_packages(lock)
        stamp[lock] = wanted[lock]
        # The development packages contain the run packages at the same versions.
        stamp["run"] = digests("run")["run"]
    if stamp.get("project") != wanted["project"]:
        run_step(
            "sluice command",
            [install("--no-index", "--no-build-isolation", "--editable", str(ROOT), hashed=False)],
        )
        stamp["project"] = wanted["project"]


def install_packages(lock: str) -> None:
    """Install the lock's packages while the rule engine compiles on the other core."""
    engine, rest = split_lock(REQUIREMENTS / f"{lock}.lock")
    shutil.rmtree(WHEELS, ignore_errors=True)
    built = pip("wheel", "--require-hashes", "--no-deps", "--no-build-isolation")
    run_step(
        f"{rest.read_text().count('==')} packages, rule engine built from source",
        [
            built.plus("--wheel-dir", str(WHEELS), "-r", str(engine)),
            install("--only-binary", ":all:", "-r", str(rest)),
        ],
    )
    wheels = [str(wheel) for wheel in WHEELS.glob("*.whl")]
    # The source it was built from has been checked against its hash; the wheel has none.
    run_step("rule engine", [install("--no-index", "--force-reinstall", *wheels, hashed=False)])


def split_lock(lock: Path) -> tuple[Path, Path]:
    """Write the package that is compiled and those that are not as two requirement files."""
    blocks: list[str] = []
    for line in lock.read_text().splitlines():
        if line.startswith("    ") and blocks:
            blocks[-1] += f"\n{line}"
        elif line and not line.startswith("#"):
            blocks.append(line)
    engine = [block for block in blocks if block.startswith(f"{BUILT_FROM_SOURCE}==")]
    rest = [block for block in blocks if block not in engine]
    parts = STATE / "cache" / "engine.txt", STATE / "cache" / "packages.txt"
    for part, content in zip(parts, (engine, rest), strict=True):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("\n".join(content) + "\n")
    return parts


class Step(list[str]):
    """A command with its arguments."""

    def __init__(self, *arguments: str) -> None:
        super().__init__(arguments)

    def plus(self, *arguments: str) -> Step:
        """Return the command with more arguments."""
        return Step(*self, *arguments)


def pip(*arguments: str) -> Step:
    """Return a call of the environment's own pip."""
    return Step(str(VENV_PYTHON), "-m", "pip", *arguments)


def install(*arguments: str, hashed: bool = True) -> Step:
    """Return an installation of exactly what is listed, dependencies never guessed."""
    checked = ["--require-hashes"] if hashed else []
    return pip("install", "--no-deps", *checked, *arguments)


# --- running a step with progress -------------------------------------------------------------


def run_step(title: str, commands: list[Step]) -> None:
    """Run commands side by side, show that they live, and tick the step off with its seconds.

    Raises:
        SetupFailedError: A command failed; the message ends with the tail of its output.
    """
    began = time.monotonic()
    environment = {
        **os.environ,
        "PIP_CACHE_DIR": str(STATE / "cache" / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if sys.version_info >= (3, 13):
        environment["CPPFLAGS"] = f"{os.environ.get('CPPFLAGS', '')} {RULE_ENGINE_FLAGS}".strip()
    with LOG.open("ab") as log:
        running = [
            subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)
            for command in commands
        ]
        try:
            wait_with_progress(title, running, began)
        finally:
            for process in running:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
    if any(process.returncode for process in running):
        raise SetupFailedError(
            f"✗ {title}: failed\n{tail(12)}\n"
            f"The whole output is in {LOG.relative_to(ROOT)}. "
            "Mend the cause and run the same command again."
        )
    print(f"✓ {title}  {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def wait_with_progress(title: str, running: list[subprocess.Popen[bytes]], began: float) -> None:
    """Wait for all processes, with a moving line on a terminal and a rare line elsewhere."""
    on_terminal = sys.stderr.isatty()
    next_sign_of_life = began + 15
    tick = 0
    while any(process.poll() is None for process in running):
        now = time.monotonic()
        if on_terminal:
            doing = tail(1).strip()[:60]
            frame = FRAMES[tick % len(FRAMES)]
            print(f"\r\033[K{frame} {title}  {now - began:.0f} s  {doing}", end="", file=sys.stderr)
        elif now >= next_sign_of_life:
            print(f"… {title}  {now - began:.0f} s", file=sys.stderr, flush=True)
            next_sign_of_life = now + 15
        tick += 1
        time.sleep(0.1)
    if on_terminal:
        print("\r\033[K", end="", file=sys.stderr)


def tail(lines: int) -> str:
    """Return the last lines of the log."""
    with LOG.open("rb") as log:
        log.seek(max(0, LOG.stat().st_size - 8192))
        return "\n".join(log.read().decode(errors="replace").strip().splitlines()[-lines:])


if __name__ == "__main__":
    raise SystemExit(main())
