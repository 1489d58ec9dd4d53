"""Free ports, and whose a listening port is."""

import contextlib
import os
import secrets
import socket
import sys
from pathlib import Path

_LOWEST = 20000
_LISTENING = "0A"  # as /proc/net/tcp writes the state


def free_port(preferred: int | None = None, *, other_than: int | None = None) -> int:
    """Return a port nobody listens on at 127.0.0.1, the preferred one when it is free.

    Below the range from which the system serves outgoing connections: there, while a killed
    server is away, any connection of any program could take its port, even a client's own
    attempts to reach it.
    """
    if preferred is not None and preferred != other_than and is_free(preferred):
        return preferred
    while True:
        port = secrets.choice(range(_LOWEST, _first_ephemeral()))
        if port != other_than and is_free(port):
            return port


def _first_ephemeral() -> int:
    """Return where the ports of outgoing connections begin on this machine."""
    with contextlib.suppress(OSError, ValueError):
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        if first > _LOWEST + 1000:
            return first
    return 32768


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do it, or a connection that is just closing would look like a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(pid: int, port: int) -> bool:
    """Tell whether this very process listens on the port.

    Somebody else's Temporal server would answer our questions just as well: only the system
    knows whose socket it is. Where the system does not tell (not Linux), believe the answer.
    """
    if sys.platform != "linux":
        return True
    return bool(_listening_sockets(port) & _sockets_of(pid))


def _listening_sockets(port: int) -> set[str]:
    """Return the socket numbers that listen on a port, of any address of this machine."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                column = line.split()
                if column[3] == _LISTENING and int(column[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{column[9]}]")
    return found


def _sockets_of(pid: int) -> set[str]:
    """Return the open files of a process, as the system names them; none when it is gone."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry.path))
    return found
