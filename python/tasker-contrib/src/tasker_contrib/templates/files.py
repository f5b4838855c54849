"""Reads template files, and checks each of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .keys import check_schema
from .model import CheckReport, Template
from .reading import UnreadableTemplateError, read
from .shape import shape_problems
from .steps import check_steps

_LIFECYCLE_UNUSED = {
    "max_duration_minutes",
    "staleness_action",
    "auto_fail_on_timeout",
    "auto_dlq_on_timeout",
}


def template_files(directory: Path) -> list[Path]:
    """Every YAML file below a directory: Core takes each of them as a template.

    Hidden entries are left out: in a ConfigMap of Kubernetes they are second and third ways to the
    same files.
    """
    found = [*directory.rglob("*.yml"), *directory.rglob("*.yaml")]
    return sorted(path for path in found if path.is_file() and not _hidden(path, directory))


def _hidden(path: Path, directory: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(directory).parts)


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


def _load(path: Path, report: CheckReport) -> Template | None:
    error = report.errors.append
    try:
        raw = read(path)
    except UnreadableTemplateError as problem:
        error(f"{path}: {problem}")
        return None
    if not isinstance(raw, dict) or not {"name", "namespace_name", "steps"} & raw.keys():
        error(
            f"{path}: is not a task template; Core reads every YAML file below the template "
            "directory, so move this one elsewhere"
        )
        return None
    _check_head(path, raw, report)
    steps = check_steps(path, raw, report)
    return Template(
        path=path,
        name=str(raw.get("name", "")),
        namespace=str(raw.get("namespace_name", "")),
        version=str(raw.get("version", "")),
        steps=tuple(steps),
        raw=raw,
    )


def _check_head(path: Path, raw: Mapping[str, Any], report: CheckReport) -> None:
    report.errors += [f"{path}: {problem}" for problem in shape_problems(raw)]
    check_schema(path, "input_schema", raw.get("input_schema"), report)
    if raw.get("environments"):
        report.warnings.append(f"{path}: 'environments' has no effect: Core does not apply it")
    lifecycle = raw.get("lifecycle")
    if isinstance(lifecycle, Mapping):
        for key in sorted(_LIFECYCLE_UNUSED & lifecycle.keys()):
            report.warnings.append(f"{path}: lifecycle.{key} has no effect: Core does not read it")
