"""The workflows of `config/tasks` from end to end, in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from tasker_contrib_fastapi.templates import check_templates
from tasker_contrib_fastapi.testing import WorkflowRun, run_workflow

from app.documents.scanner import EICAR, Scanner, ScannerUnavailable, get_scanner
from app.handlers import intake, review
from app.models import Status
from tests.fakes import MemoryDocuments

# Importing the modules registers the handlers.
HANDLERS = (intake, review)

TASKS = Path(__file__).parents[1] / "config/tasks"
PAGE = "a page with enough words"


@dataclass
class Intake:
    app: FastAPI
    documents: MemoryDocuments

    def store(self, content: bytes) -> UUID:
        document_id = uuid4()
        asyncio.run(self.documents.add(document_id, uuid4(), "letter.txt", content))
        return document_id

    def run(self, document_id: UUID, template: str = "intake_document") -> WorkflowRun:
        context = {"document_id": str(document_id)}
        return run_workflow(TASKS / f"{template}.yaml", context, app=self.app)

    def status(self, document_id: UUID) -> Status:
        return self.documents.stored[document_id].status


@pytest.fixture
def workflow(app: FastAPI, documents: MemoryDocuments) -> Intake:
    return Intake(app, documents)


class BusyScanner(Scanner):
    def __init__(self) -> None:
        self.asked = 0

    async def find_virus(self, content: bytes) -> str | None:
        self.asked += 1
        if self.asked < 3:
            raise ScannerUnavailable("the scanner is busy")
        return None


def test_templates_and_handlers_fit_together() -> None:
    report = check_templates(TASKS)
    assert (report.errors, report.warnings) == ([], [])


def test_a_readable_document_is_published(workflow: Intake) -> None:
    document = workflow.store("\f".join([PAGE] * 45).encode())
    run = workflow.run(document).assert_complete()
    run.assert_step("join_pages", result={"pages": 45, "fewest_words": 5})
    run.assert_step("notify", result={"status": "published", "sent": True})
    run.assert_absent("ask_reviewer")
    assert len([name for name in run.steps if name.startswith("extract_pages_")]) == 3
    assert workflow.status(document) == Status.PUBLISHED


def test_a_page_that_was_not_read_well_goes_to_a_person(workflow: Intake) -> None:
    document = workflow.store(f"{PAGE}\f?".encode())
    run = workflow.run(document).assert_complete()
    run.assert_step("notify", result={"status": "waiting_for_review"})
    run.assert_absent("publish")
    assert workflow.status(document) == Status.WAITING_FOR_REVIEW


@pytest.mark.parametrize(
    ("approved", "status"), [(True, Status.PUBLISHED), (False, Status.REJECTED)]
)
def test_the_answer_decides(workflow: Intake, approved: bool, status: Status) -> None:
    document = workflow.store(b"?")
    workflow.run(document).assert_complete()
    asyncio.run(workflow.documents.add_review(document, uuid4(), approved, ""))
    run = workflow.run(document, "finish_review").assert_complete()
    run.assert_step("notify", result={"status": status, "sent": True})
    assert workflow.status(document) == status


def test_a_busy_scanner_is_asked_again(workflow: Intake) -> None:
    scanner = BusyScanner()
    workflow.app.dependency_overrides[get_scanner] = lambda: scanner
    run = workflow.run(workflow.store(PAGE.encode())).assert_complete()
    run.assert_step("scan", attempts=3)
    assert all(delay > 0 for delay in run["scan"].delays)


def test_a_virus_ends_the_task(workflow: Intake) -> None:
    document = workflow.store(b"hello " + EICAR)
    run = workflow.run(document).assert_failed()
    assert run["scan"].attempts == 1
    assert "EICAR-Test-File" in str(run["scan"].error)
    assert workflow.status(document) == Status.INFECTED


def test_what_is_not_text_is_not_tried_again(workflow: Intake) -> None:
    run = workflow.run(workflow.store(b"\xff\xfe")).assert_failed()
    assert run["split"].attempts == 1
    assert "byte 0 is not UTF-8" in str(run["split"].error)


def test_a_second_run_tells_nobody_twice(workflow: Intake) -> None:
    document = workflow.store(PAGE.encode())
    workflow.run(document).assert_complete()
    workflow.run(document).assert_complete().assert_step("notify", result={"sent": False})


@pytest.mark.parametrize(
    ("template", "step"), [("intake_document", "scan"), ("finish_review", "read_answer")]
)
def test_a_document_that_does_not_exist_is_not_tried_again(
    workflow: Intake, template: str, step: str
) -> None:
    run = workflow.run(uuid4(), template).assert_failed()
    assert run[step].attempts == 1
