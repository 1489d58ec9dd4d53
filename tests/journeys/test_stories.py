"""The acceptance stories, played unchanged by `sluice simulate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = Path(__file__).parents[3] / "shared" / "scenarios"
EXAMPLES = Path(__file__).parents[2] / "examples"
ALONE = (
    "01-surge-that-operations-cannot-absorb",
    "02-two-campaigns-one-headroom",
    "05-ninety-days-through-failures",
)
TOGETHER = (
    "03-green-milestones-red-value",
    "04-only-an-independent-controller-closes",
)

OURS_AND_THEIRS = (
    ("ada", "olga"), ("ben", "sam"), ("cleo", "carla"), ("dan", "tom"),
    ("package: summer", "package: spring-media"), ("desk", "kyc"),
)  # fmt: skip

pytestmark = [
    pytest.mark.time_skipping,
    pytest.mark.skipif(
        not SCENARIOS.is_dir(), reason="ACCEPTANCE STORIES NOT PLAYED: ../shared is missing"
    ),
]


@pytest.mark.parametrize("name", ALONE)
def test_a_story_holds(shell: Any, name: str) -> None:
    """Every expectation of every step holds, killed processes included."""
    ran = shell.sluice("simulate", str(SCENARIOS / f"{name}.yaml"), "-o", "json")
    held(ran.data)
    assert ran.code == 0, ran
    assert not list(shell.state.glob("simulate/*/")), "a story left its folder behind"


def test_several_stories_in_one_call(shell: Any) -> None:
    """They are played one after the other, each on an empty server."""
    files = [str(SCENARIOS / f"{name}.yaml") for name in TOGETHER]
    ran = shell.sluice("simulate", *files, "-o", "json")
    for story in ran.data:
        held(story)
    assert [Path(story["file"]).stem for story in ran.data] == list(TOGETHER)
    assert ran.code == 0, ran


def test_an_overload_throttles_and_gives_back(shell: Any) -> None:
    """The example of docs/throttle.md, kills included."""
    ran = shell.sluice("simulate", str(EXAMPLES / "throttle" / "overload.yaml"), "-o", "json")
    held(ran.data)
    assert ran.code == 0, ran


def held(story: Any) -> None:
    """Every step did what the story expects."""
    assert [step for step in story["steps"] if step["differences"]] == []
    assert story["held"]
    assert len(story["steps"]) > 10


@pytest.mark.time_skipping
@pytest.mark.parametrize("example", ["waivers/lead-time", "conversions/surge-in-clicks"])
def test_the_example_holds(shell: Any, example: str) -> None:
    """As the page in docs/ of the same name tells it."""
    ran = shell.sluice("simulate", str(EXAMPLES / f"{example}.yaml"), "-o", "json")
    assert ran.out, ran
    held(ran.data)
    assert ran.code == 0, ran


@pytest.mark.time_skipping
def test_three_lifecycles_are_walked_to_their_end(shell: Any) -> None:
    """Both that come with the product, and one made of YAML alone that changes on the way."""
    ran = shell.sluice("simulate", str(EXAMPLES / "lifecycles" / "three-ways.yaml"), "-o", "json")
    held(ran.data)
    assert ran.code == 0, ran


class TestAStoryThatDoesNotHold:
    def story(self, shell: Any, text: Callable[..., str], expect: str) -> Any:
        """A story of one measure and one step."""
        company = (SCENARIOS / "company.yaml").read_text()
        shell.write("company.yaml", company)
        measure = text("walk", period="2031-03", due="2031-02-01", opens="2031-03-01",
                       closes="2031-03-31")  # fmt: skip
        for ours, theirs in OURS_AND_THEIRS:
            measure = measure.replace(ours, theirs)
        indented = measure.replace("\n", "\n    ").rstrip()
        return shell.write(
            "story.yaml",
            "scenario: Own\nnow: 2031-01-12T09:00:00Z\ngiven:\n  - company.yaml\n"
            f"  - {indented}\nsteps:\n  - {{advance: walk, as: olga, expect: {expect}}}\n",
        )

    def test_says_step_expected_and_seen(
        self, shell: Any, measure_text: Callable[..., str]
    ) -> None:
        """Exit 1, with the line of the step and both values."""
        path = self.story(shell, measure_text, "{stage: detailed, verdict: pass}")
        ran = shell.sluice("simulate", str(path))
        assert ran.code == 1, ran
        assert "stage: expected 'detailed', seen 'identified'" in ran.out
        assert "line 2" in ran.out

    def test_a_misspelt_verb_is_a_fault_of_the_file(
        self, shell: Any, measure_text: Callable[..., str]
    ) -> None:
        """Nothing is played; file, line and column are named."""
        path = self.story(shell, measure_text, "{stage: detailed}")
        path.write_text(path.read_text().replace("advance: walk", "advanse: walk"))
        ran = shell.sluice("simulate", str(path))
        assert ran.code in (1, 2), ran
        assert "story.yaml:" in ran.err
        assert "advance" in ran.err
