"""Handlers that succeed, fail, retry and hang, as the task's context says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel
from tasker_contrib_fastapi import Input, PermanentError, StepContext, step_handler


class Work(BaseModel):
    """What a task asks for."""

    name: str
    fail: bool = False
    fail_times: int = 0
    seconds: float = 0
    # The handler returns when this file is there, whatever its timeout is.
    until: Path | None = None


@step_handler("proof.prepare")
def prepare(work: Annotated[Work, Input()]) -> dict[str, Any]:
    time.sleep(work.seconds)
    return {"name": work.name}


@step_handler("proof.charge")
def charge(work: Annotated[Work, Input()], context: StepContext) -> dict[str, Any]:
    if work.fail:
        raise PermanentError("declined, as the context asked")
    if context.retry_count < work.fail_times:
        raise RuntimeError(f"attempt {context.retry_count + 1}, as the context asked")
    while work.until is not None and not work.until.exists():
        time.sleep(0.05)
    return {"name": work.name}
