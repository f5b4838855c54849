"""Headers, request ids, health, metrics, logs, traces."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider

from app.database import make_engine
from app.logs import configure_logs, request_id
from app.main import create_app
from app.settings import Settings
from app.telemetry import VARIABLE, configure_telemetry
from app.web.middleware import SECURITY_HEADERS


def test_every_answer_has_the_security_headers(http: TestClient) -> None:
    for path in ("/tasker/live", "/documents", "/nowhere"):
        answer = http.get(path)
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_failure_has_an_id_too(app: FastAPI, http: TestClient) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    app.add_api_route("/broken", fail)
    answer = http.get("/broken")
    assert answer.status_code == 500
    assert "broken" not in answer.text


def test_a_request_keeps_its_id(http: TestClient) -> None:
    given = "0191b3a0-0000-7000-8000-000000000001"
    assert (
        http.get("/tasker/live", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    )
    made = http.get("/tasker/live", headers={"X-Request-ID": "<script>"}).headers["X-Request-ID"]
    assert str(UUID(made)) == made


def test_no_other_origin_may_call(http: TestClient) -> None:
    answer = http.get("/tasker/live", headers={"Origin": "https://example.org"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_origin_can_be_let_in() -> None:
    app = create_app(Settings(app_env="test", cors_origins=["https://example.org"]))
    with TestClient(app) as http:
        for origin, allowed in (("https://example.org", True), ("https://example.com", False)):
            answer = http.get("/tasker/live", headers={"Origin": origin})
            assert ("Access-Control-Allow-Origin" in answer.headers) == allowed


def test_production_shows_no_documentation() -> None:
    settings = Settings(app_env="test")
    app = create_app(settings.model_copy(update={"app_env": "production"}))
    with TestClient(app) as http:
        assert [http.get(path).status_code for path in ("/docs", "/openapi.json")] == [404, 404]


def test_the_documentation_can_load_its_scripts(http: TestClient) -> None:
    assert "Content-Security-Policy" not in http.get("/docs").headers


def test_metrics_count_requests_by_route(http: TestClient) -> None:
    http.get("/documents/7d6e5a0c-0000-4000-8000-000000000000")
    text = http.get("/tasker/metrics").text
    labels = 'method="GET",route="/documents/{document_id}",status="401"'
    assert f"app_http_request_duration_seconds_count{{{labels}}}" in text


@pytest.fixture
def restored_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


@pytest.mark.usefixtures("restored_logs")
def test_logs_are_json_with_ids(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    token = request_id.set("r-1")
    logging.getLogger("app.test").info("stored", extra={"step": "scan", "task_uuid": "t-1"})
    request_id.reset(token)
    logging.getLogger("uvicorn.error").warning("outside")
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    del first["time"], second["time"]
    assert first == {
        "level": "INFO",
        "logger": "app.test",
        "message": "stored",
        "request_id": "r-1",
        "step": "scan",
        "task_uuid": "t-1",
    }
    assert second == {"level": "WARNING", "logger": "uvicorn.error", "message": "outside"}


def test_traces_are_off_without_the_variable(
    app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    configure_telemetry(app, make_engine(settings))
    assert not getattr(app, "_is_instrumented_by_opentelemetry", False)


def test_the_variable_turns_traces_on(
    app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TracerProvider] = []
    monkeypatch.setattr("opentelemetry.trace.set_tracer_provider", made.append)
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:9")
    configure_telemetry(app, make_engine(settings))
    try:
        assert len(made) == 1
        assert getattr(app, "_is_instrumented_by_opentelemetry", False)
    finally:
        SQLAlchemyInstrumentor().uninstrument()
        FastAPIInstrumentor.uninstrument_app(app)
        made[0].shutdown()


def test_the_variable_without_the_packages_says_what_to_install(
    app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SystemExit, match="install the extra 'otel'"):
        configure_telemetry(app, make_engine(settings))
