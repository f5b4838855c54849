"""The helpers for `django.test`'s classes."""

from __future__ import annotations

from typing import Any

from .fake import FakeTasker, fake_tasker
from .run import run_step, run_workflow


class TaskerMixin:
    """Before a `SimpleTestCase`, `TestCase` or `TransactionTestCase`: a fake server for each test.

    Attributes:
        tasker: the `FakeTasker` of the test.
    """

    tasker: FakeTasker
    run_step = staticmethod(run_step)
    run_workflow = staticmethod(run_workflow)

    def setUp(self) -> None:
        """Put the fake in place; it is removed after the test."""
        fake = fake_tasker()
        self.tasker = fake.__enter__()
        cleanup: Any = self
        cleanup.addCleanup(fake.__exit__, None, None, None)
        super().setUp()  # type: ignore[misc]
