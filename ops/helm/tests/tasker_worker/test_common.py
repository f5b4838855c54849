"""What every chart must do; see ../contents.py."""

from pathlib import Path

import pytest

import charts
import contents

CHART = "tasker-worker"
CASES = charts.cases(CHART)


@pytest.mark.parametrize("kubernetes", charts.KUBERNETES)
@pytest.mark.parametrize("case", CASES)
def test_every_case_is_valid_on_every_version(case: str, kubernetes: str) -> None:
    contents.validate(CHART, case, kubernetes)


@pytest.mark.parametrize("case", CASES)
def test_pods_are_confined(case: str) -> None:
    contents.confined(CHART, case)


@pytest.mark.parametrize("case", CASES)
def test_there_is_no_secret_and_nothing_random(case: str) -> None:
    contents.without_secrets(CHART, case)


@pytest.mark.parametrize("case", CASES)
def test_nothing_in_it_is_a_password(case: str) -> None:
    contents.without_passwords(CHART, case)


@pytest.mark.parametrize("case", CASES)
def test_pods_reach_what_they_need_and_nothing_else(case: str) -> None:
    contents.egress(CHART, case)


@pytest.mark.parametrize("case", CASES)
def test_a_case_renders_what_is_written_down(case: str, update: bool) -> None:
    contents.golden(CHART, case, Path(__file__).parent, update)


def test_a_mistake_in_any_value_gives_one_message() -> None:
    contents.mistakes(CHART)


def test_limits_are_held() -> None:
    contents.limits(CHART)


def test_it_works_in_an_umbrella() -> None:
    contents.umbrella(CHART)


def test_generated_files_are_up_to_date() -> None:
    contents.up_to_date(CHART)


def test_commands_of_the_readme_render() -> None:
    contents.documented(charts.HELM / CHART / "README.md", 1)


@pytest.mark.parametrize("case", CASES)
def test_great_numbers_are_written_whole(case: str) -> None:
    contents.great_numbers(CHART, case)
