"""Checking a permit: yes only when everything fits; each no has its code."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.errors import ConfigurationError
from measures.permit_checking import Asked, Checked, check, read_revocations
from measures.permit_keys import KeySet, key_set_of, read_key_set
from measures.permits import (
    PERMIT_TYPE,
    REVOCATIONS_TYPE,
    PermitClaims,
    PermitKey,
    RevocationList,
    RevokedPermits,
    merged,
    moment,
    seconds,
)
from measures.sealing import UnsealedError, key_id, new_key, seal

NOW = datetime(2031, 3, 2, 8, tzinfo=UTC)
PAGE, OTHER_PAGE = "a" * 64, "b" * 64
KEY = new_key()


def published(key: Any = KEY, **fields: Any) -> PermitKey:
    """The public half of a key."""
    return PermitKey(kid=key_id(key), x=str(key.as_dict(private=False)["x"]), **fields)


KEYS = KeySet({key_id(KEY): published()})
CLAIMS: dict[str, Any] = {
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
        "launch_on": "2031-03-02",
        "ends_on": "2031-03-31",
        "budget": 1000,
        "volume": 500,
    },
    "plan": "1" * 64,
    "content": PAGE,
    "verdict": "2" * 64,
    "pack": "3" * 64,
    "facts": "4" * 64,
}


def permit(key: Any = KEY, **changed: Any) -> str:
    """A permit, signed."""
    return seal({**CLAIMS, **changed}, PERMIT_TYPE, key)


def listed(*lines: RevokedPermits, at: datetime = NOW) -> RevocationList:
    """A list that counts for an hour."""
    issued = seconds(at)
    return RevocationList(iss="sluicegate", iat=issued, exp=issued + 3600, revoked=lines)


def ended(measure: str = "spring", through: int = 17, why: str = "hold") -> RevokedPermits:
    """A line of the list."""
    return RevokedPermits(
        measure=measure, through=through, at=seconds(NOW), why=why, until=CLAIMS["exp"]
    )


def checked(
    text: str | None = None,
    *,
    keys: KeySet = KEYS,
    revocations: RevocationList | None = None,
    **asked: Any,
) -> Checked:
    """Checks what would be fine if nothing is changed."""
    fields = {"campaign": "CMP-1", "at": NOW, "content": PAGE, **asked}
    at = fields["at"]
    return check(
        permit() if text is None else text,
        keys,
        revocations or listed(at=at),
        Asked(**fields),
    )


def campaign(**changed: Any) -> dict[str, Any]:
    """The permit's campaign with something changed."""
    return {"campaign": {**CLAIMS["campaign"], **changed}}


def retired(**until: Any) -> KeySet:
    """Our key, retired an hour after it signed."""
    at = NOW + timedelta(hours=1)
    return KeySet({key_id(KEY): published(retired_at=at, verify_until=at + timedelta(**until))})


def test_it_is_valid_when_everything_fits() -> None:
    """And says what it lets run, and until when."""
    found = checked()
    assert (found.valid, found.code) == (True, "valid")
    assert found.message == "spring/17 lets memory/CMP-1 run until 2031-03-03 08:00 UTC"
    assert found.claims == PermitClaims.model_validate_json(json.dumps(CLAIMS))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another campaign": ({"campaign": "CMP-2"}, "wrong-campaign"),
    "another connector": ({"campaign": "crm/CMP-1"}, "wrong-campaign"),
    "a part of the name": ({"campaign": "CMP"}, "wrong-campaign"),
    "another content": ({"content": OTHER_PAGE}, "wrong-content"),
    "content not shown": ({"content": None}, "content-not-shown"),
    "content that was never given": ({"text": permit(content=None)}, "wrong-content"),
    "all people reached": ({"spent_volume": 500}, "volume-spent"),
    "more people reached": ({"spent_volume": 1e15}, "volume-spent"),
    "all money spent": ({"spent_budget": 1000}, "budget-spent"),
    "more money spent": ({"spent_budget": 1000.01}, "budget-spent"),
    "nobody may be reached": ({"text": permit(**campaign(volume=0))}, "volume-spent"),
    "another issuer": ({"issuer": "other"}, "wrong-issuer"),
    "issued by another": ({"text": permit(iss="other")}, "wrong-issuer"),
    "an audience that is not its campaign": ({"text": permit(aud="memory/X")}, "wrong-campaign"),
    "too early": ({"at": NOW - timedelta(seconds=31)}, "not-yet"),
    "valid later": ({"text": permit(nbf=seconds(NOW) + 31)}, "not-yet"),
    "issued later": ({"text": permit(iat=seconds(NOW) + 31)}, "not-yet"),
    "run out": ({"at": NOW + timedelta(days=1, seconds=30)}, "expired"),
    "before the window": ({"text": permit(**campaign(launch_on="2031-03-03"))}, "outside-window"),
    "after the window": ({"text": permit(**campaign(ends_on="2031-03-01"))}, "outside-window"),
    "revoked": ({"revocations": listed(ended())}, "revoked"),
    "revoked with a later one": ({"revocations": listed(ended(through=18))}, "revoked"),
    "an old list": ({"revocations": listed(at=NOW - timedelta(seconds=3630))}, "list-too-old"),
    "a list of later": ({"revocations": listed(at=NOW + timedelta(seconds=31))}, "list-too-old"),
    "no known key": ({"keys": KeySet({})}, "unknown-key"),
    "a key of somebody else": ({"text": permit(new_key())}, "unknown-key"),
    "a key that no longer counts": ({"keys": retired(), "at": NOW + timedelta(hours=1)},
                                    "retired-key"),
    "signed by a retired key": (
        {"keys": retired(days=9), "text": permit(iat=seconds(NOW) + 3601)}, "retired-key",
    ),
    "a claim more": ({"text": permit(admin=True)}, "malformed"),
    "a claim of another type": ({"text": permit(exp="2031-03-03")}, "malformed"),
    "a time with a fraction": ({"text": permit(exp=CLAIMS["exp"] + 0.5)}, "malformed"),
    "a time that is true": ({"text": permit(exp=True)}, "malformed"),
    "an endless time": ({"text": permit(exp=10**30)}, "malformed"),
    "a negative time": ({"text": permit(nbf=-1)}, "malformed"),
    "no name": ({"text": permit(jti="")}, "malformed"),
    "a list of revoked permits": (
        {"text": seal(listed().model_dump(mode="json"), REVOCATIONS_TYPE, KEY)}, "wrong-type",
    ),
    "something huge": ({"text": permit(jti="x" * 9000)}, "malformed"),
    "nothing": ({"text": ""}, "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_no(name: str) -> None:
    """Each for its own reason."""
    changed, code = WRONG[name]
    found = checked(**changed)
    assert (found.valid, found.code) == (False, code)


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c != "content"])
def test_no_claim_may_be_missing(claim: str) -> None:
    """What a permit does not say it does not allow."""
    text = seal({k: v for k, v in CLAIMS.items() if k != claim}, PERMIT_TYPE, KEY)
    assert checked(text).code == "malformed"


RIGHT: dict[str, dict[str, Any]] = {
    "with the connector's name": {"campaign": "memory/CMP-1"},
    "a line end after it": {"text": permit() + "\n"},
    "clocks that differ a little": {"at": NOW - timedelta(seconds=30)},
    "just run out": {"at": NOW + timedelta(days=1, seconds=29)},
    "not bound to content": {"text": permit(content=None), "content": None},
    "one person left": {"spent_volume": 499},
    "a cent left": {"spent_budget": 999.99},
    "no limits": {"text": permit(**campaign(volume=None, budget=None)), "spent_volume": 1e15},
    "free of charge": {"text": permit(**campaign(budget=0))},
    "an earlier one revoked": {"revocations": listed(ended(through=16))},
    "another measure's revoked": {"revocations": listed(ended("spring-2", 99))},
    "a key that is retired by now": {"keys": retired(days=1), "at": NOW + timedelta(hours=2)},
    "the window's last day": {"text": permit(**campaign(ends_on="2031-03-02"))},
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_fits_is_yes(name: str) -> None:
    """The edges that lie inside."""
    found = checked(**RIGHT[name])
    assert (found.valid, found.code) == (True, "valid")


def test_nothing_of_a_permit_is_told_before_its_signature_fits() -> None:
    """Otherwise a forged one could put words into a log."""
    forged = permit(new_key(), jti="canary")
    found = checked(forged)
    assert found.claims is None
    assert "canary" not in found.message


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1, 1e16])
def test_what_was_spent_is_a_finite_amount(amount: float) -> None:
    """NaN is greater than nothing and would let everything pass."""
    for field in ("spent_volume", "spent_budget"):
        with pytest.raises(ValueError, match=field):
            Asked(campaign="CMP-1", at=NOW, **{field: amount})


class TestKeySets:
    def test_they_are_read_back(self) -> None:
        """Also when a key is retired."""
        other = new_key()
        gone = published(other, retired_at=NOW, verify_until=NOW + timedelta(days=1))
        keys = {key_id(KEY): published(), key_id(other): gone}
        assert read_key_set(json.dumps(key_set_of(keys))).known == keys

    def test_keys_of_other_kinds_are_passed_over(self) -> None:
        """A company's key set may hold more; none of it signs permits."""
        jwk = key_set_of({key_id(KEY): published()})["keys"][0]
        more = [
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
            {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "ec"},
            {**jwk, "use": "enc", "kid": "enc"},
            {**jwk, "alg": "HS256", "kid": "hs"},
            {**jwk, "key_ops": ["sign"], "kid": "sign"},
            {"kty": "OKP", "crv": "X25519", "x": jwk["x"], "kid": "x"},
        ]
        found = read_key_set(json.dumps({"keys": [*more, jwk], "note": "ours"}))
        assert list(found.public) == [key_id(KEY)]
        assert checked(keys=found).valid

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"d": "secret-canary"}, "private key"),
            ({"kid": "ours"}, "thumbprint"),
            ({"kid": None}, "thumbprint"),
            ({"x": "AAAA"}, "thumbprint"),
            ({"x": 7}, "thumbprint"),
            ({"exp": 9}, "half retired"),
            ({"exp": "soon", "revoked": {"revoked_at": 9}}, "no such dates"),
            ({"exp": 10**40, "revoked": {"revoked_at": 9}}, "no such dates"),
        ],
    )
    def test_a_wrong_key_is_told(self, change: dict[str, Any], told: str) -> None:
        """Never half believed, and nothing secret shown."""
        jwk = key_set_of({key_id(KEY): published()})["keys"][0]
        with pytest.raises(ConfigurationError, match=told) as caught:
            read_key_set(json.dumps({"keys": [{**jwk, **change}]}))
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"keys": {}}',
            '{"keys": [1]}',
            '{"keys":[],"keys":[]}',
            "\x00",
            "x" * 300_000,
        ],
    )
    def test_what_is_no_key_set_is_told(self, text: str) -> None:
        """With the command that gets one."""
        with pytest.raises(ConfigurationError, match="sluice permit keys publish"):
            read_key_set(text)

    def test_a_key_twice_is_refused(self) -> None:
        """Nobody knows which of the two counts."""
        jwk = key_set_of({key_id(KEY): published()})["keys"][0]
        with pytest.raises(ConfigurationError, match="twice"):
            read_key_set(json.dumps({"keys": [jwk, jwk]}))


class TestLists:
    ASKED = Asked(campaign="CMP-1", at=NOW)

    def sealed(self, key: Any = KEY, kind: str = REVOCATIONS_TYPE, **changed: Any) -> str:
        """A list as a file holds it."""
        return seal({**listed(ended()).model_dump(mode="json"), **changed}, kind, key) + "\n"

    def test_they_are_read_back(self) -> None:
        """Signed by any published key."""
        assert read_revocations(self.sealed(), KEYS, self.ASKED) == listed(ended())

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ({"key": new_key()}, "unknown-key"),
            ({"kind": PERMIT_TYPE}, "wrong-type"),
            ({"iss": "other"}, "wrong-issuer"),
            ({"revoked": [{"measure": "x"}]}, "malformed"),
            ({"exp": None}, "malformed"),
        ],
    )
    def test_another_is_refused(self, text: dict[str, Any], code: str) -> None:
        """An empty list by somebody else would make revoked permits valid."""
        with pytest.raises(UnsealedError) as caught:
            read_revocations(self.sealed(**text), KEYS, self.ASKED)
        assert caught.value.code == code

    def test_a_key_that_no_longer_counts_signs_none(self) -> None:
        """Who stole it could write any list."""
        later = self.ASKED.model_copy(update={"at": NOW + timedelta(hours=2)})
        with pytest.raises(UnsealedError) as caught:
            read_revocations(self.sealed(), retired(), later)
        assert caught.value.code == "retired-key"

    @given(
        st.lists(
            st.builds(
                RevokedPermits,
                measure=st.sampled_from(["a", "b", "c"]),
                through=st.integers(1, 9),
                at=st.integers(0, 9),
                why=st.just("hold"),
                until=st.integers(0, 9),
            )
        )
    )
    def test_merging_ends_what_each_line_ends(self, lines: list[RevokedPermits]) -> None:
        """One line per measure, which stays as long as the longest."""
        found = {line.measure: line for line in merged(lines)}
        assert set(found) == {line.measure for line in lines}
        for line in lines:
            assert found[line.measure].through >= line.through
            assert found[line.measure].until >= line.until


def test_moments_and_seconds() -> None:
    """Whole seconds, in UTC."""
    assert moment(seconds(NOW + timedelta(microseconds=999_999))) == NOW
    assert moment(0).date() == date(1970, 1, 1)
