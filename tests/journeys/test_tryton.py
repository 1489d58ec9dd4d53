"""A campaign in a real Tryton: stopped while its gate is shut, whatever anybody does there."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

CAMPAIGN = "Summer mailing"
SCENARIO = "marketing.automation.scenario"

CONNECTION = """\
kind: Connection
id: crm
connector: tryton
settings: {{url: {url}, key: "file:{key}"}}
"""


class Marketing:
    """The people of marketing, in Tryton's own pages."""

    def __init__(self, port: int, key: str) -> None:
        root = f"http://127.0.0.1:{port}/crm/rest/model/"
        self._client = httpx.Client(base_url=root, headers={"Authorization": f"Bearer {key}"})
        made = self._client.post(
            SCENARIO, json={"name": CAMPAIGN, "model": "party.party", "domain": "[]"}
        )
        self._scenario = f"{SCENARIO}/{made.raise_for_status().json()['id']}"

    def do(self, action: str) -> None:
        """Presses a button."""
        self._client.post(f"{self._scenario}/{action}", json={}).raise_for_status()

    def state(self) -> str:
        """Looks whether it runs; empty while nothing answers."""
        try:
            shown = self._client.get(self._scenario, params={"f": "state"})
        except httpx.TransportError:
            return ""
        return str(shown.json()["state"]) if shown.is_success else ""


@pytest.fixture
def watched(make_shell: Callable[[], Any], open_office: Callable[[Any], Any]) -> Iterator[Any]:
    """An office whose worker looks at campaigns every half second."""
    shell = make_shell()
    shell.environment["SLUICE_WATCH_SECONDS"] = "0.5"
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
    marketing = Marketing(tryton.port, key.read_text())
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
