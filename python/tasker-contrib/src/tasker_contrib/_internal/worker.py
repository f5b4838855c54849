"""The worker of a process, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from ..client import TaskerClient
from ..errors import TaskerStartError
from ..events import TaskerEvent, emit
from ..log import install_filter
from ..settings import TaskerSettings
from ..templates import CheckReport, check_app
from . import database, metrics, native
from ._contract import WORKER_DRAINING, WORKER_STARTED, WORKER_STOPPED
from .dispatcher import Dispatcher
from .ending import StopReport, finish_subscribers, return_unstarted
from .injection import AppContext
from .names import counted
from .registry import registry
from .render import worker_toml
from .state import TaskerState

logger = logging.getLogger("tasker_contrib")

State = Literal["starting", "running", "draining", "stopped"]
MakeClient = Callable[[TaskerSettings], TaskerClient]

_QUIET_SECONDS = 0.25
_UNDISTURBED_SECONDS = 2.0


class Runtime:
    """The running worker. Use `acquire` and `release`."""

    def __init__(
        self,
        settings: TaskerSettings,
        *,
        standalone: bool,
        make_client: MakeClient = TaskerClient.from_settings,
    ) -> None:
        self.settings = settings
        self._make_client = make_client
        self.state: State = "starting"
        self.report: CheckReport | None = None
        self.worker_id = ""
        self.leases = 0
        self.pid = os.getpid()
        self._standalone = standalone
        self._apps: list[AppContext] = []
        self._client: TaskerClient | None = None
        self._dispatcher: Dispatcher | None = None

    # --- facts --------------------------------------------------------------------------------

    @property
    def dispatcher(self) -> Dispatcher:
        """The dispatcher; exists while the worker runs."""
        assert self._dispatcher is not None
        return self._dispatcher

    def health(self) -> dict[str, tuple[bool, str]]:
        """Components `worker`, `database`, `dispatcher` and `templates`, each with a text."""
        running = self.state == "running"
        health: dict[str, tuple[bool, str]] = {"worker": (running, self.state)}
        if not running:
            return health
        try:
            status = native.status()
        except RuntimeError as error:
            health["worker"] = (False, str(error))
            return health
        health["worker"] = (bool(status.get("running")), self.worker_id)
        size, idle = status.get("database_pool_size"), status.get("database_pool_idle")
        health["database"] = (bool(size), f"{size} connections, {idle} idle")
        health["dispatcher"] = self.dispatcher.health()
        templates = self.report.templates if self.report else []
        health["templates"] = (True, counted(len(templates), "template"))
        return health

    # --- start --------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Check everything, start the native worker, then the dispatcher.

        Raises:
            TaskerConfigError: settings, templates or handlers are wrong. Core was not touched.
            TaskerStartError: Core could not start.
        """
        settings = self.settings
        install_filter()
        self.report = check_app(
            settings.templates,
            settings.handlers,
            optional_modules=settings.source("handlers") == "default",
        )
        for warning in self.report.warnings:
            logger.warning("%s", warning)
        self.report.raise_for_errors()
        # What restarts a worker process gives up on one that fails at once; a web server's user
        # is waiting for the reason.
        patience = settings.connect_timeout if self._standalone else 0.0
        database.must_listen(settings, patience=patience)
        started = time.monotonic()
        try:
            self.worker_id = native.bootstrap(
                worker_toml(settings),
                settings.templates,
                settings.log_level,
            )
        except native.ForkedProcess:
            raise
        except TaskerStartError as error:
            raise database.start_error(settings, str(error)) from None
        try:
            self._client = self._make_client(settings)
            self._dispatcher = Dispatcher(
                native.Native(),
                registry,
                concurrency=settings.concurrency,
                worker_id=self.worker_id,
                app=self._app_context,
                loop=loop,
            )
            self._dispatcher.start()
        except BaseException:
            # Otherwise the native worker would go on claiming steps that nobody executes.
            native.stop()
            raise
        self.state = "running"
        metrics.draining.set(0)
        namespaces = sorted({t.namespace for t in self.report.templates})
        logger.info(
            "worker %s started in %.0f ms: %s, %s %s, %s at once",
            self.worker_id,
            (time.monotonic() - started) * 1000,
            counted(len(self.report.templates), "template"),
            "namespace" if len(namespaces) == 1 else "namespaces",
            ", ".join(namespaces) or "(none)",
            counted(settings.concurrency, "step"),
        )
        data = {"worker_id": self.worker_id, "namespaces": namespaces}
        emit(TaskerEvent(WORKER_STARTED, data=data), self.dispatcher.loop)

    def add_app(self, app: AppContext | None) -> None:
        """The first app that is alive provides dependencies, overrides and state."""
        if app is not None:
            self._apps.append(app)

    def remove_app(self, app: AppContext) -> None:
        """The app ends."""
        self._apps = [other for other in self._apps if other is not app]

    def _app_context(self) -> AppContext:
        if not self._apps:
            return AppContext()
        app = self._apps[0]
        state = dict(app.state)
        if "tasker" in state:
            # The app's client belongs to the app's event loop.
            state["tasker"] = TaskerState("worker", self.settings, self._client, self)
        return replace(app, state=state)

    # --- stop ---------------------------------------------------------------------------------

    def stop(self) -> StopReport:
        """Drain and stop; blocks. See the README for the phases and how long they take."""
        begun = time.monotonic()
        settings, dispatcher = self.settings, self.dispatcher
        self.state = "draining"
        metrics.draining.set(1)
        data = {"in_flight": dispatcher.in_flight, "timeout": settings.drain_timeout}
        logger.info(
            "worker draining: %s in flight%s",
            counted(dispatcher.in_flight, "step"),
            "; Core needs up to ten seconds to stop" if self._standalone else "",
        )
        emit(TaskerEvent(WORKER_DRAINING, data=data), dispatcher.loop)
        try:
            if settings.drain_timeout > 0 and not self._idle():
                self._drain(settings.drain_timeout)
        except Exception:
            # What follows still hands the steps back.
            logger.exception("the drain failed; the steps that run are cut")
        # The poller ends first: what it starts after the cut would be lost.
        dispatcher.pause()
        dispatcher.stop_polling()
        cut = dispatcher.cut()
        returned = return_unstarted(settings, dispatcher)
        native.stop()
        self._close_client(dispatcher)
        report = StopReport(cut, returned, time.monotonic() - begun)
        emit(TaskerEvent(WORKER_STOPPED, data={"cut": cut, "returned": returned}), dispatcher.loop)
        finish_subscribers(dispatcher)
        dispatcher.stop()
        self.state = "stopped"
        for step in cut:
            logger.warning(
                "cut after %.1f s, will be tried again: step %r (handler %r, task %s, step %s)",
                step.seconds,
                step.step,
                step.handler,
                step.task_uuid,
                step.step_uuid,
            )
        logger.info(
            "worker stopped after %.1f s: %s cut, %d returned unstarted",
            report.seconds,
            counted(len(cut), "step"),
            returned,
        )
        return report

    def _idle(self) -> bool:
        """Whether an embedded worker has nothing to do, so that it may stop without the freeze.

        A step that Core claims during such a stop would be lost; a standalone worker therefore
        always drains.
        """
        if self._standalone or self.dispatcher.in_flight:
            return False
        return self.dispatcher.wait_idle(2 * _QUIET_SECONDS, quiet=_QUIET_SECONDS)

    def _drain(self, timeout: float) -> None:
        dispatcher = self.dispatcher
        # Core's "stop claiming" freezes the interpreter for five to ten seconds. Short steps end
        # before it, so that their timeouts and connections do not suffer.
        dispatcher.pause()
        undisturbed = min(_UNDISTURBED_SECONDS, timeout)
        begun = time.monotonic()
        dispatcher.wait_idle(undisturbed)
        left = timeout - (time.monotonic() - begun)
        native.stop_claiming()
        dispatcher.resume()
        dispatcher.wait_idle(max(left, _QUIET_SECONDS), quiet=_QUIET_SECONDS)

    def _close_client(self, dispatcher: Dispatcher) -> None:
        if self._client is None:
            return
        client, self._client = self._client, None
        try:
            asyncio.run_coroutine_threadsafe(client.aclose(), dispatcher.loop).result(timeout=1)
        except Exception as error:
            logger.debug("the worker's client was not closed: %r", error)
