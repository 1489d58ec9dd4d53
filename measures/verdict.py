"""What a gate answers: pass, block or inconclusive, with every reason."""

from datetime import date
from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from measures.model import Id, Moment, Stored, Text

Answer = Literal["pass", "block", "inconclusive"]
"""A gate opens on ``pass`` only; ``inconclusive`` means it cannot be known and holds it shut."""

Scalar = float | int | str | bool | None
"""A value of a fact's field; None where it is not known."""


class Change(Stored):
    """One thing that one person can do so that a fact becomes another.

    Attributes:
        rules: ids of the rules that it helps to satisfy.
        fact: the fact that changes or comes to be, e.g. ``offer:kyc/2031-03``.
        field: the field that changes; empty when the fact is new, or only stated anew.
        was: the value today; None when it is not known.
        to: the value it would need; None when any will do, as for a name that is missing.
        by: who can make the change (person ids), empty when nobody is named.
        instead: who else could, e.g. further members of a committee.
        text: the change in words, without the person.
        command: a command that makes it, where one is known.
        cost: how much it hurts, as the rule's author weighs it.
    """

    rules: tuple[str, ...]
    fact: str
    field: str = ""
    was: Scalar = None
    to: Scalar = None
    by: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    text: Text
    command: str = ""
    cost: float = 1

    @model_serializer(mode="wrap")
    def _compact(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what is empty: proposals are kept with every blocked verdict."""
        whole: dict[str, Any] = write(self)
        return {name: value for name, value in whole.items() if value not in (None, "", (), [])}


class Proposal(Stored):
    """Changes that together open the whole gate; without any one of them it stays shut.

    Attributes:
        people: everybody who has to act (person ids), each once.
        cost: the sum of the changes' costs.
    """

    changes: tuple[Change, ...] = ()
    people: tuple[str, ...] = ()
    cost: float = 0


class Blocker(Stored):
    """One reason why a gate stays shut.

    Attributes:
        rule: the rule's id, or ``engine`` when the judging itself failed.
        answer: ``block`` when the requirement is false, ``inconclusive`` when it cannot be known.
        message: the reason in words.
        wanted: the requirement as the pack states it.
        seen: the numbers and names that the message used.
        subject: the facts it is about, e.g. ``kpi:churn``; with the rule it identifies the
            blocker over time.
        clear_by: ids of those who can clear it.
        role: the role in which they can, where the rule names one.
        command: a command that would clear it.
        pack, line: the file of the pack and the line where the rule stands; line 0 when the pack
            was applied as a document.
        since: when it was first seen at this request.
        waive_by: the roles whose holders may set it aside; empty when nobody may, as with every
            blocker that no rule of a pack makes.
    """

    rule: str
    answer: Literal["block", "inconclusive"]
    message: Text
    wanted: Text = ""
    seen: dict[str, Any] = {}
    subject: str = ""
    clear_by: tuple[str, ...] = ()
    role: str = ""
    command: str = ""
    pack: str = ""
    line: int = 0
    since: Moment | None = None
    waive_by: tuple[str, ...] = ()


class Waived(Blocker):
    """A blocker that a waiver sets aside.

    Attributes:
        waiver: the waiver's id.
        by, on_behalf_of: who gave it, and whose right it was.
        reason: why, in the giver's words.
        until: when it ends.
    """

    waiver: str
    by: str
    on_behalf_of: str
    reason: Text
    until: Moment


class Warned(Blocker):
    """One reason that would hold the gate if its rule were enforced.

    Attributes:
        mode: how the rule is rolled out: ``warn`` or ``dry-run``.
        enforce_from: the day (UTC) from which it holds the gate, where that is set.
    """

    mode: Literal["warn", "dry-run"] = "warn"
    enforce_from: date | None = None


class Verdict(Stored):
    """The answer of one gate for one measure at one time.

    Attributes:
        waived: what would have blocked, and a waiver sets aside; see `measures.waivers.apply`.
        warnings: what rules in mode ``warn`` and ``dry-run`` would have blocked.
        unblock: the smallest sets of changes that open the gate, the cheapest first.
        no_remedy: ids of the blocking rules that no known change satisfies; while there is one,
            `unblock` is empty.
        pack_digest: the content address of the rules that judged.
        packs: per pack of the measure's lifecycle, the digest of the version that judged.
        facts_digest: the content address of the facts that were judged.
        look_again_at: when time alone may change the answer; None when it cannot.
    """

    gate: Id
    verdict: Answer
    blockers: tuple[Blocker, ...] = ()
    waived: tuple[Waived, ...] = ()
    warnings: tuple[Warned, ...] = ()
    unblock: tuple[Proposal, ...] = ()
    no_remedy: tuple[str, ...] = ()
    pack_digest: str
    packs: dict[str, str] = {}
    facts_digest: str
    at: Moment
    look_again_at: Moment | None = None

    @property
    def passed(self) -> bool:
        """Tells whether the gate opens."""
        return self.verdict == "pass"

    @property
    def blocking_rules(self) -> tuple[str, ...]:
        """The ids of the rules that hold the gate shut, each once, in the order of the pack."""
        return tuple(dict.fromkeys(blocker.rule for blocker in self.blockers))
