"""What the OpenAPI document says of the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tasker_contrib_fastapi import router


def test_the_answers_of_the_task_routes_have_a_schema() -> None:
    app = FastAPI()
    app.include_router(router(tasks=True))
    document = app.openapi()

    def answer(path: str, method: str, status: int = 200) -> set[str]:
        response = document["paths"][path][method]["responses"][str(status)]
        reference = response["content"]["application/json"]["schema"].get("$ref", "")
        found: dict[str, Any] = document["components"]["schemas"].get(reference.split("/")[-1], {})
        return {*found.get("properties", {})}

    one = "/tasks/{task_uuid}"
    assert {"task_uuid", "status", "context"} <= answer("/tasks", "post", 201)
    assert {"task_uuid", "status", "context", "steps"} <= answer(one, "get")
    assert {"task_uuid", "status", "context"} <= answer(one, "delete")
    assert {"tasks", "has_next"} <= answer("/tasks", "get")
