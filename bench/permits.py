"""Signing and checking permits: how many a second, with a list of many revoked ones."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.results import Section, table
from console.permit_checks import KEYS_FILE, REVOKED_FILE
from measures.permit_checking import Asked, check, read_revocations
from measures.permit_keys import key_set_of, read_key_set
from measures.permits import PERMIT_TYPE, REVOCATIONS_TYPE, PermitKey, seconds
from measures.sealing import key_id, new_key, seal

MANY = 10_000
"""So many measures with revoked permits at one time are more than any house will have."""

_SLUICE = str(Path(sys.executable).with_name("sluice"))
_KEY = new_key()
_NOW = datetime.now(UTC)


async def bench_permits() -> Section:
    """Times what a worker does to sign and an ad script to check."""
    public = PermitKey(kid=key_id(_KEY), x=str(_KEY.as_dict(private=False)["x"]))
    keys_text = json.dumps(key_set_of({public.kid: public}))
    keys = read_key_set(keys_text)
    asked = Asked(campaign="CMP-1", at=_NOW)
    permit = seal(_claims(), PERMIT_TYPE, _KEY)
    rows = [["sign a permit", _rate(lambda: seal(_claims(), PERMIT_TYPE, _KEY)), ""]]
    for many in (0, MANY):
        listed = _list(many)
        revocations = read_revocations(listed, keys, asked)
        assert check(permit, keys, revocations, asked).valid

        def checked(revocations: Any = revocations) -> Any:
            return check(permit, keys, revocations, asked)

        def read(listed: str = listed) -> Any:
            return read_revocations(listed, keys, asked)

        about = f"{many:,} revoked, list of {len(listed) / 1000:,.0f} kB"
        rows.append([f"check it, {about}", _rate(checked), f"{_span(checked):.2f} ms"])
        rows.append([f"read the list, {about}", _rate(read), f"{_span(read):.2f} ms"])
        rows.append([f"`sluice permit check`, {about}", "", _command(permit, keys_text, listed)])
    return Section(table(["what", "a second", "median"], rows))


def _claims() -> dict[str, Any]:
    day = _NOW.date().isoformat()
    campaign = {"connector": "memory", "ref": "CMP-1", "launch_on": day, "ends_on": day,
                "budget": 1000, "volume": 500}  # fmt: skip
    return {
        "iss": "sluicegate",
        "sub": "measure:spring",
        "aud": "memory/CMP-1",
        "jti": "spring/17",
        "iat": seconds(_NOW),
        "nbf": seconds(_NOW),
        "exp": seconds(_NOW + timedelta(hours=24)),
        "entry": 17,
        "campaign": campaign,
        "plan": "1" * 64,
        "content": None,
        "verdict": "2" * 64,
        "pack": "3" * 64,
        "facts": "4" * 64,
    }


def _list(many: int) -> str:
    until = seconds(_NOW + timedelta(hours=24))
    revoked = [
        {"measure": f"measure-{n}", "through": 17, "at": 1, "why": "hold", "until": until}
        for n in range(many)
    ]
    content = {"iss": "sluicegate", "iat": seconds(_NOW), "exp": until, "revoked": revoked}
    return seal(content, REVOCATIONS_TYPE, _KEY)


def _rate(act: Callable[[], Any]) -> str:
    """How often a second, over half a second."""
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < 0.5:
        act()
        count += 1
    return f"{count / spent:,.0f}"


def _span(act: Callable[[], Any]) -> float:
    """The median of 31, in milliseconds."""
    spans = []
    for _ in range(31):
        began = time.perf_counter()
        act()
        spans.append(time.perf_counter() - began)
    return median(spans) * 1000


def _command(permit: str, keys: str, listed: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / KEYS_FILE).write_text(keys)
        (Path(folder) / REVOKED_FILE).write_text(listed)
        asked = [_SLUICE, "permit", "check", permit, "--campaign", "CMP-1", "--bundle", folder]
        spans = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run(asked, check=True, capture_output=True)
            spans.append(time.perf_counter() - began)
    return f"{median(spans) * 1000:.0f} ms"
