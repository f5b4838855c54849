"""The application of the integration tests. NS is the namespace of one test run."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, Field
from tasker_core import StepHandler, StepHandlerResult
from tasker_core.step_handler import step_handler as core_step_handler

import tasker_contrib_fastapi as tasker
from tasker_contrib_fastapi import (
    BatchConfig,
    BatchContext,
    BatchResults,
    Checkpoint,
    Config,
    Decision,
    Input,
    PermanentError,
    Result,
    StepContext,
    batch_analyzer,
    batch_worker,
    decision_handler,
    step_handler,
)

NS = os.environ["NS"]
WORK = Path(os.environ["WORK"])
logging.basicConfig(
    level="INFO", format="%(levelname)s pid=%(process)d task=%(task_uuid)s %(message)s"
)
logging.getLogger().handlers[0].addFilter(tasker.TaskerLogFilter())
logging.getLogger("httpx").setLevel("WARNING")


class Job(BaseModel):
    n: int = Field(ge=0)
    fail_times: int = 0
    seconds: float = 0


@step_handler(f"{NS}.first")
async def first(
    job: Annotated[Job, Input()], factor: Annotated[int, Config("factor")] = 1
) -> list[int]:
    logging.getLogger("app").info("in first")
    return [job.n * factor]


async def database(request: Request) -> str:
    return str(request.state.db)


@step_handler(f"{NS}.second")
def second(
    numbers: Annotated[list[int], Result("first")],
    db: Annotated[str, Depends(database)],
    client: tasker.TaskerClientDep,
) -> dict[str, Any]:
    return {"sum": sum(numbers), "db": db, "client": client is not None}


@step_handler(f"{NS}.flaky")
def flaky(job: Annotated[Job, Input()], context: StepContext) -> int:
    if context.retry_count < job.fail_times:
        raise RuntimeError(f"attempt {context.retry_count + 1}")
    return context.retry_count


@step_handler(f"{NS}.slow")
async def slow(job: Annotated[Job, Input()], context: StepContext) -> str:
    (WORK / f"slow-{job.n}-{context.retry_count}").touch()
    if context.retry_count == 0:
        await asyncio.sleep(job.seconds)
    return f"pid {os.getpid()}"


@step_handler(f"{NS}.hung")
def hung(job: Annotated[Job, Input()], context: StepContext) -> str:
    (WORK / f"hung-{job.n}-{context.retry_count}").touch()
    if context.retry_count == 0:
        while not (WORK / f"release-{job.n}").exists():
            threading.Event().wait(0.05)
    return "done"


class Permanent(StepHandler):
    handler_name = f"{NS}.permanent"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise PermanentError("never", error_code="E42")


@core_step_handler(f"{NS}.dsl")
def dsl() -> dict[str, int]:
    return {"dsl": 1}


@decision_handler(f"{NS}.decide")
def decide(numbers: Annotated[list[int], Result("first")]) -> Decision:
    return Decision.route(["big"]) if numbers[0] > 10 else Decision.route(["small"])


@step_handler(f"{NS}.big")
def big() -> str:
    return "big"


@step_handler(f"{NS}.small")
def small() -> str:
    return "small"


@batch_analyzer(f"{NS}.cut", worker="part")
def cut(job: Annotated[Job, Input()]) -> BatchConfig:
    return BatchConfig(total_items=job.n, batch_size=4)


@batch_worker(f"{NS}.part")
async def part(batch: BatchContext) -> int | Checkpoint:
    if batch.cursor == batch.start and batch.size > 2:
        return Checkpoint(cursor=batch.start + 2, items_processed=2, accumulated={"sum": 1})
    return sum(range(batch.start, batch.end)) * 10 + batch.items_processed


@step_handler(f"{NS}.total")
def total(parts: Annotated[list[int], BatchResults("part")]) -> list[int]:
    return parts


@asynccontextmanager
async def resources(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"db": "pool"}
    logging.getLogger("app").info("resources closed")


app = FastAPI(lifespan=tasker.lifespan(wrap=resources))
app.include_router(tasker.router(tasks=True), prefix="/tasker")


@app.get("/pid")
async def pid() -> int:
    return os.getpid()
