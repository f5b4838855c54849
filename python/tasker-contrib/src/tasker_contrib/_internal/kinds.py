"""What a handler of each kind may return, and what becomes of it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from tasker_core import StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.step_handler import DecisionHandler
from tasker_core.step_handler.functional import BatchConfig, Decision
from tasker_core.types import DecisionType

from ..batches import Checkpoint
from . import outcome as outcomes
from .aliases import dump
from .outcome import StepOutcome
from .registry import Handler


class _Analyzer(Batchable, StepHandler):
    """Core's own helpers make the wire shape of a batch outcome."""

    handler_name = "tasker_contrib.analyzer"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise TypeError("no handler of its own: only the helpers are used")


class _Decider(DecisionHandler):
    """Core's own helpers make the wire shape of a decision."""

    handler_name = "tasker_contrib.decider"

    def call(self, context: StepContext) -> StepHandlerResult:
        raise TypeError("no handler of its own: only the helpers are used")


def outcome_of(handler: Handler, value: Any) -> StepOutcome:
    """Check a returned value against the kind and the annotation of the handler."""
    if isinstance(value, StepHandlerResult):
        return outcomes.from_core_result(value)
    if handler.kind == "decision":
        return _decision(value)
    if handler.kind == "batch_analyzer":
        return _batches(handler, value)
    if isinstance(value, Checkpoint):
        if handler.kind != "batch_worker":
            return outcomes.failed(
                "only a @batch_worker may return a Checkpoint", outcomes.VALIDATION, retryable=False
            )
        return outcomes.checkpointed(value.cursor, value.items_processed, value.accumulated)
    output = handler.signature.output
    if output is None:
        return outcomes.success(value)
    try:
        checked = output.validate_python(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return outcomes.failed(
            outcomes.validation_text("the handler's own result", details),
            outcomes.VALIDATION,
            retryable=False,
        )
    return outcomes.success(dump(output, checked))


def _decision(value: Any) -> StepOutcome:
    if not isinstance(value, Decision):
        return outcomes.failed(
            f"a decision handler returns Decision.route(…) or Decision.skip(…), not {value!r}",
            outcomes.VALIDATION,
            retryable=False,
        )
    outcome = value.outcome
    decider = _Decider()
    if outcome.decision_type == DecisionType.CREATE_STEPS:
        result = decider.decision_success(
            outcome.next_step_names, routing_context=outcome.routing_context
        )
    else:
        result = decider.skip_branches(
            reason=outcome.reason or "no branches", routing_context=outcome.routing_context
        )
    return outcomes.from_core_result(result)


def _batches(handler: Handler, value: Any) -> StepOutcome:
    if not isinstance(value, BatchConfig):
        return outcomes.failed(
            f"a batch analyzer returns BatchConfig(total_items=…, batch_size=…), not {value!r}",
            outcomes.VALIDATION,
            retryable=False,
        )
    if value.total_items < 0 or value.batch_size < 1:
        return outcomes.failed(
            f"BatchConfig(total_items={value.total_items}, batch_size={value.batch_size}): "
            "total_items must be 0 or more and batch_size 1 or more",
            outcomes.VALIDATION,
            retryable=False,
        )
    analyzer = _Analyzer()
    outcome = analyzer.create_batch_outcome(
        total_items=value.total_items,
        batch_size=value.batch_size,
        batch_metadata=value.metadata or {},
    )
    result = analyzer.batch_analyzer_success(
        outcome, worker_template_name=handler.options["worker"]
    )
    return outcomes.from_core_result(result)
