"""Older versions of packs: found by digest, compiled once, never taken for granted."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from measures.documents import RulePack
from measures.errors import EngineError
from rules.faults import FaultsFound
from rules.loader import pack_from_document
from rules.schema import Pack

READY = 32
"""How many compiled versions are kept."""


class LostVersionError(EngineError):
    """A version of a pack that should judge cannot be had."""


class Archive:
    """Every version of every pack that was ever in force.

    Args:
        find: returns the document of a pack's name and digest; None when there is none.
    """

    def __init__(self, find: Callable[[str, str], RulePack | None]) -> None:
        self._find = find
        # A digest says what is in it, so what was compiled once stays right.
        self._ready: OrderedDict[tuple[str, str], Pack] = OrderedDict()
        self._lock = threading.Lock()

    def pack(self, name: str, digest: str) -> Pack:
        """Returns one version of a pack.

        Raises:
            LostVersionError: the version is not recorded, or this release cannot read it.
        """
        key = (name, digest)
        with self._lock:
            if key not in self._ready:
                self._ready[key] = self._compiled(name, digest)
                while len(self._ready) > READY:
                    self._ready.popitem(last=False)
            self._ready.move_to_end(key)
            return self._ready[key]

    def packs(
        self, versions: Mapping[str, str], newest: Sequence[Pack], lifecycle: str
    ) -> tuple[Pack, ...]:
        """Returns the packs of these versions in the order of the newest ones.

        Args:
            versions: pack to digest, from `measures.rollout.versions_for`.
            lifecycle: the one that an older version must be for.

        Raises:
            LostVersionError: a version cannot be had, or guards another lifecycle.
        """
        packs = []
        for pack in newest:
            digest = versions[pack.id]
            if digest != pack.digest:
                pack = self.pack(pack.id, digest)
                if pack.lifecycle != lifecycle:
                    raise LostVersionError(
                        f"version {digest[:12]} of pack {pack.id} guards the lifecycle"
                        f" {pack.lifecycle}, not {lifecycle}"
                    )
            packs.append(pack)
        return tuple(packs)

    def _compiled(self, name: str, digest: str) -> Pack:
        version = f"version {digest[:12]} of pack {name}"
        document = self._find(name, digest)
        if document is None:
            raise LostVersionError(f"{version} is not in the ledger")
        try:
            return pack_from_document(document)
        except FaultsFound as found:
            raise LostVersionError(
                f"{version} is not accepted by this release: {found.faults[0].message}"
            ) from found
