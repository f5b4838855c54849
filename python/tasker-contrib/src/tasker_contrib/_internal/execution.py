"""Executes one step and says how it ended, whatever its handler does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from . import outcome as outcomes
from ._contract import ERROR_NOT_FOUND, ERROR_WORKER_STOPPED
from .injection import AppContext
from .invoke import invoke
from .outcome import StepOutcome
from .running import Running
from .threads import RunSync


async def executed(
    step: Running, app: AppContext, run_sync: RunSync, stopping: Callable[[], bool]
) -> StepOutcome:
    """Call the handler of a step.

    Args:
        step: that begins.
        app: the application side.
        run_sync: how sync handlers run.
        stopping: whether the worker ends, so that a cancellation is ours.
    """
    if step.callee is None:
        return outcomes.failed(
            f"no handler {step.handler!r} is registered in this worker",
            ERROR_NOT_FOUND,
            retryable=False,
        )
    try:
        return await invoke(step.callee, step.context, app=app, run_sync=run_sync)
    except asyncio.CancelledError:
        if not (step.timed_out or step.cut or stopping()):
            # The handler's own doing, e.g. an awaited task that someone else cancelled.
            return outcomes.failed("the handler was cancelled", retryable=True)
        return outcomes.failed("cancelled", ERROR_WORKER_STOPPED, retryable=True, retry_after=0)
    except BaseException as error:
        return outcomes.from_exception(error)
