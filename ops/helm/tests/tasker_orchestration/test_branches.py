"""Every branch of the templates is rendered; see ../branches.py."""

from collections.abc import Callable
from pathlib import Path

import branches
import charts

CHART = "tasker-orchestration"
# Dashboards are too long for a golden file.
LABELS: list[charts.Manifest] = [{}, {"grafana_dashboard": None}]
DASHBOARDS: list[charts.Manifest] = [{"dashboards": {"enabled": True, "labels": labels}} for labels in LABELS]
ROLE = {"database": {"user": "owner", "existingSecret": {"name": "owner"}}}
MORE = [
    *DASHBOARDS,
    {"migration": ROLE, "recovery": {"enabled": False}},
    {"global": {"tasker": {"postgres": {"enabled": True}}}, "migration": {"mode": "job"}},
]


def test_every_branch_is_rendered(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    record_property("counted", branches.check(CHART, tmp_path, MORE))
