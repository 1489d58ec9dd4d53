"""What every fact says of itself."""

from typing import ClassVar

from pydantic import Field

from measures.model import Model, Moment


class FactBase(Model):
    """What every fact says of itself.

    Attributes:
        seen_at: when its source stated it; ``fresh`` in a rule counts from here.
        source: who or what stated it, e.g. ``pool:kyc`` or ``plan``.
        changes_at: when time alone changes the fact for the better, so that a waiting request
            is judged again then; None when time cannot help.
        NAMED_BY: the fields that tell facts of one kind apart, for blockers and proposals.
        PERSONS: the fields that hold a person's id.
        OUTSIDE: whether it is known by others. Of what the measure itself records, absence is
            knowledge; that nobody outside has spoken yet is not.
        PLANNED: the fields that the plan states. Changing one amends the plan, which voids the
            sign-offs bound to it and is refused once the plan is frozen.
        REALISED: the fields that a sign-off at the last gate is bound to.
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ("id",)
    PERSONS: ClassVar[tuple[str, ...]] = ()
    OUTSIDE: ClassVar[bool] = False
    PLANNED: ClassVar[frozenset[str]] = frozenset()
    REALISED: ClassVar[frozenset[str]] = frozenset()

    seen_at: Moment
    source: str = "plan"
    changes_at: Moment | None = Field(default=None, exclude=True)
