"""`/live`, `/ready` and `/metrics` of a worker process, which has no web server.

On threads of its own and with the standard library only: it must answer while the app's event loop
is blocked, because that is one of the things it has to tell.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..errors import TaskerStartError
from . import metrics
from .readiness import Body, not_ready, readiness
from .state import TaskerState

# Longer than the client's own patience with a server that does not answer.
_LOOP_SECONDS = 5.0
_JSON = "application/json"


class PortTaken(TaskerStartError):
    """The health server cannot listen."""


class HealthServer:
    """Serves from construction to `close`.

    Args:
        host: address to listen on.
        port: 0 takes a free one; see `port`.

    Raises:
        PortTaken: host and port cannot be listened on.
    """

    def __init__(self, host: str, port: int) -> None:
        self._state: TaskerState | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        server = _Server6 if ":" in host else _Server
        try:
            self._server = server((host, port), _Handler)
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port} for health checks: {error.strerror or error}; "
                "give another --health-port (each process takes one, counted from it), or leave "
                "it out"
            ) from None
        self._server.health = self
        self.port: int = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, name="health-server", daemon=True
        ).start()

    def started(self, state: TaskerState, loop: asyncio.AbstractEventLoop) -> None:
        """The worker runs; `loop` is the one of its lifespan."""
        self._loop, self._state = loop, state

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def ready(self) -> tuple[int, Body]:
        """Status and body of `/ready`."""
        state, loop = self._state, self._loop
        if state is None or loop is None:
            return 503, not_ready("the worker is starting")
        question = readiness(state)
        try:
            answer = asyncio.run_coroutine_threadsafe(question, loop)
            return answer.result(_LOOP_SECONDS)
        except futures.TimeoutError:
            answer.cancel()
            return 503, not_ready(f"the event loop is blocked. {self._of_dispatcher(state)}")
        except (RuntimeError, futures.CancelledError):  # the loop ends, or has ended
            question.close()
            return 503, not_ready("the worker has stopped")

    @staticmethod
    def _of_dispatcher(state: TaskerState) -> str:
        return "" if state.runtime is None else state.runtime.dispatcher.health()[1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    health: HealthServer


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # Silent clients do not keep their thread.
    timeout = 10

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/live":
            self._answer(200, _JSON, b'{"status":"alive"}')
        elif path == "/ready":
            status, body = self.server.health.ready()
            self._answer(status, _JSON, json.dumps(body).encode())
        elif path == "/metrics":
            self._answer(200, metrics.CONTENT_TYPE, metrics.render())
        else:
            self._answer(404, "text/plain", b"try /live, /ready or /metrics\n")

    do_HEAD = do_GET

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Probes come every few seconds; they are not worth a line each."""
