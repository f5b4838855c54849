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

from typing import TYPE_CHECKING

from .._internal.lazy import attributes

if TYPE_CHECKING:
    from .context import step_context
    from .stack import StackError, TaskerStack, start_stack
    from .step import StepResult, arun_step, run_step
    from .workflow import StepRun, WorkflowRun, arun_workflow, run_workflow
else:
    # Not every test run of a project has to do with Tasker; see `plugin.py`.
    __getattr__ = attributes(
        __name__,
        {
            "step_context": f"{__name__}.context",
            "StackError": f"{__name__}.stack",
            "TaskerStack": f"{__name__}.stack",
            "start_stack": f"{__name__}.stack",
            "StepResult": f"{__name__}.step",
            "arun_step": f"{__name__}.step",
            "run_step": f"{__name__}.step",
            "StepRun": f"{__name__}.workflow",
            "WorkflowRun": f"{__name__}.workflow",
            "arun_workflow": f"{__name__}.workflow",
            "run_workflow": f"{__name__}.workflow",
        },
    )

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
