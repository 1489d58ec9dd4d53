"""Runs `sluice` in processes that are forked from one which has loaded everything.

Loading is nine tenths of what a short command costs, and the journeys type hundreds of them. A
forked command is a process of its own, with its own folder, environment, output and exit code;
that a fresh interpreter loads what it needs is seen in the commands that are really started.

Run as ``python warm.py SOCKET``. A request is one message of JSON with the files for the command's
input, output and errors beside it; the answers are its process id, and its exit code later.
"""

import importlib
import json
import os
import pkgutil
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

LONGEST = 1 << 20
"""Bytes of a request."""


def serve(address: str) -> NoReturn:
    """Forks a process for each request until it is killed."""
    import console

    for module in pkgutil.iter_modules(console.__path__):
        importlib.import_module(f"console.{module.name}")
    for name in ("ledger.store", "rules.loader", "workflows.client"):
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{address}.new")
    listener.listen()
    Path(f"{address}.new").rename(address)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _attend(connection)
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _attend(connection: socket.socket) -> NoReturn:
    """Runs the command of one request and tells how it ended."""
    try:
        message, files, _, _ = socket.recv_fds(connection, LONGEST, 3)
        process = os.fork()
        if process == 0:
            connection.close()
            _command(json.loads(message), files)
        for file in files:
            os.close(file)
        connection.send(str(process).encode())
        _, status = os.waitpid(process, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    finally:
        os._exit(0)


def _command(request: dict[str, Any], files: Sequence[int]) -> NoReturn:
    """Is the command."""
    from console.cli import main

    code = 1
    try:
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = ["sluice", *request["words"]]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
