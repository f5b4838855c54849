"""Whatever a handler does, its step ends, with the reason, and is counted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_contrib import PermanentError, RetryableError, TaskerEvent, step_handler, subscribe
from tasker_contrib._internal import metrics
from tasker_contrib._internal import outcome as outcomes
from tasker_contrib._internal.dispatcher import Dispatcher
from tasker_contrib._internal.outcome import StepOutcome
from tasker_contrib._internal.registry import registry
from tasker_contrib._internal.storable import MAX_DEPTH, problem_of
from tasker_contrib.testing import run_step

from .hostile import HOSTILE, Odd, nested
from .support import FakeNative, eventually

pytestmark = pytest.mark.usefixtures("clean_registry")


@pytest.fixture
def native() -> FakeNative:
    return FakeNative()


@pytest.fixture
def dispatcher(native: FakeNative) -> Iterator[Dispatcher]:
    made = Dispatcher(native, registry, concurrency=3, worker_id="w1")
    made.start()
    yield made
    made.cut()
    made.stop()


def must_be_storable(completion: dict[str, Any]) -> None:
    assert problem_of(completion) is None
    json.dumps(completion, allow_nan=False)


def counted(handler: str) -> float:
    return sum(
        sample.value
        for metric in metrics.executions.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["handler"] == handler
    )


@pytest.mark.parametrize("style", ["sync", "async"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_the_step_fails_with_the_reason_and_is_counted(
    kind: str, style: str, native: FakeNative, dispatcher: Dispatcher
) -> None:
    function, text = HOSTILE[kind]
    name = f"{kind}.{style}"
    if style == "sync":

        def handler():  # type: ignore[no-untyped-def]
            return function()

    else:

        async def handler():  # type: ignore[no-untyped-def,no-redef]
            return function()

    step_handler(name)(handler)
    answer = native.answer(native.push(name))
    assert answer["success"] is False
    assert text in answer["error"]["message"]
    must_be_storable(answer)
    assert eventually(lambda: dispatcher.in_flight == 0)
    assert counted(name) == 1
    assert dispatcher.health()[0]
    failed = run_step(handler)
    assert failed.outcome == "failed"
    assert text in str(failed.error)


def test_a_subscriber_or_a_tracer_that_fails_leaves_no_step_open(
    native: FakeNative, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(event: TaskerEvent) -> None:
        raise Odd("subscriber")

    def span(*_: object) -> Any:
        raise Odd("tracer")

    step_handler("h")(lambda: {"a": 1})
    unsubscribe = subscribe("*", broken)
    try:
        assert native.answer(native.push("h"))["success"] is True
        monkeypatch.setattr("tasker_contrib._internal.dispatcher.step_span", span)
        assert "Odd: tracer" in native.answer(native.push("h"))["error"]["message"]
    finally:
        unsubscribe()


def test_core_may_refuse_anything(native: FakeNative, dispatcher: Dispatcher) -> None:
    step_handler("h")(lambda: {"a": 1})
    native.refuse = [Odd("no")]
    answer = native.answer(native.push("h"))
    assert "cannot be handed to Core: no" in answer["error"]["message"]


texts = st.text(st.characters(codec=None), max_size=8)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**65),
    st.floats(),
    texts,
    st.binary(max_size=4),
    st.builds(object),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.integers(), inner, max_size=3)
        | st.sets(st.integers(), max_size=2)
    ),
    max_leaves=10,
)


def check(outcome: StepOutcome) -> None:
    failure = outcome.failure
    must_be_storable({"result": outcome.result, "custom": outcome.metadata})
    if failure is not None:
        assert failure.message
        must_be_storable({"m": [failure.message, failure.error_code, *failure.backtrace]})
        after = failure.retry_after
        assert after is None or (math.isfinite(after) and after >= 0)
    if outcome.checkpoint is not None:
        must_be_storable({"c": [outcome.checkpoint.cursor, outcome.checkpoint.accumulated]})


@settings(deadline=None, max_examples=300)
@given(value=values, metadata=st.dictionaries(texts, values, max_size=2))
def test_any_result_is_stored_or_refused(value: Any, metadata: dict[str, Any]) -> None:
    outcome = outcomes.success(value, metadata)
    check(outcome)
    if outcome.failure is not None:
        assert not outcome.failure.retryable
        assert outcome.failure.error_type == "validation_error"
    check(outcomes.checkpointed(value, 1, value))


@settings(deadline=None, max_examples=200)
@given(
    text=texts,
    cls=st.sampled_from([ValueError, Odd, PermanentError, RetryableError, KeyboardInterrupt]),
    code=texts | st.none(),
    after=st.none() | st.floats() | st.integers(),
    metadata=st.dictionaries(texts, values, max_size=2),
)
def test_any_exception_becomes_a_failure(
    text: str, cls: Any, code: Any, after: Any, metadata: dict[str, Any]
) -> None:
    error = cls(text)
    if isinstance(error, (PermanentError, RetryableError)):
        error.error_code, error.retry_after, error.metadata = code, after, metadata
    outcome = outcomes.from_exception(error)
    assert outcome.failure is not None
    check(outcome)


def test_the_deepest_value_is_stored() -> None:
    assert outcomes.success(nested(MAX_DEPTH - 1)).failure is None
    assert outcomes.success(nested(MAX_DEPTH)).failure is not None
