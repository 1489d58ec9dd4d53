"""A situation of a running measure becomes a case: recorded today, run by anybody tomorrow."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.temporal

Text = Callable[..., str]


@pytest.fixture(scope="module")
def blocked(office: Any, measure_text: Text) -> int:
    """A measure that was blocked, then blocked otherwise; the entry of its first judgement."""
    office.write("taped.yaml", measure_text("taped", amount=101))
    assert office.sluice("apply", "-f", "taped.yaml").code == 0
    for stage in ("identified", "detailed"):
        assert office.asks("advance", "taped", "--as", "ada")["stage"] == stage
    for role, person in (("sponsor", "ben"), ("committee", "dan")):
        signed = office.sluice("sign", "taped", "--gate", "decided", "--role", role, "--as", person)
        assert signed.code == 0, signed
    asked = office.sluice("advance", "taped", "--as", "ada")
    assert asked.code == 3, asked
    shown = office.asks("ledger", "show", "--stream", "measure:taped", "--kind", "gate_judged")
    assert office.sluice("amend", "taped", "--set", "description=", "--as", "ada").code == 0
    return int(shown[-1]["position"])


class TestRecording:
    def test_now(self, office: Any, blocked: int) -> None:
        """The gate that waits, in a file of its own; it holds when it is run."""
        recorded = office.sluice("rules", "record", "taped")
        assert recorded.code == 0, recorded
        assert "gate: decided" in recorded.out
        assert "decided.capacity-covers-demand" in recorded.out

    def test_at_an_entry(self, office: Any, blocked: int) -> None:
        """Exactly what was judged then is known again, people replaced on demand."""
        office.write("taped/standard.yaml", STANDARD)
        words = ("rules", "record", "taped", "taped/standard.yaml", "--at", str(blocked))
        for more in ((), ("--anonymous",)):
            recorded = office.sluice(*words, *more, "--write")
            assert recorded.code == 0, recorded
            assert recorded.err == "", "the facts are those whose digest the ledger holds"
        tested = office.sluice("rules", "test", "taped/standard.yaml", "--gate", "decided")
        assert tested.code == 0, tested
        assert "2 cases passed, 0 failed" in tested.out
        cases = (office.folder / "taped/standard_cases.yaml").read_text()
        named, hidden = cases.split("- case:")[1:]
        assert "blockers: [decided.capacity-covers-demand]" in named
        assert "owner: ada" in named
        assert "More orders" in named
        assert "owner: person-1" in hidden
        assert not [name for name in ("ada", "ben", "cleo", "dan", "eve") if f" {name}" in hidden]

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("nobody",), 1, "there is no Measure 'nobody': sluice get measures"),
            (("taped", "--at", "1"), 1, "there is no measure 'taped' before entry 1"),
            (("taped", "--at", "99999999"), 1, "there is no entry 99999999"),
            (("taped", "--gate", "decidet"), 2, "did you mean 'decided'?"),
            (("taped", "--pack", "standrad"), 2, "did you mean 'standard'?"),
            (("taped", "--write"), 2, "name the pack's FILE"),
            (("taped", "missing.yaml"), 2, "cannot read missing.yaml"),
        ],
    )
    def test_mistakes_are_told(
        self, office: Any, blocked: int, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """With what to do instead."""
        ran = office.sluice("rules", "record", *words, COLUMNS="300")
        assert (ran.code, says in ran.err) == (code, True), ran


STANDARD = """\
pack: standard
title: Ours
rules:
  - id: decided.capacity-covers-demand
    gate: decided
    when: {demand: {kind: demand}}
    expect: {offer: {kind: offer, pool: $demand.pool, period: $demand.period}}
    require: offer.available >= demand.amount && offer.owner != measure.owner
    message: short
  - id: decided.described
    gate: decided
    require: measure.description != ""
    message: not described
"""
