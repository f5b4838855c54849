"""Five faults made for real, and what Alertmanager tells of each.

Alerts wait for two seconds instead of minutes here; `tests` shows with promtool that they wait as long as they should.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

from tests.catalogue import program as debian

from .programs import Program, eventually, is_free
from .stack import RULES, Stack


class Told:
    """What Alertmanager has told: the newest status of each alert, which its labels name."""

    def __init__(self) -> None:
        self.alerts: dict[frozenset[tuple[str, str]], dict[str, Any]] = {}
        told = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                for alert in body["alerts"]:
                    told.alerts[frozenset(alert["labels"].items())] = alert
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def about(self, name: str, status: str) -> dict[str, Any] | None:
        """One alert of this name that fires; or one that is resolved, if none fires."""
        found = [one for one in list(self.alerts.values()) if one["labels"]["alertname"] == name]
        firing = [one for one in found if one["status"] == "firing"]
        wanted = firing if status == "firing" or firing else found
        return wanted[-1] if wanted and wanted[-1]["status"] == status else None

    def waits_for(self, name: str, status: str, seconds: float = 120) -> dict[str, Any]:
        return eventually(f"{name} is {status}", lambda: self.about(name, status), seconds)


@pytest.fixture(scope="module")
def told(stack: Stack) -> Iterator[Told]:
    """Prometheus, with rules that wait for two seconds, and Alertmanager."""
    told = Told()
    receiver = {
        "name": "proof",
        "webhook_configs": [{"url": f"http://127.0.0.1:{told.server.server_port}/", "send_resolved": True}],
    }
    route = {"receiver": "proof", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"}
    config = stack.folder / "alertmanager.yml"
    config.write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
    argv = [
        debian("prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={stack.folder / 'alertmanager'}",
    ]
    argv += [f"--web.listen-address=127.0.0.1:{stack.port('alertmanager')}", "--cluster.listen-address="]
    stack.run("alertmanager", argv).answers(stack.url("alertmanager", "/-/ready"))
    rules = stack.folder / "quick.rules.yml"
    rules.write_text(re.sub(r"^( +for: )\w+$", r"\g<1>2s", RULES.read_text(), flags=re.MULTILINE))
    managers = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{stack.port('alertmanager')}"]}]}]}
    stack.prometheus("prometheus-of-alerts", rules, alerting=managers)
    yield told
    told.server.shutdown()


def program(stack: Stack, name: str) -> Program:
    return next(running for running in stack.programs if running.name == name)


def test_handler_that_fails(stack: Stack, told: Told) -> None:
    # One after another: a rate needs two samples of the counter.
    def fails() -> dict[str, Any] | None:
        stack.create(fail=True)
        return told.about("TaskerHandlerFailing", "firing")

    alert = eventually("TaskerHandlerFailing is firing", fails)
    assert alert["labels"]["handler"] == "proof.charge"
    assert alert["labels"]["worker_pool"] == "fastapi"
    assert alert["annotations"]["runbook_url"].endswith("/docs/runbooks/TaskerHandlerFailing.md")
    assert re.fullmatch(r"[\d.]+% of the executions of proof.charge fail", alert["annotations"]["summary"])


def test_back_pressure(stack: Stack, told: Told) -> None:
    # Messages that nobody may read for an hour: the server's queue is deep.
    message = "pgmq.send('orchestration_task_requests', jsonb_build_object('number', n), 3600)"
    stack.sql(f"select count(*) from generate_series(1, 5001) n, {message}")
    told.waits_for("TaskerBackpressure", "firing")
    told.waits_for("TaskerServerQueuesFull", "firing")
    stack.sql("select pgmq.purge_queue('orchestration_task_requests')")
    told.waits_for("TaskerBackpressure", "resolved")


def test_worker_killed(stack: Stack, told: Told) -> None:
    worker = program(stack, "worker")
    worker.end(signal.SIGKILL)
    assert told.waits_for("TaskerWorkersDown", "firing")["labels"]["worker_pool"] == "fastapi"
    # Its process lives on until Core has stopped, and keeps the port.
    eventually("the port is free", lambda: is_free(stack.port("worker")))
    worker.start()
    worker.answers(stack.url("worker", "/ready"))
    told.waits_for("TaskerWorkersDown", "resolved")


def test_server_killed(stack: Stack, told: Told) -> None:
    server = program(stack, "server")
    server.end(signal.SIGKILL)
    assert told.waits_for("TaskerServerDown", "firing")["annotations"]["summary"] == "No Tasker server answers in proof"
    server.start()
    told.waits_for("TaskerServerDown", "resolved")


def test_database_gone(stack: Stack, told: Told) -> None:
    postgres = program(stack, "postgres")
    postgres.end(signal.SIGINT)
    told.waits_for("TaskerPostgresDown", "firing")
    told.waits_for("TaskerServerDatabaseLost", "firing")
    postgres.start()
    told.waits_for("TaskerPostgresDown", "resolved")
