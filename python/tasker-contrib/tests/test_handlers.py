"""Handlers: signatures, inputs, results, dependencies, all styles."""

from __future__ import annotations

import asyncio
import math
import threading
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from pydantic import BaseModel, Field
from tasker_core import FfiStepEvent, HandlerRegistry, StepHandler, StepHandlerResult
from tasker_core.step_handler import inputs
from tasker_core.step_handler import step_handler as core_step_handler

import tasker_contrib as tasker
from tasker_contrib import (
    BatchConfig,
    BatchContext,
    BatchResults,
    Checkpoint,
    Config,
    Decision,
    IdempotencyKey,
    Input,
    PermanentError,
    Result,
    RetryableError,
    StepContext,
    api_handler,
    batch_analyzer,
    batch_worker,
    decision_handler,
    step_handler,
)
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.invoke import Callee, invoke, resolve
from tasker_contrib._internal.outcome import StepOutcome
from tasker_contrib._internal.registry import registry


class Row(BaseModel):
    code: str = Field(min_length=3)
    value: float = 0.0


class Job(BaseModel):
    job_id: int
    rows: list[Row] = []


@pytest.fixture(autouse=True)
def _clean_registry() -> Iterator[None]:
    saved = registry.snapshot()
    registry.restore(({}, {}))
    yield
    registry.restore(saved)


def make_context(
    name: str = "h",
    *,
    context: dict[str, Any] | None = None,
    deps: dict[str, Any] | None = None,
    init: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    checkpoint: dict[str, Any] | None = None,
) -> StepContext:
    def new() -> str:
        return str(uuid.uuid4())

    step = {
        "task": {"task": {"context": context or {}}},
        "dependency_results": {k: {"result": v} for k, v in (deps or {}).items()},
        "step_definition": {"handler": {"callable": name, "initialization": init or {}}},
        "workflow_step": {
            "attempts": 0,
            "max_attempts": 3,
            "inputs": inputs or {},
            "checkpoint": checkpoint,
        },
    }
    event = FfiStepEvent(
        event_id=new(),
        task_uuid=new(),
        step_uuid=new(),
        correlation_id=new(),
        task_sequence_step=step,
    )
    return StepContext.from_ffi_event(event, name)


def run(fn: Any, app: AppContext | None = None, **kwargs: Any) -> StepOutcome:
    handler = fn.__tasker_handler__
    return asyncio.run(
        invoke(Callee(handler.name, ours=handler), make_context(handler.name, **kwargs), app=app)
    )


def test_every_source_reaches_the_function() -> None:
    @step_handler("h")
    async def h(
        job: Annotated[Job, Input()],
        name: Annotated[str, Input("job_id"), Field(coerce_numbers_to_str=True)],
        row: Annotated[Row, Result("extract")],
        gone: Annotated[Row | None, Result("branch")],
        limit: Annotated[int, Config("limit")],
        context: StepContext,
        size: Annotated[int, Config("size")] = 7,
    ) -> dict[str, Any]:
        step = tasker.current_step() is context
        return {
            "sum": job.job_id + limit + size,
            "code": row.code,
            "gone": gone,
            "n": name,
            "s": step,
        }

    outcome = run(h, context={"job_id": 1}, deps={"extract": {"code": "ABC"}}, init={"limit": 2})
    assert outcome.result == {"sum": 10, "code": "ABC", "gone": None, "n": "1", "s": True}


def test_the_idempotency_key_is_the_uuid_of_the_step() -> None:
    @step_handler("h")
    def h(
        text: Annotated[str, IdempotencyKey()],
        key: Annotated[uuid.UUID, IdempotencyKey],
        context: StepContext,
    ) -> dict[str, bool]:
        return {"text": text == str(context.step_uuid), "uuid": str(key) == text}

    assert run(h).result == {"text": True, "uuid": True}


def test_bad_input_is_permanent_and_names_the_path_but_not_the_value() -> None:
    @step_handler("h")
    def h(job: Annotated[Job, Input()]) -> None: ...

    outcome = run(h, context={"job_id": 1, "rows": [{"code": "ABC"}, {"code": "s3"}]})
    assert outcome.failure is not None
    assert outcome.failure.error_type == "validation_error"
    assert not outcome.failure.retryable
    assert "rows.1.code" in outcome.failure.message
    assert "s3" not in outcome.failure.message


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Annotated[int, Input("nope")], "key 'nope', is missing"),
        (Annotated[Row, Result("nope")], "result of step 'nope' does not exist"),
        (Annotated[int, Config("nope")], "initialization key 'nope' is missing"),
    ],
)
def test_missing_inputs_are_permanent(annotation: Any, text: str) -> None:
    def h(x: Any) -> None: ...

    h.__annotations__["x"] = annotation
    outcome = run(step_handler("h")(h))
    assert outcome.failure is not None
    assert text in outcome.failure.message
    assert not outcome.failure.retryable


def test_results_are_serialised_by_the_annotation() -> None:
    @step_handler("m")
    def m() -> Row:
        return {"code": "ABC", "value": "2.5"}  # type: ignore[return-value]

    @step_handler("l")
    def listing() -> list[int]:
        return [1, 2]

    @step_handler("n")
    def nothing() -> None: ...

    assert run(m).result == {"code": "ABC", "value": 2.5}
    assert run(listing).result == {"result": [1, 2]}
    assert run(nothing).result == {}

    @step_handler("r")
    def reader(xs: Annotated[list[int], Result("l")]) -> int:
        return sum(xs)

    assert run(reader, deps={"l": {"result": [1, 2]}}).result == {"result": 3}


@pytest.mark.parametrize("value", [{"code": "x"}, {"code": "ABC", "value": math.nan}])
def test_a_result_that_does_not_fit_is_permanent(value: Any) -> None:
    @step_handler("h")
    def h() -> Row:
        return value  # type: ignore[no-any-return]

    outcome = run(h)
    assert outcome.failure is not None
    assert outcome.failure.error_type == "validation_error"
    assert not outcome.failure.retryable


def test_unserialisable_result_is_permanent() -> None:
    @step_handler("h")
    def h():  # type: ignore[no-untyped-def]
        return {"x": object()}

    failure = run(h).failure
    assert failure is not None
    assert "cannot be stored as JSON" in failure.message


@pytest.mark.parametrize(
    ("error", "kind", "retryable", "after"),
    [
        (PermanentError("no", error_code="E1"), "permanent_error", False, None),
        (RetryableError("later", retry_after=9), "retryable_error", True, 9.0),
        (tasker.PermanentError("no", error_code="E1"), "permanent_error", False, None),
        (ValueError("odd"), "handler_error", True, None),
        (SystemExit(3), "handler_error", True, None),
    ],
)
@pytest.mark.parametrize("style", ["sync", "async", "class", "async class", "dsl"])
def test_errors_mean_the_same_in_every_style(
    error: BaseException, kind: str, retryable: bool, after: float | None, style: str
) -> None:
    callee: Callee
    if style in ("sync", "async"):

        def sync_fn() -> None:
            raise error

        async def async_fn() -> None:
            raise error

        fn = step_handler("h")(sync_fn if style == "sync" else async_fn)
        callee = Callee("h", ours=fn.__tasker_handler__)  # type: ignore[attr-defined]
    elif style == "dsl":

        @core_step_handler("h")
        def dsl() -> None:
            raise error

        callee = Callee("h", core=dsl._handler_class())
    else:

        class Sync(StepHandler):
            handler_name = "h"

            def call(self, context: StepContext) -> StepHandlerResult:
                raise error

        class Async(StepHandler):
            handler_name = "h"

            async def call(self, context: StepContext) -> StepHandlerResult:  # type: ignore[override]
                raise error

        callee = Callee("h", core=Sync() if style == "class" else Async())
    outcome = asyncio.run(invoke(callee, make_context()))
    assert outcome.failure is not None
    assert (outcome.failure.error_type, outcome.failure.retryable) == (kind, retryable)
    assert outcome.failure.retry_after == after
    if kind == "permanent_error":
        assert outcome.failure.error_code == "E1"


def test_core_dsl_input_validation_is_permanent() -> None:
    @core_step_handler("h")
    @inputs(Job)
    def dsl(inputs: Job) -> None: ...

    outcome = asyncio.run(invoke(Callee("h", core=dsl._handler_class()), make_context()))
    assert outcome.failure is not None
    assert outcome.failure.error_type == "validation_error"
    assert not outcome.failure.retryable


def test_resolve_finds_ours_then_cores() -> None:
    class ByClass(StepHandler):
        handler_name = "by_class"

        def call(self, context: StepContext) -> StepHandlerResult:
            return self.success({"ok": True})

    core = HandlerRegistry.instance(skip_bootstrap=True)
    core.register("by_class", ByClass)
    try:
        step_handler("ours")(lambda: None)
        assert resolve("ours", registry).ours is not None  # type: ignore[union-attr]
        found = resolve("by_class", registry)
        assert found is not None
        assert asyncio.run(invoke(found, make_context())).result == {"ok": True}
        assert resolve("nobody", registry) is None
    finally:
        core.unregister("by_class")


# --- signatures ---------------------------------------------------------------------------------


def _no_source(x: int) -> None: ...


def _star(*args: int) -> None: ...


def _generator() -> Iterator[int]:
    yield 1


def _two(x: Annotated[int, Input("a"), Config("b")]) -> None: ...


def _no_name(x: Annotated[int, Config]) -> None: ...


def _number(x: Annotated[int, IdempotencyKey()]) -> None: ...


def _batch_outside(batch: BatchContext) -> None: ...


def _client_outside(api: httpx.Client) -> None: ...


def _unknown_type(x: Annotated[threading.Lock, Input()]) -> None: ...  # type: ignore[valid-type]


@pytest.mark.parametrize(
    ("fn", "text"),
    [
        (_no_source, "parameter 'x' has no source"),
        (_star, "parameter 'args'"),
        (_generator, "is a generator"),
        (_two, "more than one source"),
        (_no_name, "needs a name"),
        (_number, "gives a str or a uuid.UUID, not <class 'int'>"),
        (_batch_outside, "@batch_worker only"),
        (_client_outside, "@api_handler only"),
        (_unknown_type, "not a type that pydantic knows"),
    ],
)
def test_wrong_signatures_stop_the_import(fn: Any, text: str) -> None:
    with pytest.raises(TypeError, match="handler 'h'") as caught:
        step_handler("h")(fn)
    assert text in str(caught.value)
    assert registry.names() == []


def test_unresolvable_annotation_names_the_fix() -> None:
    def h(x): ...  # type: ignore[no-untyped-def]

    h.__annotations__["x"] = "Annotated[Missing, Input()]"
    with pytest.raises(TypeError, match="TYPE_CHECKING"):
        step_handler("h")(h)


def test_two_functions_of_one_name_are_duplicates_but_a_reload_is_not() -> None:
    def first() -> None: ...

    def second() -> None: ...

    step_handler("h")(first)
    step_handler("h")(first)
    assert registry.duplicates() == {}
    step_handler("h")(second)
    assert [h.fn for h in registry.duplicates()["h"]] == [first, second]


# --- kinds --------------------------------------------------------------------------------------


def test_decisions() -> None:
    @decision_handler("d")
    def route() -> Decision:
        return Decision.route(["publish"], quality=0.98)

    @decision_handler("s")
    async def skip() -> Decision:
        return Decision.skip("why")

    @decision_handler("w")
    def wrong():  # type: ignore[no-untyped-def]
        return "publish"

    assert run(route).result["decision_point_outcome"] == {
        "type": "create_steps",
        "step_names": ["publish"],
    }
    assert run(skip).result["decision_point_outcome"] == {"type": "no_branches"}
    assert run(wrong).failure is not None


def test_batches() -> None:
    @batch_analyzer("a", worker="part")
    def analyse() -> BatchConfig:
        return BatchConfig(total_items=25, batch_size=10)

    @batch_analyzer("e", worker="part")
    def empty() -> BatchConfig:
        return BatchConfig(total_items=0, batch_size=10)

    outcome = run(analyse).result["batch_processing_outcome"]
    assert (outcome["type"], outcome["worker_template_name"]) == ("create_batches", "part")
    assert [c["batch_id"] for c in outcome["cursor_configs"]] == ["001", "002", "003"]
    assert outcome["cursor_configs"][2]["end_cursor"] == 25
    assert run(empty).result["batch_processing_outcome"] == {"type": "no_batches"}

    calls: list[BatchContext] = []

    @batch_worker("part")
    def part(batch: BatchContext) -> Row | Checkpoint:
        calls.append(batch)
        if batch.cursor < 15:
            return Checkpoint(cursor=15, items_processed=5, accumulated={"n": 5})
        return Row(code=f"batch-{batch.batch_id}", value=batch.size)

    cursor = {"batch_id": "002", "start_cursor": 10, "end_cursor": 20, "batch_size": 10}
    step_inputs = {"cursor": cursor, "batch_metadata": {}, "is_no_op": False}
    first = run(part, inputs=step_inputs)
    assert first.checkpoint is not None
    assert not first.success
    saved = {"cursor": 15, "items_processed": 5, "accumulated_results": {"n": 5}}
    second = run(part, inputs=step_inputs, checkpoint=saved)
    assert second.result == {"code": "batch-002", "value": 10.0}
    assert calls[1].accumulated == {"n": 5}
    assert run(part, inputs={**step_inputs, "is_no_op": True}).result["no_op"] is True
    assert len(calls) == 2
    assert run(part).failure is not None

    @step_handler("sum")
    def total(parts: Annotated[list[Row], BatchResults("part")]) -> list[str]:
        return [p.code for p in parts]

    deps = {
        "part_010": {"code": "ten"},
        "part_002": {"code": "two"},
        "part_summary": {"code": "no"},
        "part_003": {"no_op": True},
    }
    assert run(total, deps=deps).result == {"result": ["two", "ten"]}


@pytest.mark.parametrize(
    ("status", "retryable"), [(404, False), (400, False), (429, True), (503, True)]
)
@pytest.mark.parametrize("is_async", [True, False])
def test_api_errors_are_classified(
    monkeypatch: pytest.MonkeyPatch, status: int, retryable: bool, is_async: bool
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"retry-after": "7"})

    async def answer_async(self: Any, request: httpx.Request) -> httpx.Response:
        return answer(request)

    def answer_sync(self: Any, request: httpx.Request) -> httpx.Response:
        return answer(request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer_async)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer_sync)

    @api_handler("a", base_url="http://rates")
    async def a(api: httpx.AsyncClient) -> None:
        (await api.get("/x?key=secret")).raise_for_status()

    @api_handler("s", base_url="http://rates")
    def s(api: httpx.Client) -> None:
        api.get("/x?key=secret").raise_for_status()

    failure = run(a if is_async else s).failure
    assert failure is not None
    assert failure.retryable is retryable
    assert failure.error_code == f"http_{status}"
    assert failure.retry_after == (7.0 if retryable else None)
    assert "secret" not in failure.message
