"""One measure through the command line on the local stack, deaths of processes included."""

import os
import shlex
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from measures.shifting import Shift

pytestmark = pytest.mark.temporal

Text = Callable[..., str]


class TestOneMeasure:
    """In the order of its life."""

    def test_is_applied_once(self, office: Any, measure_text: Text) -> None:
        """Created, then unchanged, then changed: applying is idempotent."""
        office.write("plan/summer.yaml", measure_text("summer-sale", amount=120))
        assert outcomes(office, "plan") == {"summer-sale": "created"}
        assert outcomes(office, "plan") == {"summer-sale": "unchanged"}
        office.write("plan/summer.yaml", measure_text("summer-sale", amount=120, title="Sale"))
        assert outcomes(office, "plan") == {"summer-sale": "changed"}
        assert outcomes(office, "company.yaml")["desk"] == "unchanged"

    def test_is_shown_in_four_forms(self, office: Any) -> None:
        """Table, JSON, YAML and names."""
        table = office.sluice("get", "measures")
        assert table.code == 0
        assert "summer-sale" in table.out
        assert office.asks("get", "measures")[0]["stage"] == "defined"
        yaml = office.sluice("get", "measure", "summer-sale", "-o", "yaml")
        shown = YAML(typ="safe", pure=True).load(yaml.out)
        assert (shown["stage"], shown["plan"]["title"]) == ("defined", "Sale")
        assert office.sluice("get", "persons", "-o", "name").out.split() == [
            "Person/ada", "Person/ben", "Person/cleo", "Person/dan", "Person/eve",
        ]  # fmt: skip
        assert office.sluice("get", "pools", "desk", "-o", "name").out.split() == ["Pool/desk"]

    def test_is_blocked_by_what_operations_cannot_take(self, office: Any) -> None:
        """Exit 3, and the reason with who can clear it and how."""
        for stage in ("identified", "detailed"):
            assert office.asks("advance", "summer-sale", "--as", "ada")["stage"] == stage
        for person, role in (("ben", "sponsor"), ("dan", "committee")):
            office.asks("sign", "summer-sale", "--gate", "decided", "--role", role, "--as", person)
        blocked = office.sluice("advance", "summer-sale", "--as", "ada", "-o", "json")
        assert blocked.code == 3, blocked
        assert blocked.data["blockers"] == ["decided.capacity-covers-demand"]
        assert blocked.data["seen"]["decided.capacity-covers-demand"]["short"] == 20
        words = office.sluice("explain", "summer-sale")
        assert words.code == 0
        for word in ("decided.capacity-covers-demand", "120", "100", "eve", "sluice capacity desk"):
            assert word in words.out, words
        reason = office.asks("explain", "summer-sale")["reasons"][0]
        assert reason["since"]
        assert {"eve", "ada"} >= set(reason["who"])

    def test_denies_the_permit_meanwhile(self, office: Any) -> None:
        """A measure that is not decided launches nothing: exit 3."""
        denied = office.sluice("launch", "summer-sale", "--as", "ada", "-o", "json")
        assert (denied.code, denied.data["permit"]) == (3, "denied")

    def test_keeps_its_request_through_kill_9(
        self, office: Any, wait_until: Callable[..., Any]
    ) -> None:
        """Worker and server die by the pids of stack.json; the request is still there."""
        before = office.stack
        asked = office.asks("get", "measure", "summer-sale")["requested_at"]
        os.kill(before.worker.pid, signal.SIGKILL)
        os.kill(before.server.pid, signal.SIGKILL)
        wait_until(
            lambda: (
                (now := office.stack)
                and now.ready
                and now.server.pid != before.server.pid
                and now.worker.pid != before.worker.pid
            )
        )
        assert office.stack.address == before.address
        status = office.asks("explain", "summer-sale")
        assert (status["requested_at"], status["verdict"]) == (asked, "block")

    def test_goes_through_by_itself(self, office: Any, wait_until: Callable[..., Any]) -> None:
        """When operations reports enough; nobody asks again."""
        words = ("capacity", "desk", "--period", period(office))
        short = office.asks(*words, "--amount", "119", "--as", "eve")
        assert short["freed_for"] == []
        enough = office.asks(*words, "--amount", "120", "--as", "eve")
        assert enough["freed_for"] == ["summer-sale"]
        status = office.asks("get", "measure", "summer-sale")
        assert status["stage"] == "decided"
        assert status["reserved"] == {"desk": {period(office): 120}}

    def test_launches_and_is_held(self, office: Any, wait_until: Callable[..., Any]) -> None:
        """The connected system shows it released, and held again when the measure is."""
        assert campaign(office, "summer-sale") == "held"
        assert office.asks("launch", "summer-sale", "--as", "ada")["permit"] == "granted"
        wait_until(lambda: campaign(office, "summer-sale") == "released")
        folder = Path(office.asks("permit", "bundle", "--to", "permits")["keys"]).parent
        assert office.asks("permit", "list")[0]["measure"] == "summer-sale"
        token = office.asks("permit", "issue", "summer-sale", "--as", "ada")["permit_token"]
        check = ("permit", "check", token, "--campaign", "summer-sale")
        assert office.asks(*check, "--bundle", str(folder))["code"] == "valid"
        office.asks("hold", "summer-sale", "--reason", "a review", "--as", "ben")
        assert office.sluice(*check, "-o", "json").data["code"] == "revoked"
        wait_until(lambda: campaign(office, "summer-sale") == "held")
        held = office.sluice("advance", "summer-sale", "--as", "ada")
        assert held.code == 1
        assert "a review" in held.out + held.err
        office.asks("resume", "summer-sale", "--as", "ben")
        # The hold has ended the permit.
        assert campaign(office, "summer-sale") == "held"
        assert office.asks("launch", "summer-sale", "--as", "ada")["permit"] == "granted"
        wait_until(lambda: campaign(office, "summer-sale") == "released")

    def test_closes_with_its_controller_only(self, office: Any) -> None:
        """Reports, evidence, confirmation; the record verifies."""
        report = ("report", "summer-sale")
        day = datetime.now(UTC).date().isoformat()
        ran = office.sluice(*report, "--milestone", "live", "--on", day, "--as", "ada")
        assert ran.code == 0, ran
        assert ran.out.splitlines()[0] == f"reported milestone live: {day}"
        assert office.asks("advance", "summer-sale", "--as", "ada")["stage"] == "implemented"
        not_finance = office.sluice(*report, "--actual", "ebitda=900", "--as", "ada")
        assert not_finance.code == 5
        office.asks(*report, "--actual", "ebitda=900", "--as", "cleo")
        office.asks(*report, "--evidence", f"bill:{'a' * 64}", "--as", "ada")
        blocked = office.sluice("advance", "summer-sale", "--as", "ada", "-o", "json")
        assert blocked.data["blockers"] == ["closed.controller-has-confirmed"]
        sign = ("sign", "summer-sale", "--gate", "closed", "--role", "controller")
        assert office.sluice(*sign, "--as", "ada").code == 5
        assert office.asks(*sign, "--as", "cleo")["stage"] == "closed"
        assert office.asks("ledger", "verify")["ok"] is True


NEEDS_AN_OFFER = """\
pack: codes
title: What nobody has stated cannot be known
rules:
  - id: identified.capacity-is-stated
    gate: identified
    when: {demand: {kind: demand, period: 2099-01}}
    expect: {offer: {kind: offer, pool: $demand.pool, period: $demand.period}}
    require: offer.available >= demand.amount
    message: "{demand.pool} states nothing for {demand.period}"
    clear_by: measure.owner
"""


@pytest.fixture(scope="module")
def _two_that_wait(office: Any, measure_text: Text) -> None:
    """One that is not described, one whose pool has stated nothing."""
    text = measure_text("codes").replace("description: More orders in summer", "description: ''")
    office.write("codes/a.yaml", text)
    office.write("codes/b.yaml", measure_text("unknown", amount=1, period="2099-01"))
    office.write("codes/pack.yaml", NEEDS_AN_OFFER)
    ran = office.sluice("apply", "-f", "codes")
    assert ran.code == 0, ran


@pytest.mark.usefixtures("_two_that_wait")
class TestExitCodes:
    """One by one; the table is in the docs."""

    def test_0_done(self, office: Any) -> None:
        """Looking, and what passes."""
        assert office.sluice("get", "measure", "codes").code == 0

    def test_1_failed(self, office: Any) -> None:
        """Refused, or not there."""
        assert office.sluice("amend", "codes", "--set", "titel=x", "--as", "ada").code == 1
        assert office.sluice("advance", "nobody", "--as", "ada").code == 1
        assert office.sluice("get", "measure", "nobody").code == 1
        assert office.sluice("explain", "nobody").code == 1
        assert "sluice get measures" in office.sluice("get", "measure", "nobody").err

    @pytest.mark.parametrize(
        "words",
        [
            ("advanse", "codes"),
            ("advance",),
            ("get", "things"),
            ("sign", "codes", "--gate", "decided", "--role", "sponsor", "--decision", "maybe"),
            ("amend", "codes", "--set", "title"),
            ("amend", "codes", "--set", "kpis.orders.target=NaN"),
            ("report", "codes", "--kpi", "orders"),
            ("report", "codes", "--period", "2031-03"),
            ("report", "codes"),
            ("capacity", "desk", "--period", "2031-13", "--amount", "5"),
            ("capacity", "desk", "--period", "2031-03", "--amount", "nan"),
            ("capacity", "desk", "--period", "2031-03", "--amount", "inf"),
            ("capacity", "desk", "--period", "2031-03", "--amount", "-1"),
            ("apply", "-f", "no-such-file.yaml"),
            ("simulate", "no-such-story.yaml"),
            ("get", "measures", "-o", "xml"),
        ],
        ids=" ".join,
    )
    def test_2_wrong_usage(self, office: Any, words: tuple[str, ...]) -> None:
        """What was typed cannot work: told in a few lines, never a traceback."""
        person = () if words[0] in ("get", "apply", "simulate", "advanse") else ("--as", "eve")
        ran = office.sluice(*words, *person)
        assert ran.code == 2, ran
        assert "Traceback" not in ran.err
        assert ran.err.strip()

    def test_3_blocked(self, office: Any) -> None:
        """The gate said no."""
        assert office.sluice("advance", "codes", "--as", "ada").code == 3

    def test_4_inconclusive(self, office: Any) -> None:
        """The gate cannot know: nobody has stated that capacity."""
        assert office.sluice("advance", "unknown", "--as", "ada").code == 4

    def test_only_what_asks_a_gate_ends_by_its_verdict(
        self, office: Any, measure_text: Text
    ) -> None:
        """All else is done when it is done: told first, then what the request waits for."""
        text = measure_text("words").replace("description: More orders in summer", "function: IT")
        office.write("words.yaml", text.replace("function: Marketing\n", ""))
        office.asks("apply", "-f", "words.yaml")
        assert office.sluice("advance", "words", "--as", "ada").code == 3
        waits = "words is defined (block), waits for ada; why: sluice explain words"
        held = "words is defined (on hold); to go on: sluice resume words"
        for words, told, standing in (
            (("amend", "--set", "function=Sales"), "changed function", waits),
            (("hold", "--reason", "a review"), "on hold: a review", held),
            (("resume",), "resumed", waits),
        ):
            ran = office.sluice(words[0], "words", *words[1:], "--as", "ada")
            assert ran.code == 0, ran
            assert ran.out.splitlines() == [told, standing]
        sign = ("sign", "words", "--gate", "identified", "--role")
        signed = office.sluice(*sign, "owner", "--as", "ada")
        assert signed.code == 0, signed
        assert signed.out.splitlines() == ["ada signed gate identified as owner", waits]
        judged = office.sluice(*sign, "sponsor", "--as", "ben", "--advance")
        assert judged.code == 3, judged
        assert judged.out.startswith(
            "ben signed gate identified as sponsor\ngate identified: block"
        )
        passed = office.sluice("amend", "words", "--set", "description=Orders", "--as", "ada")
        assert passed.code == 0, passed
        first, *_, last_but_one, last = passed.out.splitlines()
        assert first == "changed description"
        assert last_but_one == "The waiting request went through: identified"
        assert last == "words is identified"
        cancelled = office.sluice("cancel", "words", "--as", "ada")
        assert cancelled.code == 0, cancelled
        assert cancelled.out.splitlines()[0] == "cancelled"
        listed = office.sluice("get", "measures").out.splitlines()
        [row] = [line for line in listed if line.startswith("words ")]
        assert "(cancelled)" in row

    def test_refusals_at_the_door_are_data_too(self, office: Any) -> None:
        """Where a program asks, on stdout, with the same exit code."""
        for words, code, refused in (
            (("advance", "nobody", "--as", "ada"), 1, "unknown-measure"),
            (("capacity", "none", "--period", "2031-03", "--amount", "1", "--as", "eve"), 1,
             "unknown-pool"),
            (("advance", "codes"), 2, "who-are-you"),
            (("get", "measure", "nobody"), 1, "not-found"),
            (("explain", "nobody"), 1, "not-found"),
            (("wait", "nobody", "--stage", "decided"), 1, "not-found"),
        ):  # fmt: skip
            ran = office.sluice(*words, "-o", "json")
            assert ran.code == code, ran
            assert (ran.data["accepted"], ran.data["refused"]) == (False, refused)
            assert ran.data["message"]

    def test_5_not_allowed(self, office: Any) -> None:
        """Not entitled, not known, or not in this mode."""
        sign = ("sign", "codes", "--gate", "closed", "--role", "controller")
        assert office.sluice(*sign, "--as", "ada").code == 5
        assert office.sluice("advance", "codes", "--as", "mallory").code == 5
        elsewhere = office.stack.address
        ran = office.sluice("advance", "codes", "--as", "ada", SLUICE_TEMPORAL_ADDRESS=elsewhere)
        assert ran.code == 5, ran
        assert "SLUICE_PERSON" in ran.err

    def test_elsewhere_the_environment_says_who_asks(self, office: Any) -> None:
        """Away from the local stack a person is who their settings say."""
        settings = {
            "SLUICE_TEMPORAL_ADDRESS": office.stack.address,
            "SLUICE_LEDGER_URL": office.stack.ledger_url,
        }
        ran = office.sluice("advance", "codes", SLUICE_PERSON="ada", **settings)
        assert ran.code == 3, ran
        assert office.sluice("advance", "codes", **settings).code == 2

    def test_6_broken_ledger(self, office: Any, tmp_path: Path) -> None:
        """One changed letter in a copy of the record is found and named."""
        copy = tmp_path / "copy.db"
        with sqlite3.connect(office.state / "ledger.db") as ledger:
            ledger.execute("VACUUM INTO ?", (str(copy),))
        good = office.sluice("ledger", "verify", "--ledger", f"sqlite:///{copy}")
        assert good.code == 0, good
        with sqlite3.connect(copy) as ledger:
            for (trigger,) in ledger.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                ledger.execute(f'DROP TRIGGER "{trigger}"')
            ledger.execute("UPDATE entries SET by = 'mallory' WHERE position = 7")
        bad = office.sluice("ledger", "verify", "--ledger", f"sqlite:///{copy}", "-o", "json")
        assert bad.code == 6, bad
        assert bad.data["position"] == 7

        with sqlite3.connect(copy) as ledger:
            ledger.execute("DROP TABLE entries")
        gone = office.sluice("ledger", "verify", "--ledger", f"sqlite:///{copy}")
        assert gone.code == 6, gone
        assert "no such table: entries" in gone.err
        copy.write_bytes(b"\0" * 4096)
        garbage = office.sluice("ledger", "verify", "--ledger", f"sqlite:///{copy}")
        assert garbage.code == 6, garbage
        assert "the file is damaged" in garbage.err


class TestTheStack:
    def test_ctrl_c_leaves_no_process(
        self, shell: Any, end: Callable[..., str], wait_until: Callable[..., Any]
    ) -> None:
        """Server, worker, judge: all are gone, and commands say how to start again."""
        process = shell.up()
        stack = shell.stack
        family = descendants(process.pid)
        assert {stack.server.pid, stack.worker.pid} <= family
        end(process)
        assert process.returncode == 0
        wait_until(lambda: not {pid for pid in family if alive(pid)}, 10)
        ran = shell.sluice("advance", "x", "--as", "ada")
        assert ran.code != 0
        assert "sluice up" in ran.err

    def test_commands_that_need_no_engine_work_without(
        self, shell: Any, measure_text: Text
    ) -> None:
        """Checking documents; and looking says what is missing."""
        shell.write("a.yaml", measure_text("walk"))
        looked = shell.sluice("get", "measures")
        assert looked.code == 2
        assert "sluice up" in looked.err
        checked = shell.sluice("apply", "-f", "a.yaml", "--dry-run", "-o", "json")
        assert checked.code == 1
        assert {fault["code"] for fault in checked.data["results"] if fault["code"]} == {
            "unknown-package"
        }


class TestOffers:
    """What pools offer instead of a bare no."""

    def test_the_printed_command_takes_the_offer(self, office: Any, measure_text: Text) -> None:
        """Everything a month later: plan, launch window and demand move as the offer says."""
        office.write("late.yaml", measure_text("late-sale", amount=900))
        office.asks("apply", "-f", "late.yaml")
        month = Shift(months=1).period(period(office))
        office.asks("capacity", "desk", "--period", month, "--amount", "1000", "--as", "eve")
        said = office.asks("explain", "late-sale")
        offer = said["offers"][0]
        assert (offer["kind"], offer["moved_by"], offer["tried"]) == ("later", "1 month", True)
        assert offer["command"] in office.sluice("explain", "late-sale").out
        taken = office.sluice(*shlex.split(offer["command"])[1:])
        assert taken.code == 0, taken
        after = office.asks("get", "measure", "late-sale")["plan"]
        assert after["demands"] == offer["demands"]
        assert after["campaign"]["launch_on"] == offer["starts_on"]
        assert office.asks("explain", "late-sale")["offers"] == []

    def test_a_pool_is_explained_and_drawn(self, office: Any) -> None:
        """In capitals too; the picture is written beside the answer."""
        seen = office.asks("explain", "pool", "DESK", "--svg", "desk.svg")
        assert (seen["id"], seen["periods"][0]["period"]) == ("desk", period(office))
        assert (office.folder / "desk.svg").read_text().rstrip().endswith("</svg>")
        lost = office.sluice("explain", "pool", "nowhere")
        assert (lost.code, "sluice get pools" in lost.err) == (1, True)


class TestQueues:
    """How long those whom a measure brings will wait."""

    def test_the_engine_plays_and_records_what_the_command_shows(
        self, office: Any, measure_text: Text
    ) -> None:
        """The same figures as without --record; a what-if is never recorded."""
        office.write("rush.yaml", measure_text("rush-sale", amount=90))
        office.asks("apply", "-f", "rush.yaml")
        month = Shift(months=2).period(period(office))
        office.asks("capacity", "desk", "--period", month, "--amount", "1000", "--as", "eve")
        quick = ("simulate", "capacity", "rush-sale", "--replications", "3")
        shown = office.asks(*quick)
        recorded = office.asks(*quick, "--record", "--as", "ada")["queue"]
        assert recorded["pools"] == shown["pools"]
        assert recorded["by"] == "ada"
        assert "desk: nine of ten wait up to" in office.sluice("explain", "rush-sale").out
        supposed = office.sluice(*quick, "--record", "--move", "3", "--as", "ada")
        assert (supposed.code, "is played by the engine" in supposed.err) == (2, True)
        told = office.sluice(*quick, "--record", "--as", "eve", "-o", "json")
        assert (told.code, told.data["refused"]) == (5, "not-entitled")


def outcomes(office: Any, file: str) -> dict[str, str]:
    """What applying did, per document."""
    results = office.asks("apply", "-f", file)["results"]
    return {result["id"]: result["outcome"] for result in results}


def period(office: Any) -> str:
    """The period that the measure's demand is in."""
    plan = office.asks("get", "measure", "summer-sale")["plan"]
    return str(plan["demands"][0]["period"])


def campaign(office: Any, ref: str) -> str:
    """What the in-memory CRM shows; it is a system of its own, not the engine's word."""
    with sqlite3.connect(office.state / "campaigns.db") as crm:
        row = crm.execute("SELECT state FROM campaigns WHERE ref = ?", (ref,)).fetchone()
    return str(row[0]) if row else "none"


def descendants(pid: int) -> set[int]:
    """A process and everything it started."""
    found = {pid}
    for _ in range(6):
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) in found:
                found.add(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    """Tells whether a process runs; a zombie waits only for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
