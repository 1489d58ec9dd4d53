"""What a story may say: every fault is found before anything is played, with its line."""

from pathlib import Path

import pytest

from console.story import read_story
from rules.source import Fault, FaultsFound

GIVEN = """\
scenario: Own
now: 2031-01-12T09:00:00Z
given:
  - {kind: Pool, id: kyc, title: Checks, unit: checks, owner: kim, capacity: {2031-03: 1}}
  - {kind: Measure, id: paperless, title: Paperless, type: efficiency, package: wave}
steps:
"""
LINE = 7
"""Where the first step stands."""


def write(folder: Path, *steps: str, given: str = GIVEN) -> Path:
    """A story with these steps, one a line."""
    path = folder / "story.yaml"
    path.write_text(given + "".join(f"  - {step}\n" for step in steps))
    return path


def faults(path: Path) -> tuple[Fault, ...]:
    """What reading it finds."""
    with pytest.raises(FaultsFound) as found:
        read_story(path)
    return found.value.faults


@pytest.mark.parametrize(
    "step",
    [
        "{advance: paperless}",
        "{sign: paperless, gate: decided, role: sponsor, as: sam}",
        "{amend: paperless, set: {title: New}}",
        "{report: paperless, forecast: {ebitda: 1}, expect: {accepted: true}}",
        "{capacity: kyc, period: 2031-03, amount: 0}",
        "{hold: paperless, reason: later}",
        "{together: [{advance: paperless}, {cancel: paperless}], expect: {granted: 1}}",
        "{wait: 3d, expect: {reminders: {at_least: 1, at_most: 2}}}",
        "{kill: both, expect: {lost: 0}}",
        "{expect: paperless, stage: decided, blockers: {contains: x}}",
        "{advance: nobody, expect: {refused: unknown-measure}}",
        "{capacity: none, period: 2031-03, amount: 1, expect: {refused: unknown-pool}}",
    ],
)
def test_good_steps(tmp_path: Path, step: str) -> None:
    """They are read; a name that nothing has is fine where the step says so."""
    assert read_story(write(tmp_path, step)).steps[0].line == LINE


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{sign: paperles, gate: a, role: b}", "no measure 'paperles'; did you mean 'paperless'?"),
        ("{capacity: kcy, period: 2031-03, amount: 3}", "no pool 'kcy'; did you mean 'kyc'?"),
        ("{hold: nope}", "no measure 'nope'; known: paperless"),
        ("{hold: kyc}", "no measure 'kyc'"),
        ("{expect: paperles, stage: x}", "no measure 'paperles'"),
        ("{together: [{advance: paperles}]}", "no measure 'paperles'"),
        ("{hold: later, expect: {accepted: false}}", "no measure 'later'"),
        ("{capacity: kyc, period: 2031-03, as: kim}", "capacity needs 'amount'; it takes period"),
        ("{kill: worker, amount: 3}", "kill takes no 'amount'; it takes expect"),
        ("{kill: worker, as: kim}", "kill takes no 'as'"),
        ("{sign: paperless, as: sam}", "sign needs 'gate', 'role'; it takes gate, role, decision"),
        ("{sign: paperless, gate: a, role: null}", "sign needs 'role'"),
        ("{advance: paperless, reason: x}", "advance takes no 'reason'; it takes as, expect"),
        ("{together: [{launch: paperless, gate: x}]}", "launch takes no 'gate'"),
        ("{amend: paperless}", "amend needs 'set'"),
        ("{amend: paperless, set: {}}", "must not be empty"),
        ("{report: paperless}", "report needs one of kpi, milestone"),
        ("{report: paperless, forecast: {a: 1}, actual: {a: 1}}", "report needs one of kpi"),
        ("{report: paperless, forecast: {}}", "must not be empty"),
        ("{together: []}", "must not be empty"),
        ("{apply: []}", "must not be empty"),
        ("{advance: paperless, as_: kim}", "unknown field 'as_'"),
        ("{advance: paperless, hold: paperless}", "exactly one verb"),
        ("{expect: paperless, stagee: x}", "unknown field 'stagee'; did you mean 'stage'?"),
        ("{expect: paperless, as: kim}", "unknown field 'as'"),
        ("{advance: paperless, expect: foo}", "'expect' must be a map"),
        ("{advance: paperless, expect: 3}", "a map"),
        ("{expect: paperless, blockers: {at_least: two}}", "at_least is followed by a number"),
        ("{wait: 3d, expect: {reminders: [{day: {at_most: true}}]}}", "at_most is followed by"),
        ("{together: [{advance: paperless, expect: {seen: {at_least: []}}}]}", "at_least is"),
        ("{until: 2500-01-01T00:00:00Z}", "100 years"),
        ("foo", "map"),
    ],
)
def test_bad_steps(tmp_path: Path, step: str, words: str) -> None:
    """Each fault names file and line, and what would be right."""
    first = faults(write(tmp_path, step))[0]
    assert words in str(first)
    assert f"story.yaml:{LINE}:" in str(first)


def test_what_is_applied_is_known_from_then_on(tmp_path: Path) -> None:
    """A measure or pool of an `apply` step can be named after it, not before."""
    later = "apply: [{kind: Measure, id: later, title: L, type: t, package: p}]"
    apply = "{" + later + "}"
    hold = "{hold: later}"
    read_story(write(tmp_path, apply, hold))
    read_story(write(tmp_path, "{together: [{" + later + "}]}", hold))
    assert faults(write(tmp_path, hold, apply))[0].line == LINE


@pytest.mark.parametrize(
    "expect", ["foo", "[a]", "3", "{refused: 3}", "{accepted: true}", "null", "{at_least: two}"]
)
def test_how_a_given_document_ends_is_a_map_with_a_code(tmp_path: Path, expect: str) -> None:
    """Anything else is a fault with its line."""
    given = GIVEN.replace("package: wave", f"package: wave, expect: {expect}")
    assert faults(write(tmp_path, "{wait: 1d}", given=given))[0].line == 5


def test_a_given_document_can_be_refused(tmp_path: Path) -> None:
    """Its code is kept; steps may still name it."""
    given = GIVEN.replace("package: wave", "package: wave, expect: {refused: unknown-person}")
    story = read_story(write(tmp_path, "{advance: paperless}", given=given))
    assert [item.refused for item in story.given] == ["", "unknown-person"]


@pytest.mark.parametrize("given", ["x" * 5000 + ".yaml", '"\\0"', "missing.yaml", "."])
def test_a_named_file_that_cannot_be_read(tmp_path: Path, given: str) -> None:
    """The line that names it is told."""
    text = GIVEN.replace("given:\n", f"given:\n  - {given}\n")
    assert faults(write(tmp_path, "{wait: 1d}", given=text))[0].line == 4


@pytest.mark.parametrize("now", ["2001-01-12T09:00:00Z", "9999-01-12T09:00:00Z"])
def test_a_story_starts_in_the_future(tmp_path: Path, now: str) -> None:
    """The server's clock only goes on, and not for ever."""
    path = write(tmp_path, "{wait: 1d}", given=GIVEN.replace("2031-01-12T09:00:00Z", now))
    assert faults(path)[0].line == 2


@pytest.mark.parametrize("text", ["", "3", "[]", "- a\n- b\n", "scenario: x\n---\nscenario: y\n"])
def test_a_file_that_is_no_story(tmp_path: Path, text: str) -> None:
    """It is told, not passed over."""
    path = tmp_path / "story.yaml"
    path.write_text(text)
    assert faults(path)
