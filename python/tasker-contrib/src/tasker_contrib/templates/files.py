"""Reads template files, and checks each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .keys import check_keys, check_schema
from .model import MAX_NAMESPACE, CheckReport, Template
from .steps import check_steps

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
    error = report.errors.append
    check_keys(str(path), raw, _TEMPLATE_KEYS, report)
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
    check_schema(path, "input_schema", raw.get("input_schema"), report)
    if raw.get("environments"):
        report.warnings.append(f"{path}: 'environments' has no effect: Core does not apply it")
    lifecycle = raw.get("lifecycle")
    if isinstance(lifecycle, Mapping):
        check_keys(f"{path}: lifecycle", lifecycle, _LIFECYCLE_USED | _LIFECYCLE_UNUSED, report)
        for key in sorted(_LIFECYCLE_UNUSED & lifecycle.keys()):
            report.warnings.append(f"{path}: lifecycle.{key} has no effect: Core does not read it")
