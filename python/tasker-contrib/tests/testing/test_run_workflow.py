"""run_workflow: what it takes, what it refuses, and how its assertions fail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from tasker_contrib import IdempotencyKey, Input, Result, RetryableError, StepContext, step_handler
from tasker_contrib._internal.registry import registry
from tasker_contrib.testing import run_workflow
from tasker_contrib.testing.template import TemplateProblem
from tests.support import Provide


class Order(BaseModel):
    amount: int


def rate() -> float:
    raise AssertionError("the real dependency must not be used in a test")


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    saved = registry.snapshot()

    @step_handler("shop.price")
    async def price(
        order: Annotated[Order, Input()], rate: Annotated[float, Provide(rate)]
    ) -> dict[str, float]:
        return {"price": order.amount * rate}

    @step_handler("shop.bill")
    def bill(priced: Annotated[dict[str, float], Result("price")]) -> dict[str, float]:
        return {"billed": priced["price"]}

    yield
    registry.restore(saved)


TEMPLATE: dict[str, Any] = {
    "name": "order",
    "namespace_name": "shop",
    "version": "1.0.0",
    "input_schema": {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "integer"}},
    },
    "steps": [
        {"name": "price", "handler": {"callable": "shop.price"}},
        {"name": "bill", "handler": {"callable": "shop.bill"}, "dependencies": ["price"]},
    ],
}


def test_overrides_without_an_app_and_a_file(tmp_path: Path) -> None:
    import yaml

    file = tmp_path / "order.yaml"
    file.write_text(yaml.safe_dump(TEMPLATE))
    run = run_workflow(file, {"amount": 1}, overrides={rate: lambda: 3.0})
    run.assert_complete().assert_step("bill", result={"billed": 3.0})


def test_given_handlers_come_before_registered_ones() -> None:
    run = run_workflow(TEMPLATE, {"amount": 1}, {"shop.price": lambda _: {"price": 9}})
    run.assert_complete().assert_step("bill", result={"billed": 9})


def test_an_async_plain_function_and_a_running_loop() -> None:
    async def price(context: StepContext) -> dict[str, int]:
        await asyncio.sleep(0)
        return {"price": context.get_input("amount")}

    async def test() -> None:
        run_workflow(TEMPLATE, {"amount": 4}, {"shop.price": price}).assert_complete()

    asyncio.run(test())


def test_an_unregistered_handler_fails_the_step_as_core_does() -> None:
    registry.restore(({}, {}))
    run = run_workflow(TEMPLATE, {"amount": 1})
    run.assert_failed().assert_step(
        "price", state="error", attempts=1, error="no handler 'shop.price' is registered"
    )


def test_retry_after_of_the_handler_wins_over_the_template() -> None:
    def flaky(context: StepContext) -> dict[str, int]:
        if not context.is_retry():
            raise RetryableError("slow down", retry_after=7)
        return {"price": 1}

    run = run_workflow(TEMPLATE, {"amount": 1}, {"shop.price": flaky})
    run.assert_complete().assert_step("price", attempts=2, delays=[7])
    assert run.duration == 7


def test_context_is_checked_against_the_input_schema() -> None:
    with pytest.raises(TemplateProblem, match="'amount' is a required property"):
        run_workflow(TEMPLATE, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": []}, "has no steps"),
        ({"steps": [{"name": "a", "handler": {}}]}, "step 'a' has no handler.callable"),
        (
            {"steps": [{"name": "a", "handler": {"callable": "x"}, "dependencies": ["b"]}]},
            "depends on 'b', which does not exist",
        ),
        (
            {"steps": [{"name": "a", "handler": {"callable": "x"}, "dependencies": ["a"]}]},
            "cycle through a",
        ),
        (
            {"steps": [{"name": "a", "handler": {"callable": "x"}, "type": "batch"}]},
            "has type 'batch'; one of standard",
        ),
        (
            {"steps": [{"name": "a", "handler": {"callable": "x"}, "type": "decision"}]},
            "needs at least one dependency",
        ),
        ({"steps": [{"name": "a", "handler": {"callable": "x"}}] * 2}, "two steps are called 'a'"),
    ],
)
def test_templates_that_cannot_run(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateProblem, match=message):
        run_workflow({**TEMPLATE, **change}, {"amount": 1})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateProblem, match=r"gone\.yaml: No such file"):
        run_workflow(tmp_path / "gone.yaml")


def test_a_failed_assertion_shows_the_difference_and_the_timeline() -> None:
    run = run_workflow(TEMPLATE, {"amount": 1}, {"shop.price": lambda _: {"price": 9, "tax": 1}})
    with pytest.raises(AssertionError) as raised:
        run.assert_step("price", result={"price": 8}, attempts=2)
    text = str(raised.value)
    assert "1 attempt, expected 2" in text
    assert '-  "price": 8' in text
    assert '+  "price": 9' in text
    assert "tax" not in text, "keys that were not asked for are noise"
    assert "price  attempt 1: complete" in text
    assert "task complete after 0 s" in text


def test_each_assertion_can_fail() -> None:
    run = run_workflow(TEMPLATE, {"amount": 1}, {"shop.price": lambda _: {"price": 9}})
    for wrong in (
        lambda: run.assert_failed(),
        lambda: run.assert_status("error"),
        lambda: run.assert_step("bill", state="error"),
        lambda: run.assert_step("bill", error="x"),
        lambda: run.assert_step("bill", delays=[1]),
        lambda: run.assert_step("nope"),
        lambda: run.assert_absent("bill"),
        lambda: run.assert_order("bill", "price"),
    ):
        with pytest.raises(AssertionError, match="price"):
            wrong()
    run.assert_order("price", "bill").assert_absent("nope")


def test_endless_checkpoints_are_stopped() -> None:
    from tasker_core import StepHandlerResult

    def endless(_: StepContext) -> StepHandlerResult:
        return StepHandlerResult.success({"cursor": 1}, metadata={"checkpoint_yield": True})

    with pytest.raises(RuntimeError, match="yielded 1000 checkpoints"):
        run_workflow(TEMPLATE, {"amount": 1}, {"shop.price": endless})


def test_the_idempotency_key_is_the_same_in_every_attempt_and_another_for_every_step() -> None:
    seen: list[str] = []

    @step_handler("shop.price_busy_once")
    def price(key: Annotated[str, IdempotencyKey()]) -> dict[str, float]:
        seen.append(key)
        if len(seen) == 1:
            raise RetryableError("busy")
        return {"price": 1.0}

    run = run_workflow(TEMPLATE, {"amount": 1}, {"shop.price": price}).assert_complete()
    assert seen == [run["price"].idempotency_key] * 2
    assert run["bill"].idempotency_key not in seen
