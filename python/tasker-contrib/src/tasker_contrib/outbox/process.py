"""A relay as a process: signals and exit codes."""

from __future__ import annotations

import logging
import signal
import sys

from ..errors import TaskerContribError
from .relay import OutboxRelay

logger = logging.getLogger("tasker_contrib.outbox")

_STOPS = (signal.SIGTERM, signal.SIGINT)


def run_until_signal(relay: OutboxRelay) -> int:
    """Relay until SIGTERM or Ctrl-C; the row in hand is finished. A second signal ends at once.

    Returns:
        0 after a stop, 2 when it can never work as it is configured.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(levelname)-7s %(name)s: %(message)s")
    # Before the thread starts, so that it never gets them; taken up by `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        try:
            relay.store.stats()
        except TaskerContribError as problem:
            print(f"error: {problem}", file=sys.stderr, flush=True)
            return 2
        except Exception as problem:
            logger.warning("the outbox's database is away: %s", problem)
        relay.start()
        logger.info("the relay of the outbox is ready")
        signal.sigwait(_STOPS)
        for number in _STOPS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        relay.stop()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    return 0


def serve_metrics(host: str, port: int) -> None:
    """Serve the metrics of this process, and only these.

    Raises:
        UsageProblem: the port is taken.
    """
    from prometheus_client import start_http_server

    from .._internal.metrics import registry
    from ..cli.errors import UsageProblem

    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise UsageProblem(
            f"{host}:{port} cannot be used for metrics: {error.strerror}", fix="give another port"
        ) from None
