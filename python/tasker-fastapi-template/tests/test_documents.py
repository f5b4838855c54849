from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from app.models import Status
from tests.fakes import MemoryDocuments, MemoryTasker

Headers = dict[str, str]


def upload(
    http: TestClient, headers: Headers, content: bytes = b"three good words", key: str = "key-0001"
) -> Any:
    return http.post(
        "/documents",
        files={"file": ("letter.txt", content)},
        headers={**headers, "Idempotency-Key": key},
    )


def test_an_upload_is_stored_and_its_task_created(
    http: TestClient,
    tokens: dict[str, Headers],
    documents: MemoryDocuments,
    tasker_client: MemoryTasker,
) -> None:
    answer = upload(http, tokens["ann"])
    assert answer.status_code == 202
    taken = answer.json()
    (task,) = tasker_client.tasks
    assert (taken["status"], taken["filename"]) == ("received", "letter.txt")
    assert taken["task_uuid"] == str(task.task_uuid)
    assert task.template == "intake_document"
    assert task.context.model_dump(mode="json") == {"document_id": taken["id"]}
    assert task.correlation_id == answer.headers["X-Request-ID"]
    assert documents.stored[UUID(taken["id"])].content == b"three good words"


def test_the_same_key_is_the_same_document_and_one_task(
    http: TestClient, tokens: dict[str, Headers], tasker_client: MemoryTasker
) -> None:
    first, second = (upload(http, tokens["ann"]).json() for _ in range(2))
    assert first == second
    others = upload(http, tokens["bob"]).json(), upload(http, tokens["ann"], key="key-0002").json()
    assert len({first["id"], *(one["id"] for one in others)}) == 3
    assert len(tasker_client.tasks) == 3


def test_a_key_belongs_to_one_file(http: TestClient, tokens: dict[str, Headers]) -> None:
    upload(http, tokens["ann"])
    answer = upload(http, tokens["ann"], b"something else")
    assert answer.status_code == 422
    assert "another file" in answer.json()["detail"]


def test_a_repeated_request_makes_up_for_a_server_that_was_down(
    http: TestClient, tokens: dict[str, Headers], tasker_client: MemoryTasker
) -> None:
    tasker_client.is_down = True
    answer = upload(http, tokens["ann"])
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    tasker_client.is_down = False
    assert upload(http, tokens["ann"]).status_code == 202
    assert len(tasker_client.tasks) == 1


def test_a_key_is_required(http: TestClient, tokens: dict[str, Headers]) -> None:
    answer = http.post("/documents", files={"file": ("a", b"b")}, headers=tokens["ann"])
    assert answer.status_code == 422


def test_a_large_body_is_refused(http: TestClient, tokens: dict[str, Headers]) -> None:
    answer = upload(http, tokens["ann"], b"x" * 20_000)
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("the request has more than")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert http.post("/token", data={"username": "x" * 20_000}).status_code == 413


def test_a_large_file_is_refused(http: TestClient, tokens: dict[str, Headers]) -> None:
    assert upload(http, tokens["ann"], b"x" * 1000).status_code == 202
    assert upload(http, tokens["ann"], b"x" * 1001, key="key-0002").status_code == 413


def test_uploads_are_limited(http: TestClient, tokens: dict[str, Headers]) -> None:
    statuses = [upload(http, tokens["ann"]).status_code for _ in range(6)]
    assert statuses == [202] * 5 + [429]
    assert upload(http, tokens["bob"]).status_code == 202


def test_everybody_sees_their_own(http: TestClient, tokens: dict[str, Headers]) -> None:
    document = upload(http, tokens["ann"]).json()
    assert [one["id"] for one in http.get("/documents", headers=tokens["ann"]).json()] == [
        document["id"]
    ]
    assert http.get("/documents", headers=tokens["bob"]).json() == []
    statuses = {
        name: http.get(f"/documents/{document['id']}", headers=headers).status_code
        for name, headers in tokens.items()
    }
    assert statuses == {"ann": 200, "bob": 404, "rita": 200}


class TestReview:
    @pytest.fixture
    def path(self, http: TestClient, tokens: dict[str, Headers], documents: MemoryDocuments) -> str:
        document_id = upload(http, tokens["ann"], b"hm").json()["id"]
        move = documents.move(
            UUID(document_id), Status.WAITING_FOR_REVIEW, only_from=Status.RECEIVED
        )
        asyncio.run(move)
        return f"/documents/{document_id}/review"

    def answer(self, http: TestClient, path: str, headers: Headers, approved: bool = True) -> Any:
        return http.post(path, json={"approved": approved}, headers=headers)

    def test_an_answer_starts_the_second_task(
        self,
        http: TestClient,
        tokens: dict[str, Headers],
        tasker_client: MemoryTasker,
        path: str,
    ) -> None:
        answers = [self.answer(http, path, tokens["rita"]) for _ in range(2)]
        assert [one.status_code for one in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()
        created = [task.template for task in tasker_client.tasks]
        assert created == ["intake_document", "finish_review"]

    def test_the_first_answer_counts(
        self, http: TestClient, tokens: dict[str, Headers], path: str
    ) -> None:
        self.answer(http, path, tokens["rita"])
        assert self.answer(http, path, tokens["rita"], approved=False).status_code == 409

    def test_only_reviewers_answer(
        self, http: TestClient, tokens: dict[str, Headers], path: str
    ) -> None:
        assert self.answer(http, path, tokens["ann"]).status_code == 403

    def test_a_document_that_waits_for_nobody_has_no_review(
        self, http: TestClient, tokens: dict[str, Headers]
    ) -> None:
        document_id = upload(http, tokens["ann"]).json()["id"]
        answer = self.answer(http, f"/documents/{document_id}/review", tokens["rita"])
        assert answer.status_code == 409
        assert "it is received" in answer.json()["detail"]

    def test_there_must_be_a_document(self, http: TestClient, tokens: dict[str, Headers]) -> None:
        path = "/documents/7d6e5a0c-0000-4000-8000-000000000000/review"
        assert self.answer(http, path, tokens["rita"]).status_code == 404
