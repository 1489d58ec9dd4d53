"""Writing the next entries of a stream, each on top of the one before."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from measures.entry import Draft, EntryKind


class _Numbered(Protocol):
    """What a stream has come to; `number` is that of its latest entry."""

    @property
    def number(self) -> int: ...


State = TypeVar("State", bound=_Numbered | None)
"""What a stream has come to; None where it may not have begun."""


class StreamDrafting(Generic[State]):
    """Collects drafts of one command; `state` is always what they lead to.

    Nothing is changed outside: the drafts are the result.

    Args:
        stream: whose next entries they are.
        state: what it has come to.
        fold: what it comes to by one more entry.
        by: who caused them.
        at: when.
        command: the id of the request.
    """

    def __init__(
        self,
        stream: str,
        state: State,
        fold: Callable[[State, Draft], State],
        *,
        by: str,
        at: datetime,
        command: str,
    ) -> None:
        self.state = state
        self.drafts: list[Draft] = []
        self._stream = stream
        self._fold = fold
        self._by = by
        self._at = at
        self._command = command

    def write(
        self,
        kind: EntryKind,
        body: dict[str, Any],
        *,
        facts_digest: str = "",
        pack_digest: str = "",
    ) -> None:
        """Adds one entry."""
        draft = Draft(
            stream=self._stream,
            number=self.state.number + 1 if self.state is not None else 1,
            kind=kind,
            at=self._at,
            by=self._by,
            command=self._command,
            body=body,
            facts_digest=facts_digest,
            pack_digest=pack_digest,
        )
        self.state = self._fold(self.state, draft)
        self.drafts.append(draft)
