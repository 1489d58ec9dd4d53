"""What a process costs, read from /proc: processor time and memory, its children included."""

import os
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_MIB = 1024


def cpu_seconds(pid: int) -> float:
    """Returns the processor seconds that a process and its living descendants have used."""
    total = 0.0
    for one in family(pid):
        fields = _stat(one)
        if fields:
            total += (int(fields[11]) + int(fields[12])) * _TICK
    return total


def memory_mib(pid: int) -> float:
    """Returns the resident memory of a process and its living descendants in MiB."""
    total = 0
    for one in family(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        total += next((int(x.split()[1]) for x in status.splitlines() if x.startswith("VmRSS")), 0)
    return total / _MIB


def family(pid: int) -> list[int]:
    """Returns a process and its descendants."""
    found = [pid]
    for one in found:
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(c) for t in tasks for c in (t / "children").read_text().split()]
        except OSError:
            continue
    return found


def _stat(pid: int) -> list[str]:
    """Returns the fields of /proc/PID/stat behind the program's name, which may hold spaces."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
