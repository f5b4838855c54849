"""The task templates of the integration tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def write_templates(folder: Path, ns: str) -> None:
    """Write all templates for a namespace."""

    def step(name: str, handler: str | None = None, **values: Any) -> dict[str, Any]:
        return {"name": name, "handler": {"callable": f"{ns}.{handler or name}"}, **values}

    def linear(base: int) -> dict[str, Any]:
        return {
            "retryable": True,
            "max_attempts": 3,
            "backoff": "linear",
            "backoff_base_ms": base,
        }

    batch = {
        "batch_size": 4,
        "parallelism": 2,
        "cursor_field": "id",
        "worker_template": "part",
        "failure_strategy": "continue_on_failure",
    }
    event = {
        "name": "chain.done",
        "description": "d",
        "schema": {"type": "object"},
        "delivery_mode": "fast",
    }
    templates: dict[str, list[dict[str, Any]]] = {
        "chain": [
            {
                "name": "first",
                "handler": {"callable": f"{ns}.first", "initialization": {"factor": 2}},
            },
            step("second", dependencies=["first"], publishes_events=[event]),
        ],
        "flaky": [step("flaky", retry=linear(1000))],
        "at_once": [step("flaky", retry={"max_attempts": 3, "backoff": "none"})],
        "slow": [step("slow", retry=linear(0))],
        "too_slow": [step("slow", retry=linear(0), timeout_seconds=1)],
        "hung": [step("hung", retry=linear(0), timeout_seconds=1)],
        "patient": [step("hung", retry=linear(0))],
        "permanent": [step("permanent", retry=linear(0))],
        "dsl": [step("dsl")],
        "choice": [
            step("first"),
            step("decide", type="decision", dependencies=["first"]),
            step("big", dependencies=["decide"]),
            step("small", dependencies=["decide"]),
        ],
        "batches": [
            {
                "name": "cut",
                "type": "batchable",
                "handler": {
                    "callable": f"{ns}.cut",
                    "initialization": {"worker_template_name": "part"},
                },
            },
            step("part", type="batch_worker", dependencies=["cut"], batch_config=batch),
            step("total", type="deferred_convergence", dependencies=["part"]),
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, steps in templates.items():
        data = {"name": name, "namespace_name": ns, "version": "1.0.0", "steps": steps}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(data))
