"""The test helpers, as a project uses them."""

from __future__ import annotations

import asyncio
import runpy
import threading
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from django.db import connections, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.utils import timezone, translation

import tasker_contrib_django as tasker
from tasker_contrib_django import Input, Result, step_handler
from tasker_contrib_django.testing import (
    TaskerMixin,
    WorkflowRun,
    arun_step,
    arun_workflow,
    run_step,
    run_workflow,
    step_context,
)
from tests.project.shop.models import Order
from tests.project.shop.step_handlers import charge, row, ship, surroundings, write_and_fail

CASES = Path(__file__).parents[3] / "xtask/contract/workflow-cases"
SCRIPTED = Path(__file__).parents[2] / "tasker-contrib/tests/testing/scripted.py"


class Handlers(TaskerMixin, TestCase):
    """A handler sees the rows of a test that never commits."""

    def test_a_plain_handler(self) -> None:
        order = Order.objects.create(amount=5)
        step = self.run_step(charge, context={"order_id": order.pk})
        assert step.result == {"order_id": order.pk, "amount": 5}
        order.refresh_from_db()
        assert order.state == "charged"

    def test_an_async_handler(self) -> None:
        order = Order.objects.create(amount=5)
        step = run_step(ship, results={"charge": {"order_id": order.pk, "amount": 5}})
        assert (step.error, step.result) == (None, {"state": "shipped"})

    def test_a_whole_template(self) -> None:
        order = Order.objects.create(amount=5)
        run = self.run_workflow("order.yaml", {"order_id": order.pk})
        run.assert_complete().assert_order("charge", "ship")
        order.refresh_from_db()
        assert order.state == "shipped"

    def test_a_missing_row_is_a_failure_and_no_exception(self) -> None:
        step = run_step(charge, context={"order_id": 404})
        assert "DoesNotExist" in (step.error or "")
        assert step.retryable

    def test_rows_as_results_are_refused(self) -> None:
        step = run_step(row)
        assert step.error == (
            "the result has the model instance Order(pk=7) at ['orders'][0], which cannot be "
            "stored as JSON, and the row may change before the next step reads it: pass its key, "
            "and query it where it is needed"
        )
        assert not step.retryable

    async def test_in_async_tests(self) -> None:
        order = await Order.objects.acreate(amount=5)
        step = await arun_step(charge, context={"order_id": order.pk})
        assert step.error is None
        run = await arun_workflow("order.yaml", {"order_id": order.pk})
        run.assert_complete()

    def test_a_handler_may_create_tasks(self) -> None:
        def handler(context: tasker.StepContext) -> dict[str, Any]:
            return {"made": tasker.create_task("next", {"n": 1}, on_commit=False).task_uuid}

        step = run_step(handler)
        assert step.result == {"made": self.tasker.created[0].task_uuid}


class Surroundings(TransactionTestCase):
    def test_language_and_time_zone_are_the_projects_and_do_not_leak(self) -> None:
        with translation.override("fr"), timezone.override("Asia/Tokyo"):
            for _ in range(2):
                assert run_step(surroundings).result == {
                    "language": "de",
                    "text": "Ja",
                    "zone": "Europe/Berlin",
                }
            assert translation.get_language() == "fr"

    def test_atomic_requests_roll_back_what_a_failed_step_wrote(self) -> None:
        assert run_step(write_and_fail).error == "after the write"
        assert Order.objects.count() == 1
        database = connections.settings["default"]
        database["ATOMIC_REQUESTS"] = True
        try:
            assert run_step(write_and_fail).error == "after the write"
            assert Order.objects.count() == 1  # still
        finally:
            database["ATOMIC_REQUESTS"] = False

    def test_non_atomic_requests_is_respected(self) -> None:
        found: list[bool] = []

        def look() -> None:
            found.append(transaction.get_connection().in_atomic_block)

        step_handler("tests.atomic")(look)
        exempt = transaction.non_atomic_requests(lambda: look())
        step_handler("tests.exempt")(exempt)
        database = connections.settings["default"]
        database["ATOMIC_REQUESTS"] = True
        try:
            assert run_step(look).error is None
            assert run_step(exempt).error is None
        finally:
            database["ATOMIC_REQUESTS"] = False
            from tasker_contrib._internal.registry import registry

            handlers, duplicates = registry.snapshot()
            kept = {n: h for n, h in handlers.items() if not n.startswith("tests.")}
            registry.restore((kept, duplicates))
        assert found == [True, False]


class WithoutDatabase(SimpleTestCase):
    def test_handlers_run_in_the_tests_thread(self) -> None:
        def where(context: tasker.StepContext) -> dict[str, Any]:
            return {"thread": threading.current_thread().name}

        assert run_step(where).result == {"thread": threading.current_thread().name}

    def test_a_given_context_and_odd_exceptions(self) -> None:
        def odd(context: tasker.StepContext) -> None:
            raise StopIteration(context.retry_count)

        step = run_step(odd, step_context("odd", attempts=2))
        assert "StopIteration" in (step.error or "")


def test_the_fixtures(
    fake_tasker: Any, django_run_step: Any, django_run_workflow: Any, db: None
) -> None:
    assert django_run_step is run_step
    assert django_run_workflow is run_workflow
    tasker.create_task("a", {"n": 1}, on_commit=False)
    with pytest.raises(tasker.TaskerConflict):
        tasker.create_task("a", {"n": 1}, on_commit=False)
    again = tasker.create_task("a", {"n": 1}, on_commit=False, idempotent=True)
    assert again.task_uuid == fake_tasker.created[0].task_uuid
    assert len(fake_tasker.created) == 1
    assert tasker.client.list_tasks().total == 1

    async def get() -> tasker.Task:
        return await tasker.aclient.get_task(again.task_uuid)

    assert asyncio.run(get()).name == "a"


def test_typed_inputs_of_other_kinds(clean_registry: None) -> None:
    from dataclasses import dataclass

    @dataclass
    class Job:
        order_id: int

    @step_handler("tests.dataclass")
    def by_dataclass(job: Annotated[Job, Input()]) -> Job:
        return Job(job.order_id + 1)

    @step_handler("tests.plain")
    def plain(
        order_id: Annotated[int, Input("order_id")], before: Annotated[Any, Result("a")]
    ) -> dict[str, Any]:
        return {"order_id": order_id, "before": before}

    assert run_step(by_dataclass, context={"order_id": 1}).result == {"order_id": 2}
    step = run_step(plain, context={"order_id": 1}, results={"a": {"x": [1]}})
    assert step.result == {"order_id": 1, "before": {"x": [1]}}
    assert "order_id" in (run_step(plain, context={"order_id": "x"}).error or "")


@pytest.mark.skipif(not CASES.exists(), reason="outside of the repository")
@pytest.mark.parametrize("file", sorted(CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_cases_that_all_languages_run(file: Path) -> None:
    case = yaml.safe_load(file.read_text())
    scripted = runpy.run_path(str(SCRIPTED))["scripted"]
    handlers = {name: scripted(script) for name, script in case["handlers"].items()}
    run: WorkflowRun = run_workflow(case["template"], case["context"], handlers)
    expect = case["expect"]
    statuses = expect["status"] if isinstance(expect["status"], list) else [expect["status"]]
    assert run.status in statuses, str(run)
    if "order" in expect:
        assert run.order == expect["order"], str(run)
    for name, wanted in expect.get("steps", {}).items():
        checkpoints = wanted.pop("checkpoints", None)
        if checkpoints is not None:
            assert run[name].checkpoints == checkpoints
        run.assert_step(name, **wanted)
    run.assert_absent(*expect.get("absent", []))
    assert len(run.problems) == len(expect.get("problems", [])), run.problems
