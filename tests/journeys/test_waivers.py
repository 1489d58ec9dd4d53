"""A shortage is set aside by name through the command line, and stays visible."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.temporal

NAME = "winter-sale"
RULE = "decided.capacity-covers-demand"


def waive(office: Any, by: str, *words: str, gate: str = "decided", rule: str = RULE) -> Any:
    """Asks for a waiver of 30 days."""
    return office.sluice(
        "waive", NAME, "--gate", gate, "--rule", rule, "--until", "30d",
        "--reason", "temps are hired", "--as", by, *words,
    )  # fmt: skip


def ending(text: str) -> tuple[str, ...]:
    """A whole request that ends then."""
    return ("--gate", "decided", "--rule", RULE, "--reason", "x", "--until", text)


def bounded(text: str) -> tuple[str, ...]:
    """A whole request with a bound."""
    return (*ending("30d"), "--up-to", text)


class TestAWaiver:
    """In the order of its life."""

    def test_needs_a_blocker(self, office: Any, measure_text: Callable[..., str]) -> None:
        """Nothing can be set aside that nobody has met."""
        office.write("winter/sale.yaml", measure_text(NAME, amount=50_000))
        assert office.sluice("apply", "-f", "winter").code == 0
        early = waive(office, "ben")
        assert early.code == 1, early
        assert "sluice advance winter-sale" in early.out

    def test_is_not_given_by_the_owner(self, office: Any) -> None:
        """Exit 5, with who is entitled."""
        for stage in ("identified", "detailed"):
            assert office.asks("advance", NAME, "--as", "ada")["stage"] == stage
        for person, role in (("ben", "sponsor"), ("dan", "committee")):
            office.asks("sign", NAME, "--gate", "decided", "--role", role, "--as", person)
        blocked = office.sluice("advance", NAME, "--as", "ada", "-o", "json")
        assert (blocked.code, blocked.data["blockers"]) == (3, [RULE]), blocked
        refused = waive(office, "ada")
        assert refused.code == 5, refused
        assert "entitled: ben (sponsor)" in refused.out

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("--rule", RULE), "a waiver needs --gate, --until, --reason"),
            (("--revoke", "w1", "--gate", "decided"), "leave out --gate"),
            (("--revoke", "w1"), "say why it is revoked"),
            (bounded("short=nan"), "--up-to short: 'nan' is neither a number, such as 3000, nor"),
            (bounded("short"), "--up-to: write NAME=BOUND, such as short=3000"),
            (ending("foo"), "--until: 'foo' is neither a day, such as 2031-03-02, nor a moment"),
            (ending("2031-02-30"), "--until: there is no day 2031-02-30"),
            (ending("2031-02-03T18:00"), "--until: 2031-02-03T18:00 needs its time zone"),
            (ending("99999999d"), "--until: '99999999d' is longer than 100 years"),
        ],
    )
    def test_says_what_it_lacks(self, office: Any, words: tuple[str, ...], says: str) -> None:
        """Exit 2, before anything is asked."""
        wrong = office.sluice("waive", NAME, *words, "--as", "ben")
        assert wrong.code == 2, wrong
        assert says in " ".join(wrong.err.replace("│", " ").split())

    def test_lets_the_request_through(self, office: Any) -> None:
        """Nobody asks again; the shortage is not reserved, and the answer says it stands on it."""
        for span in ("0d", "0s"):
            over = waive(office, "ben", "--until", span)
            assert over.code == 1, over
            assert "would be over already" in over.out
        given = waive(office, "ben")
        assert given.code == 0, given
        end = office.asks("get", "waivers", "--measure", NAME)[0]["until"]
        assert f"until {end[:16].replace('T', ' ')} UTC" in " ".join(given.out.split())
        assert "The waiting request went through: decided" in given.out
        assert "(pass with 1 waiver)" in given.out
        status = office.asks("get", "measure", NAME)
        assert (status["stage"], status["verdict"]) == ("decided", "pass")
        assert status["reserved"] == {}
        [aside] = status["waived"]
        assert (aside["rule"], aside["by"], aside["reason"]) == (RULE, "ben", "temps are hired")
        words = office.sluice("explain", NAME).out
        assert "Its latest gate passed with 1 waiver." in words
        assert "by      Ben Sponsor (ben) until" in words

    def test_is_listed_with_its_use(self, office: Any) -> None:
        """For all measures or one; the unused are asked for apart."""
        [row] = office.asks("get", "waivers", "--measure", NAME)
        assert (row["standing"], row["use"], row["gate"]) == ("in-force", "used", "decided")
        assert row["subject"].startswith("demand:desk/")
        assert office.asks("get", "waiver", row["id"])["reason"] == "temps are hired"
        assert office.asks("get", "waivers", "--unused") == []
        [measure] = [m for m in office.asks("get", "measures") if m["id"] == NAME]
        assert measure["waived"] == [RULE]
        assert "temps are hired" in office.sluice("get", "waivers").out

    def test_of_one_gate_does_not_help_at_the_next(self, office: Any) -> None:
        """The launch asks for the capacity again; who sets it aside there does not launch."""
        rules = [RULE, "launch.capacity-reserved"]
        denied = office.sluice("launch", NAME, "--as", "ada", "-o", "json")
        assert (denied.code, denied.data["blockers"]) == (3, rules)
        for rule in rules:
            given = waive(office, "ben", gate="launch", rule=rule)
            assert given.code == 0, given
        assert office.sluice("launch", NAME, "--as", "ben", "-o", "json").data["permit"] == "denied"
        granted = office.sluice("launch", NAME, "--as", "ada")
        assert granted.code == 0, granted
        assert "granted with 2 waivers" in granted.out

    def test_is_taken_back(self, office: Any) -> None:
        """What was passed stays passed; the list says who ended it and why."""
        waiver = office.asks("get", "waivers", "--measure", NAME)[1]["id"]
        ended = office.sluice(
            "waive", NAME, "--revoke", waiver, "--reason", "not wanted", "--as", "dan"
        )
        assert ended.code == 0, ended
        row = office.asks("get", "waiver", waiver)
        assert (row["standing"], row["use"], row["ended_reason"]) == (
            "revoked",
            "used",
            "not wanted",
        )
        again = office.sluice("waive", NAME, "--revoke", waiver, "--reason", "x", "--as", "dan")
        assert again.code == 1, again
        assert "is revoked already" in again.out
