"""How long webhooks take to be acknowledged, alone and many at once."""

import asyncio
import time
from collections.abc import Callable, Mapping
from statistics import median
from urllib.parse import urlsplit

from bench.results import table

TARGET_SECONDS = 1.0
"""Senders give up after a few seconds, some after one."""

MOST_AT_ONCE = 40

_REST_SECONDS = 0.2

_Sign = Callable[[str, bytes], Mapping[str, str]]


async def acknowledgements(
    url: str, body: Callable[[int], bytes], sign: _Sign, *, rounds: int
) -> tuple[str, tuple[str, ...]]:
    """Sends deliveries one by one and 40 at once; returns a table, and what misses the target.

    Args:
        url: where they go.
        body: what the delivery of a number says.
        sign: the headers that a delivery of a name and a body carries.
        rounds: how often 40 are sent at once; as many go alone.
    """
    rows, misses = [], []
    for at_once in (1, MOST_AT_ONCE):
        took: list[float] = []
        for turn in range(rounds):
            sending = (
                _send(url, f"ack-{at_once}-{turn}-{number}", body(number), sign)
                for number in range(at_once)
            )
            took += await asyncio.gather(*sending)
            await asyncio.sleep(_REST_SECONDS)
        took.sort()
        p95 = took[round(0.95 * (len(took) - 1))]
        shown = (f"{1000 * seconds:.0f}" for seconds in (median(took), p95, took[-1]))
        rows.append([str(at_once), str(len(took)), *shown])
        if took[-1] >= TARGET_SECONDS:
            misses.append(
                f"{took[-1]:.2f} s to acknowledge, {at_once} at once; under 1 s is wanted"
            )
    return table(["sent at once", "deliveries", "p50 ms", "p95 ms", "worst ms"], rows), tuple(
        misses
    )


async def _send(url: str, name: str, body: bytes, sign: _Sign) -> float:
    """Sends a delivery, without a client whose own work would be measured; returns the seconds."""
    to = urlsplit(url)
    lines = {"Host": to.netloc, "Content-Length": str(len(body)), **sign(name, body)}
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    asked = f"POST {to.path} HTTP/1.1\r\n{head}\r\n".encode() + body
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(to.hostname, to.port)
    writer.write(asked)
    answer = await reader.read()
    took = time.perf_counter() - began
    writer.close()
    assert answer.startswith(b"HTTP/1.1 202 "), answer
    return took
