"""Task templates: reading them, and the checks that Core leaves out.

Core ignores unknown keys, accepts cycles and duplicate names, and registers a template whose
handlers do not exist; the mistakes show up as tasks that never end. `check_templates` finds them
before the app starts.
"""

from __future__ import annotations

from .files import load_templates, template_files
from .handlers import check_app, check_templates
from .model import MAX_NAMESPACE, STEP_TYPES, CheckReport, Step, Template

__all__ = [
    "MAX_NAMESPACE",
    "STEP_TYPES",
    "CheckReport",
    "Step",
    "Template",
    "check_app",
    "check_templates",
    "load_templates",
    "template_files",
]
