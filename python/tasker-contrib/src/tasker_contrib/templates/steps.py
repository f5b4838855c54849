"""Checks the steps of a template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._internal.names import did_you_mean
from .keys import check_keys, check_schema
from .model import STEP_TYPES, CheckReport, Step

_STEP_KEYS = {
    "name",
    "description",
    "handler",
    "type",
    "step_type",
    "system_dependency",
    "dependencies",
    "depends_on",
    "retry",
    "timeout_seconds",
    "publishes_events",
    "batch_config",
    "result_schema",
}

_HANDLER_KEYS = {"callable", "method", "resolver", "initialization"}

_RETRY_KEYS = {"retryable", "max_attempts", "backoff", "backoff_base_ms", "max_backoff_ms"}

_BACKOFFS = ("none", "linear", "exponential", "fibonacci")

_EVENT_KEYS = {"name", "description", "schema", "condition", "delivery_mode", "publisher"}

_EVENT_REQUIRED = ("name", "description", "schema")

_BATCH_KEYS = {"batch_size", "parallelism", "cursor_field", "worker_template", "failure_strategy"}


def check_steps(path: Path, raw: Mapping[str, Any], report: CheckReport) -> list[Step]:
    """Read and check all steps of a template."""
    error = report.errors.append
    items = raw.get("steps")
    if not isinstance(items, list) or not items:
        error(f"{path}: 'steps' must be a list with at least one step")
        return []
    steps: list[Step] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            error(f"{path}: step {index + 1} must be a mapping with a 'name'")
            continue
        steps.append(_check_step(path, item, report))
    names = [step.name for step in steps]
    for name in sorted({name for name in names if names.count(name) > 1}):
        error(f"{path}: step name {name!r} is used {names.count(name)} times")
    by_name = {step.name: step for step in steps}
    for step in steps:
        for dependency in step.dependencies:
            if dependency == step.name:
                error(f"{path}: step {step.name!r} depends on itself")
            elif dependency not in by_name:
                hint = did_you_mean(dependency, by_name)
                error(f"{path}: step {step.name!r} depends on unknown step {dependency!r}{hint}")
        _check_batch(path, step, by_name, report)
    cycle = _cycle(by_name)
    if cycle:
        error(f"{path}: dependency cycle: {' -> '.join(cycle)}")
    return steps


def _check_step(path: Path, item: Mapping[str, Any], report: CheckReport) -> Step:
    error = report.errors.append
    name = item["name"]
    where = f"{path}: step {name!r}"
    check_keys(where, item, _STEP_KEYS, report)
    handler = item.get("handler")
    callable_name = ""
    if not isinstance(handler, Mapping):
        error(f"{where}: 'handler' with a 'callable' is missing")
    else:
        check_keys(f"{where}: handler", handler, _HANDLER_KEYS, report)
        value = handler.get("callable")
        if not isinstance(value, str) or not value.strip():
            error(f"{where}: handler.callable is missing")
        else:
            callable_name = value
        for key in ("method", "resolver"):
            if handler.get(key):
                report.warnings.append(f"{where}: handler.{key} has no effect in Python")
    for one, other in (("dependencies", "depends_on"), ("type", "step_type")):
        if one in item and other in item:
            error(f"{where}: has both {one!r} and {other!r}; keep one")
    dependencies = item.get("dependencies", item.get("depends_on")) or []
    if not isinstance(dependencies, list) or not all(isinstance(d, str) for d in dependencies):
        error(f"{where}: 'dependencies' must be a list of step names")
        dependencies = []
    step_type = item.get("type", item.get("step_type", "standard"))
    if step_type not in STEP_TYPES:
        hint = did_you_mean(str(step_type), STEP_TYPES)
        error(f"{where}: type {step_type!r} is not one of {', '.join(STEP_TYPES)}{hint}")
        step_type = "standard"
    if step_type == "decision" and not dependencies:
        error(f"{where}: a decision needs at least one dependency")
    timeout = item.get("timeout_seconds")
    if timeout is not None and (
        not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 1
    ):
        error(f"{where}: timeout_seconds = {timeout!r} must be a whole number above 0")
    _check_retry(where, item.get("retry"), report)
    _check_events(where, item.get("publishes_events"), report)
    check_schema(path, f"step {name!r}: result_schema", item.get("result_schema"), report)
    return Step(name, callable_name, step_type, tuple(dependencies), item)


def _check_retry(where: str, retry: Any, report: CheckReport) -> None:
    if retry is None:
        return
    error = report.errors.append
    if not isinstance(retry, Mapping):
        error(f"{where}: 'retry' must be a mapping")
        return
    check_keys(f"{where}: retry", retry, _RETRY_KEYS, report)
    backoff = retry.get("backoff")
    if backoff is not None and backoff not in _BACKOFFS:
        hint = did_you_mean(str(backoff), _BACKOFFS)
        error(f"{where}: retry.backoff {backoff!r} is not one of {', '.join(_BACKOFFS)}{hint}")
    checks: dict[str, tuple[str, Callable[[int], bool]]] = {
        "max_attempts": ("1 to 100", lambda v: 1 <= v <= 100),
        "backoff_base_ms": ("0 or more", lambda v: v >= 0),
        "max_backoff_ms": ("0 or more", lambda v: v >= 0),
    }
    for key, (allowed, fits) in checks.items():
        value = retry.get(key)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not fits(value):
            error(f"{where}: retry.{key} = {value!r} must be {allowed}")


def _check_events(where: str, events: Any, report: CheckReport) -> None:
    if events is None:
        return
    error = report.errors.append
    if not isinstance(events, list):
        error(f"{where}: 'publishes_events' must be a list")
        return
    for event in events:
        if not isinstance(event, Mapping):
            error(f"{where}: publishes_events has an item that is not a mapping")
            continue
        label = f"{where}: publishes_events {event.get('name', '(no name)')!r}"
        check_keys(label, event, _EVENT_KEYS, report)
        for key in _EVENT_REQUIRED:
            if event.get(key) in (None, ""):
                error(f"{label}: {key!r} is missing; Core then refuses the whole file")
        name = event.get("name")
        if isinstance(name, str) and not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", name):
            error(f"{label}: the name must be lower case words joined by dots")


def _check_batch(path: Path, step: Step, steps: Mapping[str, Step], report: CheckReport) -> None:
    error = report.errors.append
    where = f"{path}: step {step.name!r}"
    config = step.raw.get("batch_config")
    if step.type == "batchable":
        handler = step.raw.get("handler")
        options = handler.get("initialization") if isinstance(handler, Mapping) else None
        worker = options.get("worker_template_name") if isinstance(options, Mapping) else None
        if worker is None or worker not in steps or steps[worker].type != "batch_worker":
            error(
                f"{where}: handler.initialization.worker_template_name must name the batch_worker "
                f"step, not {worker!r}: without it a task whose analyzer finds nothing ends as "
                "complete and leaves out the steps after the batches"
            )
    if config is None:
        if step.type == "batch_worker":
            error(
                f"{where}: a batch_worker needs a 'batch_config' of its own; "
                "without it Core creates no workers, and the task still ends as complete"
            )
        return
    if not isinstance(config, Mapping):
        error(f"{where}: 'batch_config' must be a mapping")
        return
    check_keys(f"{where}: batch_config", config, _BATCH_KEYS, report)
    missing = sorted(_BATCH_KEYS - config.keys())
    if missing:
        error(f"{where}: batch_config lacks {', '.join(missing)}; Core requires all its keys")
    worker = config.get("worker_template")
    if worker is not None and (worker not in steps or steps[worker].type != "batch_worker"):
        hint = did_you_mean(str(worker), steps)
        error(f"{where}: batch_config.worker_template {worker!r} is not a batch_worker step{hint}")


def _cycle(steps: Mapping[str, Step]) -> list[str]:
    """The first dependency cycle, or nothing."""
    state: dict[str, int] = {}
    trail: list[str] = []

    def visit(name: str) -> list[str]:
        state[name] = 1
        trail.append(name)
        for dependency in steps[name].dependencies:
            if dependency not in steps or dependency == name:
                continue
            if state.get(dependency) == 1:
                return [*trail[trail.index(dependency) :], dependency]
            if dependency not in state:
                found = visit(dependency)
                if found:
                    return found
        trail.pop()
        state[name] = 2
        return []

    for name in steps:
        if name not in state:
            found = visit(name)
            if found:
                return found
    return []
