"""Checks what the schema of templates cannot say: how steps fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from .._internal.names import did_you_mean
from .keys import check_schema
from .model import STEP_TYPES, CheckReport, Step


def check_steps(path: Path, raw: Mapping[str, Any], report: CheckReport) -> list[Step]:
    """Read and check all steps of a template."""
    error = report.errors.append
    if "steps" not in raw:
        error(f"{path}: 'steps' is missing; a template has at least one step")
    items = raw.get("steps")
    named = [
        item
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, Mapping) and isinstance(item.get("name"), str)
    ]
    steps = [_check_step(path, item, report) for item in named]
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
    handler = item.get("handler")
    callable_name = handler.get("callable") if isinstance(handler, Mapping) else None
    for key in ("method", "resolver"):
        if isinstance(handler, Mapping) and handler.get(key):
            report.warnings.append(f"{where}: handler.{key} has no effect in Python")
    for one, other in (("dependencies", "depends_on"), ("type", "step_type")):
        if one in item and other in item:
            error(f"{where}: has both {one!r} and {other!r}; keep one")
    dependencies = item.get("dependencies", item.get("depends_on"))
    if not isinstance(dependencies, list):
        dependencies = []
    step_type = item.get("type", item.get("step_type"))
    if step_type not in STEP_TYPES:
        step_type = "standard"
    if step_type == "decision" and not dependencies:
        error(f"{where}: a decision needs at least one dependency")
    check_schema(path, f"step {name!r}: result_schema", item.get("result_schema"), report)
    return Step(
        name=name,
        callable=callable_name if isinstance(callable_name, str) else "",
        type=step_type,
        dependencies=tuple(name for name in dependencies if isinstance(name, str)),
        raw=item,
    )


def _check_batch(path: Path, step: Step, steps: Mapping[str, Step], report: CheckReport) -> None:
    error = report.errors.append
    where = f"{path}: step {step.name!r}"
    config = step.raw.get("batch_config")
    if step.type == "batchable":
        handler = step.raw.get("handler")
        options = handler.get("initialization") if isinstance(handler, Mapping) else None
        worker = options.get("worker_template_name") if isinstance(options, Mapping) else None
        if not _is_batch_worker(worker, steps):
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
    worker = config.get("worker_template") if isinstance(config, Mapping) else None
    if isinstance(worker, str) and not _is_batch_worker(worker, steps):
        hint = did_you_mean(worker, steps)
        error(f"{where}: batch_config.worker_template {worker!r} is not a batch_worker step{hint}")


def _is_batch_worker(name: object, steps: Mapping[str, Step]) -> bool:
    return isinstance(name, str) and name in steps and steps[name].type == "batch_worker"


def _cycle(steps: Mapping[str, Step]) -> list[str]:
    """A dependency cycle, each step before the one it depends on; or nothing."""
    graph = {
        step.name: [name for name in step.dependencies if name in steps and name != step.name]
        for step in steps.values()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found[::-1]
    return []
