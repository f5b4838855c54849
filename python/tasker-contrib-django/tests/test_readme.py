"""The README's blocks run."""

from __future__ import annotations

import re
import sys
import types
import unittest
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.test import override_settings
from tasker_contrib._internal.registry import registry

from tasker_contrib_django import checks
from tasker_contrib_django.conf import tasker_settings
from tasker_contrib_django.signals import SIGNALS, step_failed
from tasker_contrib_django.testing import arun_step, relay_outbox, run_step
from tests.project import shop
from tests.project.shop import models, step_handlers
from tests.project.shop.models import Order, Payment

README = (Path(__file__).parents[1] / "README.md").read_text()
REPOSITORY = Path(__file__).parents[3]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.M | re.S)


def block(part: str) -> str:
    [found] = [text for text in blocks("python") if part in text]
    return found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Executes blocks in one module, where `shop` is the app of the test project."""
    for name, module in (
        ("shop", shop),
        ("shop.models", models),
        ("shop.step_handlers", step_handlers),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    made = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", made)

    def execute(*parts: str) -> dict[str, Any]:
        for part in parts:
            exec(compile(block(part), "README.md", "exec"), made.__dict__)
        return made.__dict__

    return execute


def test_the_first_block_is_five_lines_that_run(run: Any, clean_registry: None) -> None:
    lines = [line for line in block("shop.hello").splitlines() if line.strip()]
    assert len(lines) <= 5
    assert run_step(run("shop.hello")["hello"]).result == {"text": "Hello"}


def test_settings_are_accepted(run: Any) -> None:
    with override_settings(TASKER=run("TASKER = ")["TASKER"]):
        settings = tasker_settings()
    assert settings.orchestration_url == "http://tasker:8080"


@pytest.mark.django_db
def test_handlers_and_tasks(run: Any, clean_registry: None, fake_tasker: Any) -> None:
    names = run("readme.charge", "readme.pay", "def place_order")
    assert registry.names() == ["readme.charge", "readme.pay", "readme.ship"]
    order = Order.objects.create(amount=5)
    step = run_step(names["charge"], context={"order_id": order.pk})
    assert step.result == {"order_id": order.pk, "amount": 5}
    assert run_step(names["ship"], results={"charge": step.result}).result == {"state": "shipped"}
    key = "01a231bf-bd9d-73b0-b3f6-b5bed562e0af"
    for _ in range(2):
        paid = run_step(names["pay"], results={"charge": step.result}, idempotency_key=key)
        assert paid.result == {"payment_id": Payment.objects.get(key=key).pk}
    names["place_order"](5)
    assert fake_tasker.created == []  # the test's transaction never commits
    run("def confirm")
    names["confirm"](order)
    assert relay_outbox() == 1
    assert fake_tasker.created[0].context == {"order_id": order.pk}
    _ = arun_step


def test_the_tests_pass(run: Any, django_db_setup: None, django_db_blocker: Any) -> None:
    case = run("def place_order", "class OrderTests")["OrderTests"]
    with django_db_blocker.unblock():
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun == 3
    assert (result.errors, result.failures) == ([], [])


def test_routes_signals_and_logging(run: Any) -> None:
    import logging.config

    names = run("urlpatterns", "step_failed", "LOGGING")
    assert len(names["urlpatterns"]) == 3
    try:
        assert step_failed.has_listeners()
    finally:
        step_failed.disconnect(names["tell"])
    logging.config.dictConfig(names["LOGGING"])


def test_commands_take_these_arguments() -> None:
    lines = [line for text in blocks("sh") for line in text.splitlines() if "manage.py" in line]
    assert len(lines) == 15
    import shlex

    for line in lines:
        _, script, name, *words = shlex.split(line)
        assert script == "manage.py"
        command = load_command_class(get_commands()[name], name)
        command.create_parser("manage.py", name).parse_args(words)


@pytest.mark.skipif(not (REPOSITORY / "xtask").exists(), reason="outside of the repository")
def test_the_install_lines_name_what_is_there() -> None:
    for folder in re.findall(r"\./(python/[\w-]+)", README):
        assert (REPOSITORY / folder / "pyproject.toml").exists()
    assert (REPOSITORY / "ops/dev-server/Cargo.toml").exists()


def test_checks_and_signals_are_listed() -> None:
    ids = set(re.findall(r"tasker\.[EW]\d{3}", Path(checks.__file__).read_text()))
    assert ids == set(re.findall(r"tasker\.[EW]\d{3}", README))
    for name in SIGNALS:
        assert f"`{name.removeprefix('tasker.').replace('.', '_')}`" in README


EDGES = REPOSITORY / "docs/architecture/core-sharp-edges.md"


@pytest.mark.skipif(not EDGES.exists(), reason="outside of the repository")
def test_every_test_in_the_table_of_sharp_edges_exists() -> None:
    section = EDGES.read_text().split("### Django")[1].split("\n## ")[0]
    named = re.findall(r"([\w/]*test_\w+): (test_\w+)", section)
    assert len(named) > 10
    for file, test in named:
        assert f"def {test}(" in (Path(__file__).parent / f"{file}.py").read_text(), (file, test)
