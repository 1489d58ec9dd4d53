"""Saved histories replay with the present code: lives that run now survive its next release."""

import base64
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from worker.assembly import WORKFLOWS
from workflows import ports
from workflows.contract import MeasureAct, MeasureRecord

pytestmark = pytest.mark.replay

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
"""Made by `record.py`."""


def history(file: Path) -> WorkflowHistory:
    """A saved history with the id of its workflow."""
    return WorkflowHistory.from_json(file.stem.replace("-", ":", 1), file.read_text())


def replayer(runner: WorkflowRunner) -> Replayer:
    """Replays with the workflows that a worker runs."""
    return Replayer(
        workflows=WORKFLOWS, workflow_runner=runner, data_converter=pydantic_data_converter
    )


def test_there_is_a_history_of_each_kind_of_life() -> None:
    """Closed, cancelled, waiting, waived, hurried, moved to another version; pools; launches."""
    assert {file.stem for file in HISTORIES} == {
        "measure-cancelled", "measure-closed", "measure-moved", "measure-waived",
        "measure-waiting", "pool-kyc", "launch-C", "pool-agents", "launch-T",
        "measure-shown", "remote-shown", "measure-hurried",
    }  # fmt: skip
    assert sum(file.stat().st_size for file in HISTORIES) < 900_000


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_it_replays_in_the_sandbox(file: Path) -> None:
    """The present code takes the same steps, and does nothing that is not deterministic."""
    await replayer(SandboxedWorkflowRunner()).replay_workflow(history(file))


async def test_changed_code_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One activity more than the history knows, and the replay fails: so the test can."""
    real: Callable[[MeasureAct], Awaitable[MeasureRecord]] = ports.act_on_measure

    async def twice(act: MeasureAct) -> MeasureRecord:
        await real(act)
        return await real(act)

    monkeypatch.setattr(ports, "act_on_measure", twice)
    file = next(file for file in HISTORIES if file.stem == "measure-closed")
    with pytest.raises(NondeterminismError):
        await replayer(UnsandboxedWorkflowRunner()).replay_workflow(history(file))


def test_histories_hold_no_secrets_and_no_machine_paths() -> None:
    """What is saved here is read by everybody."""
    for file in HISTORIES:
        for text in texts(json.loads(file.read_text())):
            assert "/tmp" not in text
            assert not re.search(r'File "/|/(home|root|work|usr|opt|var)/', text), "a machine path"
            assert "password" not in text.lower()
            assert not re.fullmatch(r"\d+@.+", text), "who recorded it is not to be told"


def texts(content: Any) -> list[str]:
    """Every text in a history, payloads decoded."""
    if isinstance(content, dict):
        data = content.get("data")
        own = [base64.b64decode(data).decode()] if isinstance(data, str) else []
        return own + [text for value in content.values() for text in texts(value)]
    if isinstance(content, list):
        return [text for value in content for text in texts(value)]
    return [content] if isinstance(content, str) else []
