"""What the ledger knows of permits: which stand, which were ended, which keys there are."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ledger.permits import (
    last_expiry,
    measures_of_campaign,
    permit_keys,
    revoked_permits,
    standing_permits,
)
from ledger.store import Ledger
from measures.entry import Draft
from measures.permits import PERMIT_KEY, PermitKey
from measures.plan import Campaign

UNTIL = datetime(2031, 1, 13, 9, tzinfo=UTC)


def campaign(ref: str, connector: str = "memory") -> Campaign:
    """A campaign of January."""
    return Campaign(
        connector=connector, ref=ref, launch_on=date(2031, 1, 1), ends_on=date(2031, 1, 31)
    )


def granted(lives: Any, name: str, number: int, kid: str = "key-1") -> Draft:
    """A permit that runs out on the next day."""
    verdict = lives.verdict("pass", gate="launch").model_dump(mode="json")
    at = UNTIL.isoformat()
    draft: Draft = lives.draft(
        name, number, "permit_granted", verdict=verdict, permit={"jti": f"{name}/{number}"},
        expires_at=at, renew_at=None, last_expiry=at, kid=kid, token="x",
    )  # fmt: skip
    return draft


def ended(lives: Any, name: str, number: int, kind: str = "permit_revoked") -> Draft:
    """The end of the permit before it."""
    draft: Draft = lives.draft(
        name, number, kind, permit=f"{name}/{number - 1}", through=number - 1, why="hold",
        reason="r", until=UNTIL.isoformat(),
    )  # fmt: skip
    return draft


def test_what_stands_and_what_was_ended(sqlite_ledger: Ledger, lives: Any) -> None:
    """One line per measure, kept until nobody's clock can find its permits valid."""
    for name in ("a", "b", "c"):
        sqlite_ledger.append(
            [lives.defined(name, campaign=campaign(name)), granted(lives, name, 2)]
        )
    sqlite_ledger.append([ended(lives, "a", 3), granted(lives, "a", 4), ended(lives, "a", 5)])
    sqlite_ledger.append([ended(lives, "b", 3), granted(lives, "b", 4)])
    assert [state.id for state in standing_permits(sqlite_ledger)] == ["c", "b"]
    assert [state.permit.id for state in standing_permits(sqlite_ledger) if state.permit] == [
        "c/2", "b/4",
    ]  # fmt: skip
    now = UNTIL - timedelta(hours=1)
    found = {line.measure: line.through for line in revoked_permits(sqlite_ledger, now)}
    assert found == {"a": 4, "b": 2}
    assert len(revoked_permits(sqlite_ledger, UNTIL + timedelta(minutes=1))) == 2
    assert revoked_permits(sqlite_ledger, UNTIL + timedelta(hours=2)) == ()


def test_a_key_counts_until_its_last_permit_has_run_out(sqlite_ledger: Ledger, lives: Any) -> None:
    """Of those that it has signed itself."""
    sqlite_ledger.append([lives.defined("a", campaign=campaign("a")), granted(lives, "a", 2)])
    now = UNTIL - timedelta(hours=1)
    assert last_expiry(sqlite_ledger, "key-1", now) == UNTIL
    assert last_expiry(sqlite_ledger, "key-2", now) == now
    key = PermitKey(kid="key-1", x="x")
    sqlite_ledger.append_document(
        PERMIT_KEY, "key-1", key.model_dump(mode="json"), "engine", now, "k"
    )
    assert permit_keys(sqlite_ledger) == [key]


def test_a_campaign_is_found_by_its_name(sqlite_ledger: Ledger, lives: Any) -> None:
    """With or without its connector; those of ended measures are not."""
    sqlite_ledger.append([lives.defined("a", campaign=campaign("X"))])
    sqlite_ledger.append([lives.defined("b", campaign=campaign("X", "crm"))])
    over = lives.draft("c", 2, "measure_cancelled", reason="r")
    sqlite_ledger.append([lives.defined("c", campaign=campaign("X")), over])
    assert measures_of_campaign(sqlite_ledger, "X") == ["a", "b"]
    assert measures_of_campaign(sqlite_ledger, "crm/X") == ["b"]
    assert measures_of_campaign(sqlite_ledger, "Y") == []
