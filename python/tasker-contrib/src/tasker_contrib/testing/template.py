"""Reads a task template for the in-memory run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .._internal.backoff import delay_ms
from ..templates import STEP_TYPES


class TemplateProblem(ValueError):
    """The template cannot be run; the message names the file, the step and the key."""


@dataclass(frozen=True)
class RetrySpec:
    """The template's ``retry`` table."""

    retryable: bool = True
    max_attempts: int = 3
    raw: Mapping[str, Any] = field(default_factory=dict)

    def delay(self, attempts: int) -> float:
        """Seconds to wait after ``attempts`` failed attempts (1 or more)."""
        return delay_ms(self.raw, attempts) / 1000


@dataclass(frozen=True)
class StepSpec:
    """One step of a template."""

    name: str
    callable: str
    type: str = "standard"
    dependencies: tuple[str, ...] = ()
    initialization: dict[str, Any] = field(default_factory=dict)
    retry: RetrySpec = field(default_factory=RetrySpec)
    batch_config: dict[str, Any] | None = None


@dataclass(frozen=True)
class TemplateSpec:
    """A task template, as far as running it needs."""

    name: str
    steps: tuple[StepSpec, ...]
    input_schema: dict[str, Any] | None = None

    def find(self, name: str) -> StepSpec | None:
        """The step of that name, or None."""
        return next((step for step in self.steps if step.name == name), None)

    def step(self, name: str) -> StepSpec:
        """The step of that name, which must exist."""
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        return found


def load(source: str | Path | Mapping[str, Any]) -> TemplateSpec:
    """Read a template from a YAML file or from its parsed content.

    Raises:
        TemplateProblem: no such file, not YAML, or Core would not accept or never finish it.
    """
    if isinstance(source, Mapping):
        return _template(source, "template")
    path = Path(source)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TemplateProblem(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise TemplateProblem(f"{path} is not YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise TemplateProblem(f"{path} is not a task template: the top level must be a mapping")
    return _template(data, str(path))


def _template(data: Mapping[str, Any], where: str) -> TemplateSpec:
    steps = tuple(_step(item, where) for item in data.get("steps") or [])
    if not steps:
        raise TemplateProblem(f"{where} has no steps")
    names = [step.name for step in steps]
    for step in steps:
        if names.count(step.name) > 1:
            raise TemplateProblem(f"{where}: two steps are called '{step.name}'")
        for dependency in step.dependencies:
            if dependency not in names:
                raise TemplateProblem(
                    f"{where}: step '{step.name}' depends on '{dependency}', which does not exist"
                )
        if step.type == "decision" and not step.dependencies:
            raise TemplateProblem(
                f"{where}: decision '{step.name}' needs at least one dependency, or Core refuses "
                "the template"
            )
    _refuse_cycle(steps, where)
    return TemplateSpec(str(data.get("name", "")), steps, data.get("input_schema"))


def _step(item: Any, where: str) -> StepSpec:
    if not isinstance(item, Mapping) or not item.get("name"):
        raise TemplateProblem(f"{where}: a step has no name")
    name = str(item["name"])
    handler = item.get("handler")
    if not isinstance(handler, Mapping) or not handler.get("callable"):
        raise TemplateProblem(f"{where}: step '{name}' has no handler.callable")
    kind = item.get("type", item.get("step_type", "standard"))
    if kind not in STEP_TYPES:
        raise TemplateProblem(
            f"{where}: step '{name}' has type '{kind}'; one of {', '.join(STEP_TYPES)}"
        )
    if "dependencies" in item and "depends_on" in item:
        raise TemplateProblem(f"{where}: step '{name}' has both dependencies and depends_on")
    dependencies = item.get("dependencies", item.get("depends_on")) or []
    return StepSpec(
        name=name,
        callable=str(handler["callable"]),
        type=kind,
        dependencies=tuple(str(dependency) for dependency in dependencies),
        initialization=dict(handler.get("initialization") or {}),
        retry=_retry(item.get("retry"), name, where),
        batch_config=item.get("batch_config"),
    )


def _retry(data: Any, step: str, where: str) -> RetrySpec:
    if data is None:
        return RetrySpec()
    backoff = data.get("backoff", "exponential")
    if backoff not in ("none", "linear", "exponential", "fibonacci"):
        raise TemplateProblem(f"{where}: step '{step}' has retry.backoff '{backoff}'")
    return RetrySpec(
        retryable=bool(data.get("retryable", True)),
        max_attempts=int(data.get("max_attempts", 3)),
        raw=data,
    )


def _refuse_cycle(steps: tuple[StepSpec, ...], where: str) -> None:
    remaining = {step.name: set(step.dependencies) for step in steps}
    while remaining:
        free = [name for name, parents in remaining.items() if not parents & remaining.keys()]
        if not free:
            raise TemplateProblem(
                f"{where} has a cycle through {', '.join(sorted(remaining))}; Core accepts it, "
                "and its tasks never end"
            )
        for name in free:
            del remaining[name]
