"""`sluice permit check` and what it reads: a bundle of files, asking nobody."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console.cli import app
from console.permit_checks import KEYS_FILE, REVOKED_FILE
from ledger.store import Ledger
from measures.errors import RefusedError
from measures.permit_keys import key_set_of, read_key_set
from measures.permits import PERMIT_KEY, PERMIT_TYPE, REVOCATIONS_TYPE, PermitKey, seconds
from measures.sealing import key_id, new_key, seal

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC)
KEY = new_key()
PAGE = "<h1>Spring</h1>\n"


def claims(**changed: Any) -> dict[str, Any]:
    """What a permit says that is valid today."""
    return {
        "iss": "sluicegate",
        "sub": "measure:spring",
        "aud": "memory/CMP-1",
        "jti": "spring/17",
        "iat": seconds(NOW),
        "nbf": seconds(NOW),
        "exp": seconds(NOW + timedelta(days=1)),
        "entry": 17,
        "campaign": {
            "connector": "memory",
            "ref": "CMP-1",
            "launch_on": NOW.date().isoformat(),
            "ends_on": (NOW + timedelta(days=9)).date().isoformat(),
            "budget": 1000,
            "volume": 300,
        },
        "plan": "1" * 64,
        "content": hashlib.sha256(PAGE.encode()).hexdigest(),
        "verdict": "2" * 64,
        "pack": "3" * 64,
        "facts": "4" * 64,
        **changed,
    }


def write_list(folder: Path, *revoked: dict[str, Any], at: datetime = NOW) -> None:
    """A list that counts for a day: a run of all tests may take an hour."""
    content = {
        "iss": "sluicegate",
        "iat": seconds(at),
        "exp": seconds(at + timedelta(days=1)),
        "revoked": list(revoked),
    }
    (folder / REVOKED_FILE).write_text(seal(content, REVOCATIONS_TYPE, KEY) + "\n")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a page, its permit and a bundle; no engine, no ledger."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SLUICE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "permit.jws").write_text(seal(claims(), PERMIT_TYPE, KEY) + "\n")
    bundle = tmp_path / "permits"
    bundle.mkdir()
    key = PermitKey(kid=key_id(KEY), x=str(KEY.as_dict(private=False)["x"]))
    (bundle / KEYS_FILE).write_text(json.dumps(key_set_of({key.kid: key})))
    write_list(bundle)
    return tmp_path


def check(*more: str, permit: str = "permit.jws", stdin: str | None = None) -> Result:
    """Runs the check of the page with the bundle."""
    usual = ["--campaign", "CMP-1", "--bundle", "permits", "--content", "page.html"]
    return CliRunner().invoke(app, ["permit", "check", permit, *usual, *more], input=stdin)


def code_of(result: Result) -> tuple[int, str]:
    """The exit code, and the code for programs."""
    return result.exit_code, json.loads(result.output)["code"]


def test_a_valid_permit_is_exit_0(desk: Path) -> None:
    """From a file, from stdin, or as it is."""
    assert code_of(check("-o", "json")) == (0, "valid")
    text = (desk / "permit.jws").read_text()
    assert code_of(check("-o", "json", permit="-", stdin=text)) == (0, "valid")
    assert code_of(check("-o", "json", permit=text.strip())) == (0, "valid")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--campaign", "CMP-2"], "wrong-campaign"),
        (["--spent-volume", "300"], "volume-spent"),
        (["--spent-budget", "1000.5"], "budget-spent"),
        (["--at", "2020-01-01T00:00Z"], "not-yet"),
        (["--at", (NOW + timedelta(days=2)).isoformat()], "expired"),
        (["--content", "permit.jws"], "wrong-content"),
        (["--issuer", "other"], "list-unreadable"),
    ],
)
def test_what_does_not_fit_is_exit_3(desk: Path, more: list[str], code: str) -> None:
    """With a code for programs and a sentence for people."""
    assert code_of(check(*more, "-o", "json")) == (3, code)
    said = check(*more)
    assert (said.exit_code, said.output[:9]) == (3, "not valid")


def test_a_revoked_permit_and_an_old_list_are_exit_3(desk: Path) -> None:
    """A list that nobody brought up to date says nothing any more."""
    line = {"measure": "spring", "through": 17, "at": 1, "why": "hold", "until": seconds(NOW) + 99}
    write_list(desk / "permits", line)
    assert code_of(check("-o", "json")) == (3, "revoked")
    write_list(desk / "permits", at=NOW - timedelta(days=2))
    assert code_of(check("-o", "json")) == (3, "list-too-old")
    (desk / "permits" / REVOKED_FILE).write_text("")
    assert code_of(check("-o", "json")) == (3, "list-unreadable")


@pytest.mark.parametrize("missing", [KEYS_FILE, REVOKED_FILE])
def test_without_keys_or_list_nothing_is_valid(desk: Path, missing: str) -> None:
    """What is missing is named, with the command that gets it."""
    (desk / "permits" / missing).unlink()
    result = check()
    assert result.exit_code != 0
    assert missing in str(result.exception)
    assert "sluice permit bundle" in str(result.exception)


@pytest.mark.parametrize("amount", ["nan", "inf", "-1", "1e16", "many"])
def test_an_amount_that_is_none_is_wrong_usage(desk: Path, amount: str) -> None:
    """Never taken for nothing spent."""
    assert check("--spent-volume", amount).exit_code == 2


@pytest.mark.parametrize("permit", ["", "nothing.jws", "x" * 5000, "a.b.c", "..", "/", "\u2603"])
def test_what_is_no_permit_is_exit_3(desk: Path, permit: str) -> None:
    """Also an empty variable of a script."""
    assert code_of(check("-o", "json", permit=permit)) == (3, "malformed")


def test_without_a_bundle_and_without_a_ledger_nothing_is_valid(desk: Path) -> None:
    """The engine that does not run says yes to nobody."""
    asked = ["permit", "check", "permit.jws", "--campaign", "CMP-1", "--content", "page.html"]
    assert CliRunner().invoke(app, asked).exit_code != 0


def test_a_check_with_a_bundle_loads_neither_temporal_nor_the_ledger(desk: Path) -> None:
    """An ad script starts it before each batch."""
    code = (
        "import sys, atexit\n"
        "from console.cli import run_command\n"
        "sys.argv = ['sluice', 'permit', 'check', 'permit.jws', '--campaign', 'CMP-1',"
        " '--bundle', 'permits', '--content', 'page.html', '-o', 'json']\n"
        "code = run_command()\n"
        "heavy = {'temporalio', 'sqlalchemy', 'ledger', 'rules', 'workflows', 'asyncio'}\n"
        "found = heavy & {name.partition('.')[0] for name in sys.modules}\n"
        "sys.exit(code or (9 if found else 0))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, check=False)
    assert done.returncode == 0, done


def test_the_example_script_sends_only_while_the_permit_lets_it(desk: Path) -> None:
    """One batch of 100 people, for a volume of 100."""
    small = claims(campaign={**claims()["campaign"], "volume": 100})
    (desk / "permit.jws").write_text(seal(small, PERMIT_TYPE, KEY))
    script = ROOT / "examples/permits/run_campaign.py"
    bin_ = str(Path(sys.executable).parent)
    done = subprocess.run(
        [sys.executable, str(script), "CMP-1"],
        cwd=desk,
        env={**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "stopped after 100 people", done


class TestKeys:
    @pytest.fixture
    def house(self, desk: Path, monkeypatch: pytest.MonkeyPatch) -> PermitKey:
        """A ledger that knows the key; a server elsewhere, which keys do not need."""
        monkeypatch.setenv("SLUICE_TEMPORAL_ADDRESS", "127.0.0.1:1")
        monkeypatch.setenv("SLUICE_LEDGER_URL", f"sqlite:///{desk}/ledger.db")
        key = PermitKey(kid=key_id(KEY), x=str(KEY.as_dict(private=False)["x"]))
        with Ledger.open(f"sqlite:///{desk}/ledger.db") as ledger:
            content = key.model_dump(mode="json")
            ledger.append_document(PERMIT_KEY, key.kid, content, "engine", NOW, "k")
        return key

    def keys(self, *words: str) -> Result:
        """Runs a command."""
        return CliRunner().invoke(app, ["permit", "keys", *words])

    def test_they_are_published_as_a_jwks(self, house: PermitKey, desk: Path) -> None:
        """On the terminal or in a file; never with a private part."""
        assert read_key_set(self.keys("publish").output).known == {house.kid: house}
        assert self.keys("publish", "--to", "keys.json").exit_code == 0
        assert read_key_set((desk / "keys.json").read_text()).known == {house.kid: house}
        nowhere = self.keys("publish", "--to", "no/such/folder")
        assert "cannot be written" in str(nowhere.exception)

    def test_a_retired_key_no_longer_counts(self, house: PermitKey) -> None:
        """With --now at once; without the ledger's other keys nothing else is left."""
        online = ["permit", "check", "permit.jws", "--campaign", "CMP-1", "--content", "page.html"]
        assert CliRunner().invoke(app, online).exit_code == 0
        assert self.keys("retire", house.kid, "--now").exit_code == 0
        result = CliRunner().invoke(app, [*online, "-o", "json"])
        assert code_of(result) == (3, "retired-key")
        [row] = json.loads(self.keys("show", "-o", "json").output)
        assert row["retired_at"] == row["verify_until"] is not None

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["retire", "nothing"], "unknown-key"),
            (["retire", "nothing", "--as", "olga"], "embedded-only"),
            (["rotate"], "embedded-only"),
        ],
    )
    def test_what_cannot_be_done_is_said(
        self, house: PermitKey, words: list[str], code: str
    ) -> None:
        """And what to do instead."""
        result = self.keys(*words)
        assert isinstance(result.exception, RefusedError)
        assert result.exception.code == code

    def test_only_administrators_change_them(
        self, house: PermitKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever may retire keys can stop every campaign."""
        monkeypatch.setenv("SLUICE_PERSON", "olga")
        result = self.keys("retire", house.kid)
        assert isinstance(result.exception, RefusedError)
        assert result.exception.code == "unknown-person"


@pytest.mark.parametrize("name", ["spring", "memory/CMP-1"])
def test_what_nobody_knows_has_no_permit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Exit 3 with the reason, as for every permit that is denied; in words and as data."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db"):
        monkeypatch.setenv("SLUICE_LEDGER_URL", f"sqlite:///{tmp_path}/ledger.db")
    for form in ((), ("-o", "json")):
        done = CliRunner().invoke(app, ["permit", "issue", name, *form])
        assert done.exit_code == 3, done.output
        assert f"there is no measure {name}" in done.output
    assert json.loads(done.stdout)["permit"] == "denied"
