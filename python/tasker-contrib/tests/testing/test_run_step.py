"""run_step and step_context, with handlers of every style."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel
from tasker_core import StepHandler, StepHandlerResult
from tasker_core.step_handler import depends_on
from tasker_core.step_handler import step_handler as core_step_handler

from tasker_contrib import (
    BatchContext,
    BatchResults,
    Checkpoint,
    Config,
    IdempotencyKey,
    Input,
    PermanentError,
    Result,
    StepContext,
    batch_worker,
    step_handler,
)
from tasker_contrib._internal.registry import registry
from tasker_contrib.testing import run_step, step_context


@pytest.fixture(autouse=True)
def _clean_registry() -> Iterator[None]:
    saved = registry.snapshot()
    yield
    registry.restore(saved)


class Job(BaseModel):
    day: date
    amount: int


def test_all_inputs_of_a_typed_handler() -> None:
    @step_handler("t.all")
    async def handler(
        job: Annotated[Job, Input()],
        before: Annotated[Job, Result("before")],
        limit: Annotated[int, Config("limit")],
        context: StepContext,
    ) -> dict[str, Any]:
        return {
            "day": job.day,
            "sum": job.amount + before.amount + limit,
            "attempts": context.retry_count,
            "last": context.is_last_retry(),
        }

    job = Job(day=date(2024, 2, 29), amount=1)
    done = run_step(
        handler,
        context=job,
        results={"before": Job(day=date(2024, 1, 1), amount=10)},
        config={"limit": 100},
        attempts=2,
        max_attempts=3,
    )
    assert done.result == {"day": "2024-02-29", "sum": 111, "attempts": 2, "last": True}
    assert (done.outcome, done.error, done.retryable) == ("complete", None, False)


def test_failures_are_in_the_result() -> None:
    @step_handler("t.bad")
    def handler(job: Annotated[Job, Input()]) -> None:
        raise PermanentError("never")

    invalid = run_step(handler, context={"day": "x", "amount": 1})
    assert (invalid.outcome, invalid.error_type) == ("failed", "validation_error")
    assert "day" in (invalid.error or "")
    assert not invalid.retryable
    permanent = run_step(handler, context={"day": "2024-01-01", "amount": 1})
    assert (permanent.error, permanent.retryable) == ("never", False)


def test_any_other_exception_is_retryable_as_in_core() -> None:
    def handler(_: StepContext) -> None:
        raise OSError("disk")

    result = run_step(handler)
    assert result.retryable
    assert result.error is not None
    assert "disk" in result.error


def test_core_styles() -> None:
    @core_step_handler("t.dsl")
    @depends_on(cart="load")
    def dsl(cart: dict[str, int], context: StepContext) -> dict[str, int]:
        return {"total": cart["n"]}

    class Classic(StepHandler):
        handler_name = "t.classic"

        def call(self, context: StepContext) -> StepHandlerResult:
            return self.failure("no", retryable=False)

    assert run_step(dsl, results={"load": {"n": 3}}).result == {"total": 3}
    assert run_step(Classic).error == "no"
    assert step_context(dsl).handler_name == "t.dsl"
    assert step_context(Classic).handler_name == "t.classic"


def test_batch_workers() -> None:
    @batch_worker("t.batch")
    def worker(batch: BatchContext) -> dict[str, int] | Checkpoint:
        if batch.cursor < 3:
            return Checkpoint(cursor=3, items_processed=3, accumulated={"n": 3})
        return {"from": batch.cursor, "to": batch.end, "before": batch.accumulated["n"]}

    first = run_step(worker, cursor=(0, 5))
    assert first.outcome == "checkpoint"
    assert first.checkpoint == Checkpoint(3, 3, {"n": 3})
    second = run_step(worker, cursor=(0, 5), checkpoint=first.checkpoint)
    assert second.result == {"from": 3, "to": 5, "before": 3}
    assert run_step(worker, no_op=True).result == {
        "batch_id": "000",
        "no_op": True,
        "processed_count": 0,
    }
    assert run_step(worker).error_type == "validation_error"


def test_batch_results_are_found_by_worker() -> None:
    @step_handler("t.join")
    def join(parts: Annotated[list[int], BatchResults("work")]) -> dict[str, int]:
        return {"sum": sum(parts)}

    results = {"work_001": 1, "work_002": 2, "other": 9}
    assert run_step(join, results=results).result == {"sum": 3}


def test_it_works_in_a_running_loop() -> None:
    async def handler(_: StepContext) -> dict[str, bool]:
        await asyncio.sleep(0)
        return {"ok": True}

    async def test() -> None:
        assert run_step(handler).result == {"ok": True}

    asyncio.run(test())


def test_values_that_are_not_json_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="not a JSON value"):
        step_context("x", context={"a": object()})


def test_not_a_handler() -> None:
    with pytest.raises(TypeError, match="not a handler: 3"):
        run_step(3)  # type: ignore[arg-type]


def test_the_fixtures_are_the_functions(
    run_step: Callable[..., Any],
    step_context: Callable[..., StepContext],
    run_workflow: Callable[..., Any],
) -> None:
    assert run_step(lambda c: {"x": c.get_input("x")}, step_context(context={"x": 1})).result == {
        "x": 1
    }
    template = {"steps": [{"name": "a", "handler": {"callable": "a"}}]}
    assert run_workflow(template, {}, {"a": lambda _: {}}).status == "complete"


def test_a_test_may_choose_the_idempotency_key() -> None:
    @step_handler("t.key")
    def handler(key: Annotated[str, IdempotencyKey()]) -> dict[str, str]:
        return {"key": key}

    key = "01a231bf-bd9d-73b0-b3f6-b5bed562e0af"
    assert run_step(handler, idempotency_key=key).result == {"key": key}
    results = [run_step(handler).result for _ in range(2)]
    assert results[0] != results[1]
