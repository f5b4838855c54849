"""What the chart owes to those who have its previous version; see ../upgrades.py."""

from pathlib import Path

import upgrades

CHART = "tasker-full-stack"


def test_no_value_is_gone_without_a_word() -> None:
    upgrades.keeps_values(CHART)


def test_names_and_selectors_stay() -> None:
    upgrades.keeps_names(CHART)


def test_a_former_name_is_answered_with_the_new_one(tmp_path: Path) -> None:
    upgrades.renamed(CHART, tmp_path)
