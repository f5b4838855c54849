"""What the README says is true: links, figures, picture, and the commands."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from app.pipeline.validate import REASONS
from tests import dag
from tests.conftest import EXAMPLE_DIR, TEMPLATE

TOOLS = EXAMPLE_DIR.parents[1] / "xtask/tools.toml"
README = (EXAMPLE_DIR / "README.md").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 5
    # The README of the whole repository is not this example's to test.
    own = [link for link in links if not link.startswith("../..")]
    assert [link for link in own if not (EXAMPLE_DIR / link).exists()] == []


def test_the_picture_shows_the_template() -> None:
    template = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    assert dag.PICTURE.read_text(encoding="utf-8") == dag.draw(template), (
        "dag.svg is out of date; run `python -m tests.dag`"
    )
    assert 'src="dag.svg"' in README


def test_all_reasons_are_explained() -> None:
    assert [reason for reason in REASONS if f"`{reason}`" not in README] == []


@pytest.mark.parametrize("name", ["happy-path", "low-quality"])
def test_figures_are_those_of_the_scenarios(name: str) -> None:
    report = json.loads((EXAMPLE_DIR / f"scenarios/{name}.report.json").read_text())
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}`"))
    assert f"{report['rows']:,} flights" in row
    if name == "happy-path":
        assert f"{report['good']:,} rows" in row
        assert f"{report['rows'] - report['good']} in quarantine" in row
    else:
        assert f"{round(100 * (1 - report['quality']))} % of them" in row


@pytest.mark.skipif(not TOOLS.exists(), reason="outside of the repository")
def test_uv_is_where_the_readme_says() -> None:
    tools = TOOLS.read_text(encoding="utf-8")
    binary = re.search(r'^\[tool\.uv\]\n(?:\w.*\n)*?binary = "(.+)"', tools, re.M)
    assert binary is not None
    assert f"`.xtask/tools/uv-*/{binary[1]}`" in README


def test_every_scenario_is_described() -> None:
    listed = re.findall(r'^name = "(.+)"', (EXAMPLE_DIR / "example.toml").read_text(), re.M)
    described = re.findall(r"^\| `([a-z-]+)` \|", README, re.M)
    assert listed[1:] == described
