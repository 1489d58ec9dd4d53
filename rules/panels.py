"""Which packs judge together, each set with the children that judge by it.

Nearly every measure is judged by the usual set. One that keeps an older version of a pack needs
another; those sets are few, so a few are kept ready and ended when nobody needs them any more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules.children import Children
from rules.plan import PackSet
from rules.schema import Pack

MOST = 4
"""How many sets are kept ready beside the usual one."""

UNUSED_SECONDS = 600.0
"""How long a set that nobody needs is kept ready."""


@dataclass
class Panel:
    """Packs that judge together, and the children that judge by them."""

    packs: PackSet
    children: Children
    used_at: float = 0.0


class Panels:
    """The usual panel, and those for measures that keep other versions, made when needed.

    Args:
        make: makes the children of a set; none runs before it is asked something.
    """

    def __init__(self, usual: Panel, make: Callable[[PackSet], Children]) -> None:
        self.usual = usual
        self._make = make
        self._others: OrderedDict[tuple[str, ...], Panel] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, packs: Sequence[Pack] | None) -> Panel:
        """Returns the panel of these packs, or the usual one."""
        if self._others:
            self._end_unused()
        if packs is None or _key(packs) == _key(self.usual.packs.packs):
            return self.usual
        key = _key(packs)
        panel = self._others.get(key)
        if panel is None:
            wanted = PackSet(packs)
            panel = self._others[key] = Panel(wanted, self._make(wanted))
        self._others.move_to_end(key)
        panel.used_at = asyncio.get_running_loop().time()
        while len(self._others) > MOST:
            self._end(next(iter(self._others)))
        return panel

    async def close(self) -> None:
        """Ends all children, after the judgements under way."""
        for key in list(self._others):
            self._end(key)
        await asyncio.gather(self.usual.children.close(), *self._closing)

    def _end_unused(self) -> None:
        oldest = asyncio.get_running_loop().time() - UNUSED_SECONDS
        for key in [key for key, panel in self._others.items() if panel.used_at < oldest]:
            self._end(key)

    def _end(self, key: tuple[str, ...]) -> None:
        closing = asyncio.create_task(self._others.pop(key).children.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _key(packs: Sequence[Pack]) -> tuple[str, ...]:
    return tuple(pack.digest for pack in packs)
