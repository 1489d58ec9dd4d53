"""A campaign in a real Tryton: stopped while its gate is shut, whatever anybody does there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.real_people import Marketing

CAMPAIGN = "Summer mailing"

CONNECTION = """\
kind: Connection
id: crm
connector: tryton
settings: {{url: {url}, key: "file:{key}"}}
"""


@pytest.fixture
def watched(make_shell: Callable[[], Any], open_office: Callable[[Any], Any]) -> Iterator[Any]:
    """An office whose worker looks at campaigns every half second."""
    shell = make_shell()
    shell.environment["SLUICE_WATCH_SECONDS"] = "0.5"
    shell.environment["SLUICE_CIRCUIT_SECONDS"] = "1"
    with open_office(shell) as office:
        yield office


@pytest.mark.timeout(600)
def test_a_campaign_is_stopped_until_its_gate_opens(
    watched: Any,
    tryton: Any,
    measure_text: Callable[..., str],
    wait_until: Callable[..., Any],
) -> None:
    """Held at once; put back when run by hand; held through a crash of Tryton; released at last."""
    key = tryton.data / "token"
    marketing = Marketing(tryton.port, key.read_text(), CAMPAIGN)
    marketing.do("run")
    connection = CONNECTION.format(url=f"http://127.0.0.1:{tryton.port}/crm", key=key)
    watched.write("crm.yaml", connection)
    plan = measure_text("summer", amount=120)
    plan = plan.replace("connector: memory, ref: summer", f"connector: crm, ref: {CAMPAIGN}")
    watched.write("summer.yaml", plan)
    applied = watched.sluice("apply", "-f", "crm.yaml", "-f", "summer.yaml")
    assert applied.code == 0, applied
    wait_until(lambda: marketing.state() == "stopped")

    for stage in ("identified", "detailed"):
        assert watched.asks("advance", "summer", "--as", "ada")["stage"] == stage
    for role, person in (("sponsor", "ben"), ("committee", "dan")):
        watched.asks("sign", "summer", "--gate", "decided", "--role", role, "--as", person)
    assert watched.sluice("advance", "summer", "--as", "ada").code == 3

    marketing.do("draft")
    marketing.do("run")
    wait_until(lambda: marketing.state() == "stopped")

    tryton.kill()
    wait_until(lambda: marketing.state() == "")
    assert watched.sluice("launch", "summer", "--as", "ada").code == 3
    [demand] = watched.asks("get", "measure", "summer")["plan"]["demands"]
    enough = ("capacity", "desk", "--period", demand["period"], "--amount", "120", "--as", "eve")
    assert watched.asks(*enough)["freed_for"] == ["summer"]
    tryton.run("start.sh")
    wait_until(lambda: marketing.state() == "stopped")

    wait_until(lambda: watched.sluice("launch", "summer", "--as", "ada").code == 0)
    wait_until(lambda: marketing.state() == "running")
    assert watched.sluice("hold", "summer", "--reason", "enough", "--as", "ben").code == 0
    wait_until(lambda: marketing.state() == "stopped")
    assert watched.sluice("ledger", "verify").code == 0
