"""The real ``tasker-ctl``: it makes the same bytes as the renderer in this package.

``cargo xtask setup tasker-plugin`` builds it; ``cargo xtask test`` then passes its path.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tasker_contrib.cli import generate, plugin, tasker_ctl
from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.cli.generate import HandlerType
from tasker_contrib.cli.render import RenderedFile, render

from .test_generate import CASES, GOLDEN

BINARY = os.environ.get("TASKER_CTL_BIN", "")
pytestmark = pytest.mark.skipif(
    not BINARY, reason="TASKER_CTL_BIN is not set; build it: cargo xtask setup tasker-plugin"
)

AWKWARD = ["HTTPServer2", "lambda_x", "loadV2CSVFile", "x1", "Pay_v2", "ABC123dEEf456FOO"]


@pytest.fixture(autouse=True)
def _real_tasker_ctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_CTL", BINARY)


def contents(files: list[RenderedFile]) -> dict[str, str]:
    return {str(file.path): file.content for file in files}


@pytest.mark.parametrize("case", CASES)
def test_the_expected_files(case: str) -> None:
    folder = GOLDEN / case
    expected = {
        str(path.relative_to(folder))[: -len(".txt")]: path.read_text()
        for path in folder.rglob("*.txt")
    }
    assert contents(CASES[case]()) == expected


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("kind", HandlerType)
def test_both_renderers_agree_on_awkward_names(
    name: str, kind: HandlerType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> list[RenderedFile]:
        return generate.handler(name, kind, "n2_x", "shop.v2.steps")

    real = contents(make())
    monkeypatch.setattr(tasker_ctl, "find", lambda: None)
    assert real == contents(make())


@pytest.mark.parametrize("way", [tasker_ctl.render, None], ids=["tasker-ctl", "here"])
def test_a_value_is_data_and_no_template(
    way: Callable[..., list[RenderedFile]] | None, tmp_path: Path
) -> None:
    template = plugin.load_template("step_handler")
    values = {"name": "a", "namespace": "{{ name }}=x", "module_name": "app"}
    files = tasker_ctl.render(BINARY, template, values) if way else render(template, values)
    assert any('@step_handler("{{ name }}=x.a")' in file.content for file in files)


def test_a_client_profile_of_the_user_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_CLIENT_PROFILE", "production")
    assert CASES["base"]()


def test_what_it_refuses_is_said_in_one_line() -> None:
    template = plugin.load_template("step_handler")
    unknown = type(template)("no_such", template.directory, (), ())
    with pytest.raises(CliProblem) as raised:
        tasker_ctl.render(BINARY, unknown, {})
    message = "exited with 1 for template 'no_such': ✗ Template 'no_such' not found."
    assert str(raised.value).endswith(message)
