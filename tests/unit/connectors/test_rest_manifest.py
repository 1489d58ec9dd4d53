"""A manifest is judged when it is applied: what could lose or double something is refused."""

import copy
from typing import Any

import pytest

from connectors.registry import settings_faults
from connectors.rest.manifest import RestConfig, manifest_of

KIND: dict[str, Any] = {
    "object": {
        "ref": "id",
        "title": "subject",
        "status": "state",
        "external_id": "ext",
        "updated": "at",
        "fields": {"owner": "owner.name"},
    },
    "statuses": {"open": 1, "done": 2},
    "closed": ["done"],
    "get": {"path": "tickets/{ref}"},
    "find": {"path": "tickets", "query": {"ext": "{external_id}"}},
    "create": {"path": "tickets", "body": {"subject": "{title}", "ext": "{external_id}"}},
    "update": {"path": "tickets/{ref}", "body": {"subject": "{title}", "owner": "{owner}"}},
    "transition": {"path": "tickets/{ref}", "body": {"state": "{status}"}},
    "changes": {"path": "tickets", "query": {"since": "{since}"}},
}
CAMPAIGNS: dict[str, Any] = {
    "level": "advisory",
    "look": {"path": "campaigns/{ref}"},
    "state": "state",
    "held": ["off"],
    "released": ["on"],
    "hold": {"path": "campaigns/{ref}/off"},
    "release": {"path": "campaigns/{ref}/on"},
}
WHOLE: dict[str, Any] = {
    "title": "Desk",
    "url": "https://desk.example.com/api",
    "access": {"bearer": "env:KEY"},
    "account": {"path": "me", "name": "login"},
    "kinds": {"ticket": KIND},
    "campaigns": CAMPAIGNS,
    "webhook": {"scheme": "github", "secret": "env:HOOK", "kind": "'ticket'", "ref": "id"},
}


def with_(path: str, value: Any) -> dict[str, Any]:
    """Returns the whole manifest with another value at a place; None takes it away."""
    changed = copy.deepcopy(WHOLE)
    *way, last = path.split("/")
    place = changed
    for step in way:
        place = place[step]
    place[last] = value
    if value is None:
        del place[last]
    return changed


def test_the_whole_one_is_right() -> None:
    """And says what it can do, no more."""
    assert settings_faults("rest", WHOLE) == []
    found = manifest_of("rest", RestConfig.model_validate(WHOLE))
    assert found.can == {
        "describe", "find", "upsert", "transition", "changes", "hold", "webhooks",
    }  # fmt: skip
    assert (found.hold, found.kinds, found.title) == ("advisory", ("ticket",), "Desk")
    bare = {name: WHOLE[name] for name in ("title", "url", "account")}
    assert manifest_of("rest", RestConfig.model_validate(bare)).can == frozenset()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("url", "ftp://desk.example.com", "it is no http:// or https:// and a host"),
        ("headers", {"Authorization": "Bearer hunter2"}, "carries a secret: say where it lies"),
        ("kinds/ticket/get/headers", {"X-API-Key": "hunter2"}, "carries a secret: say where"),
        ("url", "https://me:pw@desk.example.com", "it names somebody"),
        ("url", "https://desk.example.com/?a=1", "it has a query"),
        (
            "kinds/ticket/get/query",
            {"api_key": "hunter2"},
            "query: {name, value: env:NAME}",
        ),
        ("kinds/ticket/get/query", {"accessToken": "hunter2"}, "accessToken carries a secret"),
        ("kinds/ticket/get/query", {"X-API-Key": "hunter2"}, "X-API-Key carries a secret"),
        ("kinds/ticket/get/query", {"token": "env:KEY"}, "token carries a secret"),
        ("kinds/ticket/get/query", {"who": "env:KEY"}, "a secret is not read from here"),
        (
            "kinds/ticket/get/query",
            {"who": "Bearer hunter2hunter2"},
            "this is a secret written out",
        ),
        (
            "kinds/ticket/get/body",
            {"login": [{"password": "hunter2"}]},
            "password carries a secret",
        ),
        ("kinds/ticket/get/body", {"PWD": 1234567}, "PWD carries a secret"),
        ("kinds/ticket/get/body", ["ghp_hunter2hunter2hunter2"], "this is a secret written out"),
        ("campaigns/hold/body", {"client-secret": "hunter2"}, "client-secret carries a secret"),
        ("account/query", {"secret": "hunter2"}, "secret carries a secret"),
        ("headers", {"PRIVATE-TOKEN": "hunter2"}, "carries a secret: say where it lies"),
        ("webhook/delivery", "X-Delivery", "X-Delivery is not signed by scheme github"),
        ("access/bearer", "hunter2", "write where the secret lies"),
        ("access/basic", {"user": "u", "password": "env:P"}, "say one of basic, bearer"),
        ("kinds/ticket/get/path", "/tickets/{ref}", "no path below the url"),
        ("kinds/ticket/get/path", "https://evil.example.com/{ref}", "no path below the url"),
        ("kinds/ticket/get/path", "../{ref}", "no path below the url"),
        ("kinds/ticket/get/path", "tickets?id={ref}", "parameters go under `query`"),
        ("kinds/ticket/get/path", "tickets/{reff}", "get has a place for {reff}"),
        ("kinds/ticket/object/title", "a..b", "no place in an answer"),
        ("kinds/ticket/object/fields", {"ref": "x"}, "ref means something else"),
        ("kinds/ticket/find", None, "create needs find"),
        ("kinds/ticket/object/external_id", None, "create needs find"),
        ("kinds/ticket/create/body", {"subject": "{title}"}, "sends {external_id} nowhere"),
        ("kinds/ticket/update/body", {"text": "{text}"}, "update has a place for {text}"),
        ("kinds/ticket/update/headers", {"If-Match": "{tag}"}, "update has a place for {tag}"),
        ("kinds/ticket/object/updated", None, "changes needs object.updated"),
        ("kinds/ticket/object/status", None, "transition needs object.status"),
        ("kinds/ticket/statuses", {}, "transition needs object.status"),
        ("kinds/ticket/closed", ["gone"], "gone is not among statuses"),
        ("kinds/ticket/moves", {"open": ["gone"]}, "gone is not among statuses"),
        ("kinds/ticket/comment", {"path": "c", "body": "{text}", "text": "t"}, "Field required"),
        ("kinds/ticket/changes/paging", {"by": "offset"}, "needs `parameter`"),
        ("kinds/ticket/changes/paging", {"by": "cursor", "parameter": "c"}, "needs it"),
        ("kinds/campaign", KIND, "not among kinds"),
        ("campaigns/released", ["off", "on"], "off cannot mean both"),
        ("campaigns/share", "percent", "both or none"),
        ("campaigns/throttle", {"path": "campaigns/{ref}/on"}, "throttle sends {share} nowhere"),
        ("webhook/kinds", {"x": "issue"}, "issue is not among kinds"),
        ("errors", [{"status": [400], "failure": "Oops"}], "Input should be"),
        ("no_such_setting", 1, "Extra inputs"),
    ],
)
def test_what_is_refused(path: str, value: Any, said: str) -> None:
    """With the place and the words that help."""
    faults = settings_faults("rest", with_(path, value))
    assert any(said in message for _, message in faults), faults
    assert "hunter2" not in str(faults)
    places = {"/".join(map(str, place)) for place, _ in faults}
    top = path.split("/")[0]
    assert any(one == "" or one.startswith(top) for one in places), places


def test_the_place_of_a_secret_is_the_parameter() -> None:
    """So that whoever wrote it is shown the line; several are told at once."""
    body = {"user": "u", "login": [{"password": "hunter2"}], "token": "hunter2"}
    faults = settings_faults("rest", with_("kinds/ticket/get/body", body))
    at = ("kinds", "ticket", "get", "body")
    assert [place for place, _ in faults] == [(*at, "login", 0, "password"), (*at, "token")]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kinds/ticket/update/body", {"token": "{title}", "password_required": True, "secret": ""}),
        ("kinds/ticket/get/query", {"token_type": "short", "key": "status", "monkey": "x"}),
        ("kinds/ticket/get/body", {"name": "token", "value": "Basic"}),
        ("headers", {"X-Atlassian-Token": "no-check", "Idempotency-Key": "x"}),
        ("access", {"query": {"name": "api_key", "value": "env:KEY"}}),
        ("webhook", {**WHOLE["webhook"], "scheme": "standard", "delivery": "Webhook-Id"}),
        ("webhook", {**WHOLE["webhook"], "scheme": "hubspot-v3",
                     "delivery": "X-HubSpot-Request-Timestamp"}),
    ],
)  # fmt: skip
def test_what_is_no_secret_stays_allowed(path: str, value: Any) -> None:
    """Places for values, other words, and what is signed."""
    assert settings_faults("rest", with_(path, value)) == []
