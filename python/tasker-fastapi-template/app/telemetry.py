"""OpenTelemetry, if the environment asks for it with OTEL_EXPORTER_OTLP_ENDPOINT.

The other OTEL_… variables (service name, headers, sampler) are read by its SDK.
"""

from __future__ import annotations

import os

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"


def configure_telemetry(app: FastAPI, engine: AsyncEngine) -> None:
    """Send spans of requests, queries and steps.

    Raises:
        SystemExit: the variable is set and the packages are not installed.
    """
    if not os.environ.get(VARIABLE):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SystemExit(
            f"error: {VARIABLE} is set, but {error.name} is not installed: install the extra 'otel'"
        ) from None
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    FastAPIInstrumentor.instrument_app(app, excluded_urls="/tasker/")
    SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine)
