"""The documentation says what the code does."""

import re
from pathlib import Path

from console.exits import MEANINGS
from console.settings import ConsoleSettings
from console.story import VERBS
from measures.documents import KINDS
from measures.plan import Measure
from worker.settings import WebhookSettings, WorkerSettings

ROOT = Path(__file__).parents[3]


def test_the_exit_code_table_is_the_one_in_the_code() -> None:
    """Each code has its row, with the same words, and there is no other row."""
    rows = re.findall(r"^\| (\d) \| (.+) \|$", (ROOT / "docs/exit-codes.md").read_text(), re.M)
    assert rows == [(str(int(code)), meaning) for code, meaning in MEANINGS.items()]


def test_every_setting_is_documented() -> None:
    """Each setting of every process and command stands in the table, and no other."""
    text = (ROOT / "docs/operations.md").read_text()
    documented = set(re.findall(r"`SLUICE_([A-Z_]+)`", text.split("## Settings")[1]))
    fields = {*WorkerSettings.model_fields, *ConsoleSettings.model_fields}
    fields |= set(WebhookSettings.model_fields)
    assert documented == {name.upper() for name in fields}


def test_every_kind_and_field_of_a_document_is_documented() -> None:
    """Whoever writes documents finds every kind, and every field of a measure."""
    text = (ROOT / "docs/documents.md").read_text()
    for name in (*KINDS, *(set(Measure.model_fields) - {"kind"})):
        assert f"`{name}`" in text, name


def test_every_verb_of_a_story_is_documented() -> None:
    """Whoever writes stories finds every verb."""
    text = (ROOT / "docs/stories.md").read_text()
    for verb in VERBS:
        assert f"`{verb}`" in text, verb


def test_links_between_documents_lead_somewhere() -> None:
    """No link of README, docs or contributing guide leads to a file that is not there."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
