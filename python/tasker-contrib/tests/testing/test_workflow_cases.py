"""Every case file, run in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasker_contrib.testing import WorkflowRun, run_workflow
from tests.testing.scripted import CASES, load_case, scripted

FILES = sorted(CASES.glob("*.yaml"))


def run_case(case: dict[str, Any]) -> WorkflowRun:
    handlers = {name: scripted(script) for name, script in case["handlers"].items()}
    return run_workflow(case["template"], case["context"], handlers)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_case(file: Path) -> None:
    case = load_case(file)
    expect = case["expect"]
    run = run_case(case)

    statuses = expect["status"] if isinstance(expect["status"], list) else [expect["status"]]
    assert run.status in statuses, str(run)
    if "order" in expect:
        assert run.order == expect["order"], str(run)
    for name, wanted in expect.get("steps", {}).items():
        checkpoints = wanted.pop("checkpoints", None)
        if checkpoints is not None:
            assert run[name].checkpoints == checkpoints
        run.assert_step(name, **wanted)
    run.assert_absent(*expect.get("absent", []))
    problems = expect.get("problems", [])
    assert len(run.problems) == len(problems), run.problems
    for part, problem in zip(problems, run.problems, strict=True):
        assert part in problem
    if problems:
        with pytest.raises(AssertionError, match="would not run this template as it is written"):
            run.assert_complete()


def test_a_run_is_the_same_every_time() -> None:
    case = load_case(CASES / "decision_route.yaml")
    assert str(run_case(case)) == str(run_case(case))
