"""Every alert has a runbook with the same four parts, and no runbook is left behind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .catalogue import ALERTS, DASHBOARDS, ROOT

FOLDER = ROOT / "docs/runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    assert [page.stem for page in PAGES] == sorted(alert["name"] for alert in ALERTS)


def test_guide_counts_the_alerts_and_dashboards() -> None:
    guide = (ROOT / "docs/guides/monitor-tasker.md").read_text()
    boards = ["zero", "one", "two", "three", "four", "five", "six", "seven"][len(DASHBOARDS)]
    assert f"{boards.capitalize()} dashboards, {len(ALERTS)} alerts with a runbook each" in guide


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_page_has_its_parts(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert all(part.strip() for part in parts[2::2])
    assert re.search(r"^```(sh|sql|promql)$", parts[6], flags=re.MULTILINE), "a diagnosis has commands to paste"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["name"]))
def test_page_says_when_the_alert_fires(alert: dict[str, Any]) -> None:
    text = (FOLDER / f"{alert['name']}.md").read_text()
    assert alert["impact"] in text.replace("\n", " ")
