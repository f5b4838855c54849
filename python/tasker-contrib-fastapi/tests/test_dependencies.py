"""`Depends` parameters of handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from tasker_contrib._internal.injection import AppContext
from tasker_contrib._internal.invoke import Callee, invoke
from tasker_contrib._internal.outcome import StepOutcome

import tasker_contrib_fastapi as tasker
from tasker_contrib_fastapi import Input, Result, StepContext, step_handler
from tasker_contrib_fastapi.testing import run_step, run_workflow, step_context

pytestmark = pytest.mark.usefixtures("clean_registry")


def run(fn: Any, app: AppContext | None = None) -> StepOutcome:
    handler = fn.__tasker_handler__
    return asyncio.run(invoke(Callee(handler.name, ours=handler), step_context(fn), app=app))


def test_dependencies_generators_overrides_and_state() -> None:
    closed: list[str] = []

    async def session(request: Request) -> AsyncIterator[str]:
        yield f"session-{request.state.db}"
        closed.append("session")

    def sub(s: str = Depends(session)) -> str:
        return f"sub({s})"

    async def real() -> str:
        return "real"

    @step_handler("h")
    async def h(
        s: Annotated[str, Depends(session)],
        d: Annotated[str, Depends(sub)],
        step: Annotated[StepContext, Depends(tasker.current_step)],
        r: str = Depends(real),
    ) -> dict[str, Any]:
        assert closed == []
        return {"s": s, "d": d, "r": r, "step": str(step.step_uuid) != ""}

    app = FastAPI()
    app.dependency_overrides[real] = lambda: "fake"
    outcome = run(h, app=AppContext(app=app, state={"db": 1}))
    assert outcome.failure is None, outcome.failure
    assert outcome.result == {"s": "session-1", "d": "sub(session-1)", "r": "fake", "step": True}
    assert closed == ["session"]


def test_dependency_cleanup_sees_the_error_of_the_handler() -> None:
    seen: list[str] = []

    def session() -> Iterator[int]:
        try:
            yield 1
        except ValueError as error:
            seen.append(str(error))
            raise

    @step_handler("h")
    def h(s: Annotated[int, Depends(session)]) -> None:
        raise ValueError("rollback")

    failure = run(h).failure
    assert failure is not None
    assert failure.message == "ValueError: rollback"
    assert seen == ["rollback"]


def test_a_dependency_on_a_header_is_a_permanent_failure() -> None:
    def user(authorization: Annotated[str, Header()]) -> str:
        return authorization

    @step_handler("h")
    def h(u: Annotated[str, Depends(user)]) -> None: ...

    failure = run(h).failure
    assert failure is not None
    assert "header.authorization" in failure.message
    assert not failure.retryable


def test_dependencies_can_be_replaced() -> None:
    def session() -> str:
        raise AssertionError

    @step_handler("t.depends")
    def handler(session: Annotated[str, Depends(session)]) -> dict[str, str]:
        return {"session": session}

    assert run_step(handler, overrides={session: lambda: "fake"}).result == {"session": "fake"}


def test_registered_handlers_with_overrides_of_an_app() -> None:
    def rate() -> float:
        raise AssertionError("the real dependency must not be used in a test")

    @step_handler("shop.price")
    async def price(
        amount: Annotated[int, Input("amount")], rate: Annotated[float, Depends(rate)]
    ) -> dict[str, float]:
        return {"price": amount * rate}

    @step_handler("shop.bill")
    def bill(priced: Annotated[dict[str, float], Result("price")]) -> dict[str, float]:
        return {"billed": priced["price"]}

    app = FastAPI()
    app.dependency_overrides[rate] = lambda: 2.0
    steps = [
        {"name": "price", "handler": {"callable": "shop.price"}},
        {"name": "bill", "handler": {"callable": "shop.bill"}, "dependencies": ["price"]},
    ]
    run = run_workflow({"steps": steps}, {"amount": 5}, app=app)
    run.assert_complete().assert_step("bill", result={"billed": 10.0}, attempts=1)


@pytest.mark.parametrize(("status", "retryable"), [(403, False), (429, True), (503, True)])
def test_a_refusal_of_a_dependency_is_final_unless_it_may_pass(
    status: int, retryable: bool
) -> None:
    def user() -> str:
        raise HTTPException(status, "not today")

    @step_handler("h")
    def h(u: Annotated[str, Depends(user)]) -> None: ...

    failure = run(h).failure
    assert failure is not None
    assert failure.retryable is retryable
    assert "not today" in failure.message
