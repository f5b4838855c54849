"""Templates as they were read, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TaskerConfigError

STEP_TYPES = ("standard", "decision", "deferred_convergence", "batchable", "batch_worker")

MAX_NAMESPACE = 29


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
