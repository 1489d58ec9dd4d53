"""What can go wrong, sorted by who has to mend it.

    SluicegateError
    ├── ConfigurationError   mend the settings and start again
    ├── RefusedError         the asker must ask differently; carries a code
    ├── EngineError          a part that judges or serves failed; asking again may work
    │   └── NoAnswerYetError     the request is kept, but nobody has answered it in time
    └── LedgerError
        ├── LedgerConflictError   somebody else wrote this entry first
        └── LedgerTamperedError   the record does not verify

A blocked gate is not an error: it is a `measures.verdict.Verdict`.
"""


class SluicegateError(Exception):
    """Everything this product raises on purpose."""


class ConfigurationError(SluicegateError):
    """A setting, file or program is missing or wrong."""


class RefusedError(SluicegateError):
    """A request that can never work as it was asked.

    Attributes:
        code: a stable name such as ``not-entitled``, for programs.
        message: what happened and what to do instead, for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class EngineError(SluicegateError):
    """A part of the engine failed; nothing was changed."""


class NoAnswerYetError(EngineError):
    """The request is kept and will be answered; whoever asked does not wait any longer."""


class LedgerError(SluicegateError):
    """The record could not be written or read."""


class LedgerConflictError(LedgerError):
    """An entry of that stream and number exists with another content."""


class LedgerMovedError(LedgerError):
    """What a decision stands on was changed before it was recorded: it must be made anew."""


class LedgerTamperedError(LedgerError):
    """The record does not verify.

    Attributes:
        position: the first bad entry's place in the ledger, from 1.
        reason: what does not fit.
    """

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"entry {position}: {reason}")
        self.position = position
        self.reason = reason
