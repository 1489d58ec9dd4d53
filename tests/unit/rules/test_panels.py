"""One judge, several sets of packs: each answers for itself, and few run at a time."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from measures.documents import RulePack, document_content
from measures.facts import Fact
from measures.lifecycle import DOI
from measures.verdict import Verdict
from rules import panels
from rules.archive import READY, Archive, LostVersionError
from rules.judge import Judge, cannot_judge
from rules.schema import Pack

MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]


@pytest.fixture
def version(pack: MakePack) -> Callable[[int], Pack]:
    """A version of a pack whose one rule never holds and says which version it is."""
    rule = "- {{id: r, gate: decided, when: {{k: {{kind: kpi}}}}, require: 'false', message: v{}}}"
    return lambda number: pack(rule.format(number))


@pytest.fixture
def ask(fact: MakeFact, now: datetime) -> Callable[..., Any]:
    """Asks a judge, by the usual packs or by others."""

    async def judged(judge: Judge, packs: Sequence[Pack] | None = None) -> Verdict:
        return await judge.judge(
            gate="decided",
            facts=[fact("measure"), fact("kpi")],
            now=now,
            lifecycle=DOI,
            packs=packs,
        )

    return judged


async def test_each_version_answers_for_itself_at_the_same_time(
    version: Callable[[int], Pack], ask: Callable[..., Any]
) -> None:
    """Also while some are started and others ended; the verdict names what judged."""
    versions = [version(number) for number in range(panels.MOST + 3)]
    async with Judge(versions[:1]) as judge:
        verdicts = await asyncio.gather(*(ask(judge, [one]) for one in versions * 3))
        for verdict, one in zip(verdicts, versions * 3, strict=True):
            assert verdict.blockers[0].message == f"v{versions.index(one)}"
            assert verdict.packs == {"test": one.digest}
        assert (await ask(judge)).packs == {"test": versions[0].digest}
        assert len(judge._panels._others) == panels.MOST


async def test_what_is_named_judges_while_other_packs_become_usual(
    version: Callable[[int], Pack], ask: Callable[..., Any]
) -> None:
    """A measure that keeps a version is never judged by one that just came into force."""
    old, new = version(0), version(1)
    async with Judge([old]) as judge:
        asked = [asyncio.create_task(ask(judge, [old])) for _ in range(3)]
        changing = asyncio.create_task(judge.replace([new]))
        while not changing.done():
            assert (await ask(judge, [old])).packs == {"test": old.digest}
        assert (await ask(judge, [old])).packs == {"test": old.digest}
        assert [(await one).packs for one in asked] == [{"test": old.digest}] * 3
        assert (await ask(judge)).packs == {"test": new.digest}


async def test_the_usual_packs_start_nothing_more(
    version: Callable[[int], Pack], ask: Callable[..., Any]
) -> None:
    """Named or not, they are judged by the children that run already."""
    usual = version(0)
    async with Judge([usual]) as judge:
        await ask(judge, [usual])
        assert not judge._panels._others


async def test_what_nobody_needs_is_ended(
    version: Callable[[int], Pack], ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next judgement of anything ends the children of what was not used for long."""
    async with Judge([version(0)]) as judge:
        await ask(judge, [version(1)])
        [panel] = judge._panels._others.values()
        [child] = list(panel.children._idle._queue)  # type: ignore[attr-defined]
        assert child.alive
        await ask(judge)
        assert child.alive
        monkeypatch.setattr(panels, "UNUSED_SECONDS", -1.0)
        await ask(judge)
        await asyncio.gather(*judge._panels._closing)
        assert not child.alive
        monkeypatch.undo()
        assert (await ask(judge, [version(1)])).blockers[0].message == "v1"
    assert not judge._panels._others


async def test_a_hanging_child_of_an_older_version_holds_its_gate_alone(
    version: Callable[[int], Pack], ask: Callable[..., Any]
) -> None:
    """The deadline is the same, and the usual packs do not wait for it."""
    async with Judge([version(0)], deadline_ms=300) as judge:
        await ask(judge, [version(1)])
        [panel] = judge._panels._others.values()
        [child] = list(panel.children._idle._queue)  # type: ignore[attr-defined]
        child._process.send_signal(19)
        held, usual = await asyncio.gather(ask(judge, [version(1)]), ask(judge))
        assert held.verdict == "inconclusive"
        assert "no answer within 300 ms" in held.blockers[0].message
        assert usual.blockers[0].message == "v0"
        assert (await ask(judge, [version(1)])).blockers[0].message == "v1"


class TestArchive:
    def test_a_version_is_read_once(self, version: Callable[[int], Pack]) -> None:
        asked: list[str] = []
        known = {version(number).digest: version(number).document for number in range(READY + 1)}

        def find(_: str, digest: str) -> RulePack | None:
            asked.append(digest)
            return known.get(digest)

        archive = Archive(find)
        for digest in known:
            assert archive.pack("test", digest).digest == digest
            assert archive.pack("test", digest).digest == digest
        assert asked == list(known)
        assert len(archive._ready) == READY

    @pytest.mark.parametrize("rules", [None, ({"id": "r", "conjure": 1},)])
    def test_what_cannot_be_had_says_why(self, version: Callable[[int], Pack], rules: Any) -> None:
        document = None
        if rules:
            content = {**document_content(version(0).document), "rules": rules}
            document = RulePack.model_validate(content, strict=False)
        with pytest.raises(LostVersionError, match=r"version 0{12} of pack test is not"):
            Archive(lambda *_: document).pack("test", "0" * 64)

    def test_a_version_of_another_lifecycle_judges_nobody(
        self, version: Callable[[int], Pack]
    ) -> None:
        old, new = version(0), version(1)
        archive = Archive(lambda *_: old.document)
        with pytest.raises(LostVersionError, match="guards the lifecycle doi, not other"):
            archive.packs({"test": old.digest}, [new], "other")
        assert [one.digest for one in archive.packs({"test": old.digest}, [new], "doi")] == [
            old.digest
        ]


def test_nothing_opens_without_the_rules_that_should_judge(fact: MakeFact, now: datetime) -> None:
    """Inconclusive, with the versions that were wanted."""
    verdict = cannot_judge(
        "lost", gate="decided", facts=[fact("measure")], now=now, versions={"p": "0" * 64}
    )
    assert (verdict.verdict, verdict.blockers[0].message) == ("inconclusive", "lost")
    assert verdict.packs == {"p": "0" * 64}
