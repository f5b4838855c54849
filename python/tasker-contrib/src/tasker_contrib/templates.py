"""Task templates: reading them, and the checks that Core leaves out.

Core ignores unknown keys, accepts cycles and duplicate names, and registers a template whose
handlers do not exist; the mistakes show up as tasks that never end. `check_templates` finds them
before the app starts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from tasker_core import HandlerRegistry

from ._internal.discovery import core_handlers, import_handlers, register_core_handlers
from ._internal.names import did_you_mean
from ._internal.parameters import mismatches
from ._internal.registry import Registry, registry
from .errors import TaskerConfigError

__all__ = ["CheckReport", "Step", "Template", "check_app", "check_templates", "load_templates"]

STEP_TYPES = ("standard", "decision", "deferred_convergence", "batchable", "batch_worker")
MAX_NAMESPACE = 29

_TEMPLATE_KEYS = {
    "name",
    "namespace_name",
    "version",
    "description",
    "metadata",
    "system_dependencies",
    "domain_events",
    "input_schema",
    "steps",
    "environments",
    "lifecycle",
}
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
_LIFECYCLE_USED = {
    "max_waiting_for_dependencies_minutes",
    "max_waiting_for_retry_minutes",
    "max_steps_in_process_minutes",
}
_LIFECYCLE_UNUSED = {
    "max_duration_minutes",
    "staleness_action",
    "auto_fail_on_timeout",
    "auto_dlq_on_timeout",
}


@dataclass(frozen=True)
class Step:
    """One step of a template.

    Attributes:
        name: unique in the template.
        callable: the handler's name.
        type: one of `STEP_TYPES`.
        dependencies: names of steps.
        raw: the mapping as written.
    """

    name: str
    callable: str
    type: str
    dependencies: tuple[str, ...]
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """One template file.

    Attributes:
        path: the file.
        name: with namespace and version it identifies the template.
        namespace: the worker queue it uses.
        version: exact; there is no "latest".
        steps: in the order of the file.
        raw: the mapping as written.
    """

    path: Path
    name: str
    namespace: str
    version: str
    steps: tuple[Step, ...]
    raw: Mapping[str, Any]

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        """JSON Schema of the context; None when the template has none."""
        schema = self.raw.get("input_schema")
        return schema if isinstance(schema, Mapping) else None


@dataclass
class CheckReport:
    """What the checks found.

    Attributes:
        errors: problems that stop the app.
        warnings: things that have no effect or look odd.
        templates: the templates that could be read.
    """

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)

    def raise_for_errors(self) -> None:
        """Raise `TaskerConfigError` with all errors, if there are any."""
        if self.errors:
            raise TaskerConfigError(self.errors)


def template_files(directory: Path) -> list[Path]:
    """Every YAML file below a directory: Core takes each of them as a template."""
    found = [*directory.rglob("*.yml"), *directory.rglob("*.yaml")]
    return sorted(path for path in found if path.is_file())


def load_templates(directory: Path) -> CheckReport:
    """Read all templates below a directory and check each of them.

    Args:
        directory: such as `config/tasks`.

    Returns:
        Templates, errors and warnings; nothing is raised.
    """
    report = CheckReport()
    if not directory.is_dir():
        report.errors.append(
            f"template directory {str(directory)!r} does not exist; "
            "create it or set `templates` (TASKER_TEMPLATES)"
        )
        return report
    seen: dict[tuple[str, str, str], Path] = {}
    for path in template_files(directory):
        template = _load(path, report)
        if template is None:
            continue
        report.templates.append(template)
        identity = (template.namespace, template.name, template.version)
        if identity in seen:
            report.errors.append(
                f"{path}: namespace, name and version are those of {seen[identity]}; "
                "the last one that Core reads would win"
            )
        seen[identity] = path
    return report


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
        if HandlerRegistry.instance(skip_bootstrap=True).resolve(step.callable) is not None:
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


def _load(path: Path, report: CheckReport) -> Template | None:
    error = report.errors.append
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as problem:
        error(f"{path}: cannot be read: {problem}")
        return None
    except yaml.YAMLError as problem:
        error(f"{path}: is not valid YAML: {' '.join(str(problem).split())}")
        return None
    if len(documents) != 1:
        error(f"{path}: has {len(documents)} YAML documents; a template is one")
        return None
    raw = documents[0]
    if not isinstance(raw, dict) or not {"name", "namespace_name", "steps"} & raw.keys():
        error(
            f"{path}: is not a task template; Core reads every YAML file below the template "
            "directory, so move this one elsewhere"
        )
        return None
    _check_head(path, raw, report)
    steps = _check_steps(path, raw, report)
    return Template(
        path=path,
        name=str(raw.get("name", "")),
        namespace=str(raw.get("namespace_name", "")),
        version=str(raw.get("version", "")),
        steps=tuple(steps),
        raw=raw,
    )


def _unknown(where: str, value: Mapping[str, Any], known: set[str], report: CheckReport) -> None:
    for key in value:
        if key not in known:
            report.errors.append(
                f"{where}: unknown key {key!r}, which Core would ignore"
                f"{did_you_mean(str(key), known)}"
            )


def _check_head(path: Path, raw: Mapping[str, Any], report: CheckReport) -> None:
    error = report.errors.append
    _unknown(str(path), raw, _TEMPLATE_KEYS, report)
    limits = {"name": 255, "namespace_name": MAX_NAMESPACE, "version": 50}
    for key, limit in limits.items():
        value = raw.get(key)
        if value is None or value == "":
            error(f"{path}: {key!r} is missing")
        elif not isinstance(value, str):
            error(f"{path}: {key} = {value!r} must be a text; put it in quotes")
        elif len(value) > limit:
            error(f"{path}: {key} = {value!r} has more than {limit} characters")
        elif key == "namespace_name" and not re.fullmatch(r"[A-Za-z0-9_]+", value):
            error(f"{path}: {key} = {value!r} may have only letters, digits and _ (a queue's name)")
    _check_schema(path, "input_schema", raw.get("input_schema"), report)
    if raw.get("environments"):
        report.warnings.append(f"{path}: 'environments' has no effect: Core does not apply it")
    lifecycle = raw.get("lifecycle")
    if isinstance(lifecycle, Mapping):
        _unknown(f"{path}: lifecycle", lifecycle, _LIFECYCLE_USED | _LIFECYCLE_UNUSED, report)
        for key in sorted(_LIFECYCLE_UNUSED & lifecycle.keys()):
            report.warnings.append(f"{path}: lifecycle.{key} has no effect: Core does not read it")


def _check_schema(path: Path, name: str, schema: Any, report: CheckReport) -> None:
    if schema is None:
        return
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as problem:
        report.errors.append(f"{path}: {name} is not a valid JSON Schema: {problem.message}")


def _check_steps(path: Path, raw: Mapping[str, Any], report: CheckReport) -> list[Step]:
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
    _unknown(where, item, _STEP_KEYS, report)
    handler = item.get("handler")
    callable_name = ""
    if not isinstance(handler, Mapping):
        error(f"{where}: 'handler' with a 'callable' is missing")
    else:
        _unknown(f"{where}: handler", handler, _HANDLER_KEYS, report)
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
    _check_schema(path, f"step {name!r}: result_schema", item.get("result_schema"), report)
    return Step(name, callable_name, step_type, tuple(dependencies), item)


def _check_retry(where: str, retry: Any, report: CheckReport) -> None:
    if retry is None:
        return
    error = report.errors.append
    if not isinstance(retry, Mapping):
        error(f"{where}: 'retry' must be a mapping")
        return
    _unknown(f"{where}: retry", retry, _RETRY_KEYS, report)
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
        _unknown(label, event, _EVENT_KEYS, report)
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
    _unknown(f"{where}: batch_config", config, _BATCH_KEYS, report)
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
