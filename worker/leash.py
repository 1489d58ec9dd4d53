"""Become another program that the system kills as soon as the starting process is gone.

Run by path, `python -I -S worker/leash.py PARENT_PID PROGRAM ARGUMENT...`, with nothing but the
standard library, so that it costs about 15 ms. The process id stays the same. A flag set here
survives the exec and `kill -9` of the parent; setting it between fork and exec of the
supervisor would run Python code in a copy of a process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and turn into the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    # Only Linux has it; elsewhere the supervisor's own shutdown has to do.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the flag was set.
    if os.getppid() != parent:
        raise SystemExit(1)
    os.execvp(program[0], program)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
