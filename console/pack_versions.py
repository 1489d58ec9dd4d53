"""The versions of packs that the ledger knows and the product brings, and how people name them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.applied import AppliedDocument
from ledger.store import Ledger
from measures.documents import BUILTIN_PACK, Policy, RulePack, document_content
from measures.errors import RefusedError
from measures.model import restore
from measures.rollout import SHORT
from rules.loader import builtin_packs


@dataclass(frozen=True)
class KnownVersion:
    """One version of a pack.

    Attributes:
        newest: whether it is the one that judges what was not judged before.
        since: when it was applied last, or recorded; None for a built-in pack before any worker
            has run.
        by: who applied it; ``built-in`` when it came with the product.
    """

    document: RulePack
    digest: str
    newest: bool
    since: datetime | None
    by: str

    @property
    def id(self) -> str:
        """The pack's name."""
        return self.document.pack

    @property
    def policy(self) -> Policy:
        """Its policy, which counts while it is the newest."""
        return self.document.policy

    @property
    def lifecycle(self) -> str:
        """The lifecycle whose gates it guards."""
        return self.document.lifecycle

    @property
    def name(self) -> str:
        """How people name it: ``standard@63b2e2e2c237``."""
        return f"{self.id}@{self.digest[:SHORT]}"

    def as_data(self, measures: int) -> dict[str, Any]:
        """Returns it for programs, with how many live measures it judged last."""
        return {
            "id": self.id,
            "digest": self.digest,
            "newest": self.newest,
            "since": self.since.isoformat() if self.since else None,
            "by": self.by,
            "measures": measures,
            **document_content(self.document),
            "policy": self.policy,
        }


BUILT_IN = "built-in"


def known_versions(ledger: Ledger | None, only: str | None = None) -> list[KnownVersion]:
    """Returns every version of every pack, or of one: by name, the newest first.

    Args:
        ledger: where versions are recorded; None where none is at hand.
        only: the name of one pack.
    """
    brought = {pack.id: pack for pack in builtin_packs()}
    names = set(brought)
    if ledger is not None:
        for kind in ("RulePack", BUILTIN_PACK):
            names |= ledger.document_names(kind)
    found: list[KnownVersion] = []
    for name in sorted(names if only is None else names & {only}):
        recorded = {
            version.digest: version
            for kind in (BUILTIN_PACK, "RulePack")
            for version in _oldest_first(ledger, kind, name)
        }
        applied = ledger.document("RulePack", name) if ledger is not None else None
        newest = applied.digest if applied else brought[name].digest if name in brought else ""
        if name in brought and brought[name].digest not in recorded:
            document = brought[name].document
            found.append(KnownVersion(document, newest, not applied, None, BUILT_IN))
        found += sorted(
            (_recorded(version, newest) for version in recorded.values()),
            key=lambda one: (one.newest, one.since),
            reverse=True,
        )
    return found


def find_version(ledger: Ledger | None, text: str) -> KnownVersion:
    """Returns the version that a text names: ``standard`` or ``standard@63b2e2e2c237``.

    Raises:
        RefusedError: ``not-found`` or ``ambiguous``.
    """
    name, _, digits = text.partition("@")
    versions = known_versions(ledger, name)
    if not versions:
        raise RefusedError("not-found", f"there is no pack {name!r}: sluice get rulepacks")
    fitting = [
        version
        for version in versions
        if (version.digest.startswith(digits) if digits else version.newest)
    ]
    if not fitting and not digits:
        known = ", ".join(version.name for version in versions)
        raise RefusedError(
            "not-found",
            f"pack {name} was removed, no version of it is in force; known: {known};"
            " to put it back: sluice apply -f FILE",
        )
    if not fitting:
        known = ", ".join(version.name for version in versions)
        raise RefusedError("not-found", f"pack {name} has no version {digits}; known: {known}")
    if len(fitting) > 1:
        known = ", ".join(version.digest for version in fitting)
        raise RefusedError("ambiguous", f"{text} may be any of {known}; write more digits")
    return fitting[0]


def _oldest_first(ledger: Ledger | None, kind: str, name: str) -> Iterator[AppliedDocument]:
    if ledger is not None:
        yield from ledger.versions(kind, name)


def _recorded(version: AppliedDocument, newest: str) -> KnownVersion:
    return KnownVersion(
        document=restore(RulePack, version.body),
        digest=version.digest,
        newest=version.digest == newest,
        since=version.applied_at,
        by=BUILT_IN if version.kind == BUILTIN_PACK else version.applied_by,
    )
