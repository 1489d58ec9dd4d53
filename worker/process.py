"""Running one of the engine's processes: its settings, its log, its event loop, its last word."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

from measures.errors import SluicegateError
from worker.logs import set_up_logs
from worker.settings import ProcessSettings

_S = TypeVar("_S", bound=ProcessSettings)


def run_process(
    name: str, load: Callable[[], _S], run: Callable[[_S], Coroutine[Any, Any, None]]
) -> int:
    """Runs a process with the settings of the environment; 1 when it cannot start.

    Args:
        name: the command that starts it, for its last word.
        load: reads its settings.
        run: what it does until it is told to stop.
    """
    try:
        settings = load()
        set_up_logs(settings)
        uvloop.run(run(settings))
    except SluicegateError as error:
        print(f"sluice {name}: {error}", file=sys.stderr)
        return 1
    return 0
