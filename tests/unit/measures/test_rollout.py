"""Which version of a pack judges a measure, and who moves it to another."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.directory import Directory
from measures.documents import Policy
from measures.errors import RefusedError
from measures.folding import fold_measure
from measures.requests import MigrateInput
from measures.rollout import migrate, versions_for
from measures.state import MeasureState, Request
from measures.verdict import Verdict

OLD, NEW, OTHER = "a" * 64, "b" * 64, "c" * 64


class Version(NamedTuple):
    """A version of a pack."""

    digest: str = NEW
    policy: Policy = "follow"
    id: str = "gates"
    lifecycle: str = "doi"


MakeState = Callable[..., MeasureState]


@pytest.fixture
def judged(life: Any, now: datetime) -> MakeState:
    """A measure that older packs have judged; waiting when asked to."""

    def make(*, waits: bool, packs: dict[str, str] | None = None, **fields: Any) -> MeasureState:
        verdict = Verdict(
            gate="detailed", verdict="block", pack_digest=OLD, facts_digest=OLD, at=now
        )
        request = Request(gate="detailed", by="olga", at=now, verdict=verdict) if waits else None
        known = {"gates": OLD} if packs is None else packs
        state: MeasureState = life.state
        return state.model_copy(update={"packs": known, "request": request, **fields})

    return make


@pytest.mark.parametrize(
    ("policy", "waits", "judges"),
    [
        ("follow", False, NEW),
        ("follow", True, NEW),
        ("pin", False, NEW),
        ("pin", True, OLD),
        ("migrate", False, OLD),
        ("migrate", True, OLD),
    ],
)
def test_the_policy_of_the_newest_version_says_which_one_judges(
    judged: MakeState, policy: Policy, waits: bool, judges: str
) -> None:
    """Follow forgets, pin keeps while a request waits, migrate keeps for life."""
    assert versions_for(judged(waits=waits), [Version(policy=policy)]) == {"gates": judges}


@pytest.mark.parametrize("policy", ["follow", "pin", "migrate"])
def test_what_was_never_judged_gets_the_newest(judged: MakeState, policy: Policy) -> None:
    """There is nothing to keep."""
    for waits in (False, True):
        assert versions_for(judged(waits=waits, packs={}), [Version(policy=policy)]) == {
            "gates": NEW
        }


_DIGESTS = st.sampled_from([OLD, NEW, OTHER])
_PACKS = st.dictionaries(st.sampled_from(["p", "q", "r"]), _DIGESTS)


@given(
    kept=_PACKS,
    newest=_PACKS,
    policy=st.sampled_from(["follow", "pin", "migrate"]),
)
def test_every_pack_in_force_judges_and_no_other(
    kept: dict[str, str], newest: dict[str, str], policy: Policy
) -> None:
    """Whatever is kept: a pack is never dropped, and never added."""
    state = MeasureState.model_construct(packs=kept, request=None)
    versions = versions_for(state, [Version(d, policy, name) for name, d in newest.items()])
    assert versions.keys() == newest.keys()
    for name, digest in versions.items():
        assert digest in (newest[name], kept.get(name))


class TestMigrate:
    def ask(self, **fields: Any) -> MigrateInput:
        return MigrateInput(by="operator", pack="gates", to=NEW, reason="tried out", **fields)

    def test_it_is_an_entry_and_the_new_version_judges(
        self, judged: MakeState, now: datetime
    ) -> None:
        state = judged(waits=True)
        newest = Version(policy="migrate")
        [draft] = migrate(state, self.ask(), Directory(), newest, newest, now, "c")
        assert (draft.kind, draft.by) == ("pack_migrated", "operator")
        assert draft.body == {"pack": "gates", "from": OLD, "to": NEW, "reason": "tried out"}
        after = fold_measure(state, draft)
        assert versions_for(after, [newest]) == {"gates": NEW}
        assert after.request == state.request
        assert migrate(after, self.ask(), Directory(), newest, newest, now, "d") == []

    @pytest.mark.parametrize(
        ("newest", "to", "waits", "code"),
        [
            (Version(), Version(), True, "follows-newest"),
            (Version(policy="pin"), Version(), False, "nothing-kept"),
            (Version(policy="migrate"), Version(lifecycle="other"), True, "other-lifecycle"),
        ],
    )
    def test_what_cannot_be_moved_is_refused(
        self,
        judged: MakeState,
        now: datetime,
        newest: Version,
        to: Version,
        waits: bool,
        code: str,
    ) -> None:
        with pytest.raises(RefusedError) as refused:
            migrate(judged(waits=waits), self.ask(), Directory(), newest, to, now, "c")
        assert refused.value.code == code

    def test_only_who_may_write_packs_moves_measures(
        self, judged: MakeState, directory: Callable[..., Directory], now: datetime
    ) -> None:
        newest = Version(policy="migrate")
        ask = self.ask().model_copy(update={"by": "olga"})
        with pytest.raises(RefusedError) as refused:
            migrate(judged(waits=True), ask, directory(), newest, newest, now, "c")
        assert refused.value.code == "not-entitled"
