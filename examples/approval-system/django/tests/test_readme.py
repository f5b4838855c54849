"""What the README says is true: links, scenarios, settings, pictures of the templates, commands."""

from __future__ import annotations

import re
import shlex
import sys

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from e2e.__main__ import SCENARIOS
from tests.conftest import APP_DIR, EXAMPLE_DIR

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

README = (EXAMPLE_DIR / "README.md").read_text(encoding="utf-8")
EXAMPLE = tomllib.loads((EXAMPLE_DIR / "example.toml").read_text(encoding="utf-8"))
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    for line in block.splitlines()
]


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    # The README of the whole repository is not this example's to test.
    own = [link for link in links if not link.startswith("../..")]
    assert len(own) > 8
    assert [link for link in own if not (EXAMPLE_DIR / link).exists()] == []


def test_every_scenario_is_described_and_can_be_run() -> None:
    listed = [scenario["name"] for scenario in EXAMPLE["scenarios"]]
    assert re.findall(r"^\| `([a-z-]+)` \|", README, re.M) == listed == list(SCENARIOS)


def test_every_variable_is_described() -> None:
    described = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.M))
    files = [APP_DIR / "company/settings.py", *(APP_DIR / "e2e").glob("*.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert set(re.findall(r'"(APPROVALS_[A-Z_]+)"', text)) <= described


def test_the_templates_are_as_drawn() -> None:
    picture = re.findall(r"^```text\n(.*?)^```", README, re.M | re.S)[0]
    for file in (APP_DIR / "config/tasks").glob("*.yaml"):
        template = yaml.safe_load(file.read_text(encoding="utf-8"))
        part = next(part for part in picture.split("\n\n") if template["name"] in part)
        drawn = re.findall(r"[a-z]+(?:_[a-z]+)+", part)
        missing = [step["name"] for step in template["steps"] if step["name"] not in drawn]
        assert missing == [], template["name"]


@pytest.mark.parametrize("line", [line for line in COMMANDS if "manage.py" in line])
def test_a_command_exists_with_its_arguments(line: str) -> None:
    words = shlex.split(line)
    name, arguments = words[2], words[3:]
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


def test_the_packages_to_install_are_those_of_this_repository() -> None:
    (line,) = [line for line in COMMANDS if "uv pip install" in line]
    paths = re.findall(r"-e (\S+)", line)
    assert [path for path in paths if not (APP_DIR / path / "pyproject.toml").is_file()] == []
