"""Every generated task template is one that Tasker runs as it is written."""

from pathlib import Path

import pytest
from tasker_contrib_fastapi.templates import load_templates

FOLDER = Path(__file__).parents[1] / "config" / "tasks"


def test_task_templates_are_right() -> None:
    if not FOLDER.is_dir():
        pytest.skip("none was generated")
    report = load_templates(FOLDER)
    report.raise_for_errors()
    assert report.warnings == []
    assert len(report.templates) == len(list(FOLDER.glob("*.yaml")))
