"""Compares templates with the handlers that are registered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .._internal.discovery import (
    core_handlers,
    import_handlers,
    is_core_handler,
    register_core_handlers,
)
from .._internal.names import did_you_mean
from .._internal.parameters import mismatches
from .._internal.registry import Registry, registry
from .files import load_templates
from .model import CheckReport, Step, Template


def check_templates(
    directory: Path, *, handlers: Registry = registry, core_names: Iterable[str] = ()
) -> CheckReport:
    """Check templates, and compare their callables with the registered handlers.

    Args:
        directory: such as `config/tasks`.
        handlers: the registered functions.
        core_names: names of handlers in Core's own styles.

    Returns:
        The report; an app must not start when it has errors.
    """
    report = load_templates(directory)
    known_core = set(core_names)
    used: set[str] = set()
    for template in report.templates:
        for step in template.steps:
            used.add(step.callable)
            _check_callable(template, step, handlers, known_core, report)
    for name, claimants in sorted(handlers.duplicates().items()):
        places = ", ".join(handler.where for handler in claimants)
        report.errors.append(f"handler {name!r} is registered more than once: {places}")
    for name in sorted(known_core & set(handlers.names())):
        report.errors.append(
            f"handler {name!r} is registered with this package and as a handler of Core's own "
            "style; keep one"
        )
    unused = sorted((set(handlers.names()) | known_core) - used)
    # With an error the comparison says nothing: a misspelt callable makes its handler look unused.
    if unused and not report.errors:
        report.warnings.append(_unused(unused))
    return report


def _unused(names: list[str]) -> str:
    line = f"`handler: {{callable: {names[0]}}}`"
    if len(names) == 1:
        return f"handler {names[0]!r} never runs: no step of a template has {line}"
    shown = ", ".join(repr(name) for name in names)
    return f"handlers {shown} never run: no step of a template names them, for example with {line}"


def check_app(
    directory: Path, modules: Iterable[str], *, optional_modules: bool = False
) -> CheckReport:
    """Import the handler modules and check everything, as the start of a worker does.

    Args:
        directory: the template directory.
        modules: handler modules.
        optional_modules: the modules need not exist.

    Raises:
        HandlerImportError: a module cannot be imported.
    """
    imported = import_handlers(list(modules), optional=optional_modules)
    found = core_handlers(imported)
    register_core_handlers(found)
    report = check_templates(directory, core_names=found)
    for name, classes in sorted(found.items()):
        if len(classes) > 1:
            places = ", ".join(f"{c.__module__}.{c.__qualname__}" for c in classes)
            report.errors.append(f"handler {name!r} is registered more than once: {places}")
    return report


def _check_callable(
    template: Template, step: Step, handlers: Registry, core_names: set[str], report: CheckReport
) -> None:
    where = f"{template.path}: step {step.name!r}"
    handler = handlers.get(step.callable)
    if handler is None:
        if step.callable in core_names:
            return
        if is_core_handler(step.callable):
            return  # a dotted path of a class
        known = [*handlers.names(), *sorted(core_names)]
        report.errors.append(
            f"{where}: no handler {step.callable!r} is registered"
            f"{did_you_mean(step.callable, known) or '; is its module in `handlers`?'}"
        )
        return
    wanted = {"decision": "decision", "batchable": "batch_analyzer", "batch_worker": "batch_worker"}
    kind = wanted.get(step.type)
    special = handler.kind in wanted.values()
    if kind != handler.kind and (special or kind is not None):
        decorators = {
            "step": "@step_handler",
            "api": "@api_handler",
            "decision": "@decision_handler",
            "batch_analyzer": "@batch_analyzer",
            "batch_worker": "@batch_worker",
        }
        needed = decorators[kind] if kind else "@step_handler or @api_handler"
        report.errors.append(
            f"{where} is of type {step.type!r}, which needs a {needed}, "
            f"but {step.callable!r} is a {decorators[handler.kind]}"
        )
    elif handler.kind == "batch_analyzer":
        worker = handler.options["worker"]
        types = {s.name: s.type for s in template.steps}
        if types.get(worker) != "batch_worker":
            report.errors.append(
                f"{where}: @batch_analyzer({step.callable!r}, worker={worker!r}) names no step of "
                f"type batch_worker{did_you_mean(worker, types)}"
            )
    for mismatch in mismatches(handler, step, template.steps, template.input_schema):
        found = report.errors if mismatch.fatal else report.warnings
        found.append(f"{where}: {mismatch.text}")
