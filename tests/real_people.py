"""The people who work with real systems in their own pages, for tests of journeys."""

from typing import Any

import httpx

PASSWORD = "Str0ng-pass!"
"""Of the tracker's administrator, see ../shared/servers/roundup/init.sh."""

SCENARIO = "marketing.automation.scenario"


class Tracker:
    """The people who work with the tracker, in its own pages.

    They see what came after them: a tracker is shared by the tests of a process, in any order.
    """

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/gate/rest/data/",
            auth=("admin", PASSWORD),
            headers={
                "X-Requested-With": "rest",
                "Origin": f"http://127.0.0.1:{port}",
                "Referer": f"http://127.0.0.1:{port}/gate/",
            },
        )
        self._older = frozenset[str]()
        self._older = frozenset(issue["id"] for issue in self.issues())

    def issues(self) -> list[dict[str, Any]]:
        """Every newer issue that the engine named, as it is now; none while nothing answers."""
        fields = {"@fields": "title,status,assignedto,messages,external_id", "@verbose": "2"}
        try:
            answer = self._client.get("issue", params=fields).json()
        except httpx.TransportError:
            return []
        rows: list[dict[str, Any]] = answer["data"]["collection"]
        return [row for row in rows if row.get("external_id") and row["id"] not in self._older]

    def said(self, issue: dict[str, Any]) -> list[str]:
        """The messages of an issue, oldest first."""
        numbers = sorted(int(one["id"]) for one in issue["messages"])
        found = [self._client.get(f"msg/{number}/content").json() for number in numbers]
        return [str(one["data"]["data"]) for one in found]

    def move(self, issue: dict[str, Any], status: str) -> None:
        """Changes the status by hand."""
        place = f"issue/{issue['id']}"
        etag = self._client.get(place).json()["data"]["@etag"]
        moved = self._client.patch(place, json={"status": status}, headers={"If-Match": etag})
        moved.raise_for_status()

    def close(self) -> None:
        """They leave."""
        self._client.close()

    def status(self) -> str:
        """The one issue's status; empty while there is none to be seen."""
        return next((issue["status"]["name"] for issue in self.issues()), "")


class Marketing:
    """The people of marketing, in Tryton's own pages."""

    def __init__(self, port: int, key: str, campaign: str) -> None:
        root = f"http://127.0.0.1:{port}/crm/rest/model/"
        self._client = httpx.Client(base_url=root, headers={"Authorization": f"Bearer {key}"})
        made = self._client.post(
            SCENARIO, json={"name": campaign, "model": "party.party", "domain": "[]"}
        )
        self._scenario = f"{SCENARIO}/{made.raise_for_status().json()['id']}"

    def close(self) -> None:
        """They leave."""
        self._client.close()

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
