"""Turns the `handlers` of a workflow case into functions.

The cases are shared by all languages: `xtask/contract/workflow-cases`, with the format.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tasker_core import StepContext, StepHandlerResult

CASES = Path(__file__).parents[4] / "xtask/contract/workflow-cases"
Scripted = Callable[[StepContext], StepHandlerResult]


def load_case(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = yaml.safe_load(path.read_text())
    return case


def scripted(script: Any) -> Scripted:
    """A handler that does on each attempt what the script says; without state of its own."""

    def handler(context: StepContext) -> StepHandlerResult:
        behaviours = script
        if isinstance(script, dict):
            batch = context.step_inputs.get("cursor", {}).get("batch_id")
            behaviours = script.get(batch, script["*"])
        behaviour = behaviours[min(context.retry_count, len(behaviours) - 1)]
        return _act(behaviour, context)

    return handler


def _act(behaviour: dict[str, Any], context: StepContext) -> StepHandlerResult:
    if "fail" in behaviour:
        fail = behaviour["fail"]
        return StepHandlerResult.failure(
            fail["message"],
            error_type="handler_error" if fail["retryable"] else "permanent_error",
            retryable=fail["retryable"],
        )
    for cursor in behaviour.get("checkpoints", []):
        if (context.checkpoint_cursor or 0) < cursor:
            progress = {"cursor": cursor, "items_processed": cursor, "accumulated_results": {}}
            return StepHandlerResult.success(progress, metadata={"checkpoint_yield": True})
    if "route" in behaviour:
        outcome = {"type": "create_steps", "step_names": behaviour["route"]}
        return StepHandlerResult.success({"decision_point_outcome": outcome})
    if "skip" in behaviour:
        outcome = {"type": "no_branches"}
        return StepHandlerResult.success({"decision_point_outcome": outcome})
    if "batches" in behaviour:
        return StepHandlerResult.success({"batch_processing_outcome": _batches(behaviour)})
    if "report" in behaviour:
        return StepHandlerResult.success(_report(context))
    return StepHandlerResult.success(behaviour["result"])


def _batches(behaviour: dict[str, Any]) -> dict[str, Any]:
    cursors = [
        {
            "batch_id": f"{number:03d}",
            "start_cursor": start,
            "end_cursor": end,
            "batch_size": end - start,
        }
        for number, (start, end) in enumerate(behaviour["batches"], start=1)
    ]
    if not cursors:
        return {"type": "no_batches"}
    return {
        "type": "create_batches",
        "worker_template_name": behaviour["worker"],
        "worker_count": len(cursors),
        "cursor_configs": cursors,
        "total_items": cursors[-1]["end_cursor"],
    }


def _report(context: StepContext) -> dict[str, Any]:
    inputs = context.step_inputs
    cursor = inputs.get("cursor") or {}
    return {
        "context": context.input_data,
        "config": context.step_config,
        "attempts": context.retry_count,
        "max_attempts": context.max_retries,
        "dependencies": {
            name: context.get_dependency_result(name)
            for name in sorted(context.get_dependency_result_keys())
        },
        "range": [cursor.get("start_cursor"), cursor.get("end_cursor")],
        "is_no_op": inputs.get("is_no_op", False),
    }
