"""What a framework may add around steps, and the threads of synchronous handlers."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from tasker_core import StepHandler, StepHandlerResult

from tasker_contrib import Input, Result, StepContext, TaskerSettings, step_handler
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.invoke import Callee, invoke
from tasker_contrib._internal.registry import registry
from tasker_contrib._internal.threads import ThreadPool
from tasker_contrib._internal.worker import Runtime
from tasker_contrib.testing import run_step, step_context

from .support import Provide, eventually

pytestmark = pytest.mark.usefixtures("clean_registry")


class Framework:
    """Notes where its hooks are entered and left."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.app = AppContext(around_step=self.around, around_async_step=self.around_async)

    @contextmanager
    def around(self, context: StepContext) -> Iterator[None]:
        self.seen.append(f"in {threading.current_thread().name}")
        try:
            yield
        finally:
            self.seen.append(f"out {threading.current_thread().name}")

    @asynccontextmanager
    async def around_async(self, context: StepContext) -> AsyncIterator[None]:
        self.seen.append(f"async in {context.handler_name}")
        try:
            yield
        finally:
            self.seen.append("async out")


@pytest.mark.parametrize("fails", [False, True])
def test_a_hook_is_around_a_sync_handler_in_its_thread(fails: bool) -> None:
    framework = Framework()

    @step_handler("h")
    def h() -> dict[str, str]:
        framework.seen.append(threading.current_thread().name)
        if fails:
            raise ValueError
        return {}

    class Classic(StepHandler):
        handler_name = "h"

        def call(self, context: StepContext) -> StepHandlerResult:
            h()
            return self.success({})

    for callee in (Callee("h", ours=registry.get("h")), Callee("h", core=Classic())):
        framework.seen.clear()
        outcome = asyncio.run(invoke(callee, step_context("h"), app=framework.app))
        assert (outcome.failure is not None) is fails
        assert framework.seen == ["in tasker-step-h", "tasker-step-h", "out tasker-step-h"]


def test_another_hook_is_around_an_async_handler() -> None:
    framework = Framework()

    @step_handler("h")
    async def h() -> None:
        framework.seen.append("h")

    callee = Callee("h", ours=registry.get("h"))
    asyncio.run(invoke(callee, step_context("h"), app=framework.app))
    assert framework.seen == ["async in h", "h", "async out"]


def test_the_worker_keeps_the_hooks_of_the_app() -> None:
    framework = Framework()
    runtime = Runtime(TaskerSettings(), standalone=True)
    runtime.add_app(framework.app)
    runtime.add_app(AppContext())
    assert runtime._app_context().around_step == framework.app.around_step
    assert runtime._app_context().around_async_step == framework.app.around_async_step
    runtime.remove_app(framework.app)
    assert runtime._app_context().around_step is None


def test_dependencies_see_what_a_worker_is() -> None:
    runtime = Runtime(TaskerSettings(drain_timeout=3), standalone=True)
    runtime.add_app(AppContext(state={"tasker": None}))
    state = runtime._app_context().state["tasker"]
    assert (state.mode, state.settings.drain_timeout) == ("worker", 3)


def test_an_injector_fills_its_parameters() -> None:
    @step_handler("h")
    def h(a: Annotated[int, Input("a")], b: Annotated[int, Provide(lambda: 2)]) -> int:
        return a + b

    assert run_step(h, context={"a": 1}).result == {"result": 3}


# --- threads ------------------------------------------------------------------------------------


def test_threads_are_used_again_and_bounded() -> None:
    pool = ThreadPool(2)
    gate, started = threading.Event(), threading.Semaphore(0)

    def wait() -> int:
        started.release()
        gate.wait(10)
        return threading.get_ident()

    async def many() -> list[int]:
        for _ in range(5):  # one after the other: one thread is enough
            await pool.run(threading.get_ident, "quick")
        assert pool.count == 1
        calls = [asyncio.ensure_future(pool.run(wait, "slow")) for _ in range(6)]
        await asyncio.to_thread(lambda: [started.acquire(timeout=10) for _ in range(2)])
        assert not started.acquire(blocking=False), "a third one runs"
        gate.set()
        return await asyncio.gather(*calls)

    assert len(set(asyncio.run(many()))) == 2
    pool.close()
    assert eventually(lambda: pool.count == 0)


def test_a_closed_pool_takes_nothing() -> None:
    pool = ThreadPool(1)
    pool.close()

    async def late() -> None:
        await pool.run(lambda: None, "late")

    with pytest.raises(RuntimeError, match="have ended"):
        asyncio.run(late())


def test_what_a_handler_keeps_for_its_thread_is_there_next_time() -> None:
    local = threading.local()

    def use() -> int:
        local.count = getattr(local, "count", 0) + 1
        return int(local.count)

    async def twice() -> int:
        pool = ThreadPool(4)
        await pool.run(use, "a")
        counts: int = await pool.run(use, "b")
        pool.close()
        return counts

    assert asyncio.run(twice()) == 2


# --- models and wrappers ------------------------------------------------------------------------


class Price(BaseModel):
    unit_cents: int = Field(default=0, alias="unitCents")


class Written(BaseModel):
    cents: int = Field(default=0, serialization_alias="CENTS")


class Defaults(BaseModel):
    cents: int = 0


@pytest.mark.parametrize("model", [Price(unitCents=3), Written(cents=3)])
def test_what_one_step_stores_the_next_one_reads(model: BaseModel) -> None:
    cls = type(model)

    def produce():  # type: ignore[no-untyped-def]
        return model

    def consume(value):  # type: ignore[no-untyped-def]
        return value == model

    for annotation in (cls, Any):
        produce.__annotations__["return"] = annotation
        stored = run_step(step_handler("produce")(produce)).result
        consume.__annotations__["value"] = Annotated[cls, Result("produce")]
        read = run_step(step_handler("consume")(consume), results={"produce": stored})
        assert read.result == {"result": True}, (stored, read)


def test_a_result_in_the_names_of_the_fields_is_read_too() -> None:
    @step_handler("h")
    def h(price: Annotated[Price, Input()]) -> int:
        return price.unit_cents

    assert run_step(h, context={"unit_cents": 3}).result == {"result": 3}


def test_none_arrives_as_none() -> None:
    @step_handler("nothing")
    def nothing() -> Defaults | None:
        return None

    @step_handler("reader")
    def reader(
        model: Annotated[Defaults | None, Result("nothing")],
        number: Annotated[int | None, Result("nothing")],
        mapping: Annotated[dict[str, int] | None, Result("nothing")],
    ) -> list[Any]:
        return [model, number, mapping]

    stored = run_step(nothing).result
    assert run_step(reader, results={"nothing": stored}).result == {"result": [None, None, {}]}


def test_a_plain_wrapper_around_an_async_handler_is_awaited() -> None:
    def traced(fn: Any) -> Any:
        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        return wrapper

    @step_handler("h")
    @traced
    async def h(a: Annotated[int, Input("a")]) -> dict[str, int]:
        await asyncio.sleep(0)
        return {"a": a}

    assert run_step(h, context={"a": 1}).result == {"a": 1}


class Callable:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    "fn", [functools.partial(print, "x"), Callable(), Callable().method, len, 3]
)
def test_what_is_not_a_function_is_refused_and_leaves_its_name_free(fn: Any) -> None:
    with pytest.raises(TypeError, match=r"handler 'h': .* is not a function; decorate"):
        step_handler("h")(fn)
    assert registry.names() == []
