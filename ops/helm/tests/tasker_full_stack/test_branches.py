"""Every branch of the templates is rendered; see ../branches.py."""

from collections.abc import Callable
from pathlib import Path

import branches
import charts

CHART = "tasker-full-stack"
MORE: list[charts.Manifest] = []


def test_every_branch_is_rendered(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    record_property("counted", branches.check(CHART, tmp_path, MORE))
