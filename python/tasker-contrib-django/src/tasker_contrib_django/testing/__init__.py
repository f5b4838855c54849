"""Test handlers and whole workflows, with and without a server.

Everything here is a pytest fixture too, and `TaskerMixin` has it for `unittest`.

Example:
    ```python
    from django.test import TestCase
    from tasker_contrib_django.testing import TaskerMixin

    class Orders(TaskerMixin, TestCase):
        def test_charge(self):
            order = Order.objects.create(amount=5)
            step = self.run_step(charge, context={"order_id": order.pk})
            self.assertEqual(step.result, {"charged": 5})

        def test_view_creates_a_task(self):
            with self.captureOnCommitCallbacks(execute=True):
                self.client.post("/orders/", {"amount": 5})
            self.assertEqual([task.name for task in self.tasker.created], ["ship"])
    ```
"""

from __future__ import annotations

from tasker_contrib.testing import (
    StackError,
    StepResult,
    StepRun,
    TaskerStack,
    WorkflowRun,
    start_stack,
    step_context,
)

from .cases import TaskerMixin
from .fake import CreatedTask, FakeTasker, fake_tasker
from .outbox import relay_outbox
from .run import arun_step, arun_workflow, run_step, run_workflow
from .stack import DjangoStack, django_stack

__all__ = [
    "CreatedTask",
    "DjangoStack",
    "FakeTasker",
    "StackError",
    "StepResult",
    "StepRun",
    "TaskerMixin",
    "TaskerStack",
    "WorkflowRun",
    "arun_step",
    "arun_workflow",
    "django_stack",
    "fake_tasker",
    "relay_outbox",
    "run_step",
    "run_workflow",
    "start_stack",
    "step_context",
]
