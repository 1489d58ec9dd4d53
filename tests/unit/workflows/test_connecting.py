"""Reaching the Temporal server: what is said when nothing answers."""

import pytest

from measures.errors import EngineError
from workflows.client.connecting import connect
from workflows.settings import TemporalSettings


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("no-such-host.invalid:7233", "failed to lookup address information: .*"),
    ],
)
async def test_where_nothing_listens_the_reason_is_said_in_words(address: str, reason: str) -> None:
    """The SDK tells its own data structures, three deep."""
    told = (
        f"no Temporal server answers at {address} \\({reason}\\); start one on this machine with"
        " sluice up, or name another: SLUICE_TEMPORAL_ADDRESS"
    )
    with pytest.raises(EngineError, match=f"^{told}$"):
        await connect(TemporalSettings(temporal_address=address))
