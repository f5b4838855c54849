"""The step that is being executed."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasker_core import StepContext


step_context_var: ContextVar[StepContext | None] = ContextVar("tasker_step", default=None)
