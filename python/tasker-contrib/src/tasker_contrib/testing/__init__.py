"""Test handlers and whole workflows without a server, and against a real one.

Everything here is a pytest fixture too (plugin ``tasker``, active when the package is installed).

Example:
    ```python
    from tasker_contrib.testing import run_step, run_workflow

    def test_charge() -> None:
        outcome = run_step(charge_card, context={"amount": 5})
        assert outcome.result == {"charged": 5}

    def test_order() -> None:
        run = run_workflow("config/tasks/order.yaml", {"amount": 5})
        run.assert_complete()
        run.assert_step("charge_card", attempts=1, result={"charged": 5})
    ```
"""

from __future__ import annotations

from .context import step_context
from .stack import StackError, TaskerStack, start_stack
from .step import StepResult, arun_step, run_step
from .workflow import StepRun, WorkflowRun, arun_workflow, run_workflow

__all__ = [
    "StackError",
    "StepResult",
    "StepRun",
    "TaskerStack",
    "WorkflowRun",
    "arun_step",
    "arun_workflow",
    "run_step",
    "run_workflow",
    "start_stack",
    "step_context",
]
