"""Takes claimed steps from the native worker, executes them, and hands the ends back.

Core's own loop runs one handler at a time on the thread that polls, never interrupts one, and
answers every step that runs for more than 30 seconds as failed while its handler goes on. This one:

- executes up to `concurrency` steps at once: async handlers on one event loop that lives as long
  as the worker, sync handlers in as many threads at most;
- enforces `timeout_seconds`: an async handler is cancelled; a sync one cannot be, so its step is
  answered as timed out, the handler counts as hung until it returns, and readiness fails;
- sends the template's back-off along, without which Core retries at once;
- answers every step exactly once, whatever its handler does, also the ones that are cut when the
  worker stops.

Core's `cleanup_timeouts` and `check_starvation_warnings` are not called: the first answers steps
that still run, the second complains of every handler that takes more than ten seconds.

Two threads take part: the poller (which also watches the clock, see `watchdog.py`) and the event
loop. `Running.answer_once` decides who answers.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

from ..log import bound
from ..otel import step_span
from . import metrics
from . import outcome as outcomes
from ._contract import (
    ERROR_TIMEOUT,
    ERROR_WORKER_STOPPED,
    STEP_STARTED,
)
from .answers import CUT_RETRY_SECONDS, Answers, as_template_allows
from .execution import executed
from .injection import AppContext
from .loop_thread import LoopThread
from .native import NativeWorker
from .outcome import StepOutcome
from .registry import Registry
from .report import Reports, domain_event
from .running import CutStep, Running, prepared
from .table import StepTable
from .threads import ThreadPool
from .watchdog import LoopWatch, cancel_handler, watch_clock

logger = logging.getLogger("tasker_contrib.dispatcher")

_POLL_SECONDS = 0.01
_POLL_BUSY_SECONDS = 0.002
_DOMAIN_EVENTS_PER_TURN = 100


class Dispatcher:
    """Executes steps. One per native worker."""

    def __init__(
        self,
        native: NativeWorker,
        registry: Registry,
        *,
        concurrency: int,
        worker_id: str,
        app: Callable[[], AppContext] = AppContext,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._native = native
        self._registry = registry
        self._concurrency = concurrency
        self._app = app
        self._given_loop = loop
        self._own_loop: LoopThread | None = None
        self._poller: threading.Thread | None = None
        self._steps = StepTable()
        self._answers = Answers(native, worker_id)
        self._reports = Reports(lambda: self.loop)
        self._threads = ThreadPool(concurrency)
        self._loop_watch = LoopWatch()
        self._wake = threading.Event()
        self._stopping = False
        self._accepting = True

    # --- life ---------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of async handlers."""
        if self._given_loop is not None:
            return self._given_loop
        assert self._own_loop is not None, "the dispatcher was not started"
        return self._own_loop.loop

    def start(self) -> None:
        """Start polling."""
        if self._given_loop is None:
            self._own_loop = LoopThread()
        self._poller = threading.Thread(target=self._poll, name="tasker-poller", daemon=True)
        self._poller.start()
        metrics.capacity.set(self._concurrency)
        metrics.expect(self._registry.names())

    def pause(self) -> None:
        """Start no more steps; the ones that run go on."""
        self._accepting = False

    def resume(self) -> None:
        """Start steps again."""
        self._accepting = True
        self._wake.set()

    def wait_idle(self, timeout: float, *, quiet: float = 0.0) -> bool:
        """Wait until no step runs (hung ones do not count) and none arrived for `quiet` seconds.

        Args:
            timeout: seconds.
            quiet: seconds without a new step.

        Returns:
            False when the time was over.
        """
        return self._steps.wait_idle(timeout, quiet)

    def cut(self) -> list[CutStep]:
        """Interrupt what runs and answer it as a retryable failure, so that Core tries again."""
        self.pause()
        steps = self._steps.unanswered()
        for step in steps:
            step.cut = True
            outcome = _stopped(f"the worker was stopped after {step.seconds:.1f} s of this attempt")
            self._answer(step, outcome, "cut")
            cancel_handler(step, self.loop)
        return [CutStep.of(step) for step in steps]

    def return_unstarted(self) -> int:
        """Answer claimed steps that nobody started as retryable failures; return their number."""
        count = 0
        while (raw := self._native.poll()) is not None:
            outcome = _stopped("the worker was stopped before the step began")
            self._answers.send_raw(raw, outcome, CUT_RETRY_SECONDS)
            self._steps.note_answer(str(raw["task_uuid"]), str(raw["step_uuid"]))
            count += 1
        return count

    def stop_polling(self) -> None:
        """End the poller thread; nothing calls the native worker any more."""
        self._stopping = True
        self._wake.set()
        if self._poller is not None:
            self._poller.join(timeout=5)

    def stop(self) -> None:
        """End all threads. Call `cut` before."""
        self.stop_polling()
        metrics.capacity.set(0)
        metrics.loop_lag.set(0)
        self._threads.close()
        if self._own_loop is not None:
            self._own_loop.stop()

    # --- facts --------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Steps that run, hung ones included."""
        return len(self._steps)

    def health(self) -> tuple[bool, str]:
        """Whether steps can be executed, and a text."""
        hung = self._steps.hung()
        if hung:
            names = "; ".join(f"{step}, for {step.seconds:.0f} s" for step in hung)
            return False, f"hung: {names}"
        if self._loop_watch.blocked:
            handlers = self._steps.async_handlers()
            return False, f"the event loop is blocked; async handlers: {handlers}"
        if self._poller is not None and not self._poller.is_alive() and not self._stopping:
            return False, "the poller thread died; see the log"
        return True, f"{self.in_flight} of {self._concurrency} in flight"

    def recently_answered(self) -> list[tuple[str, str]]:
        """(task, step) ids answered within the last seconds."""
        return self._steps.recently_answered()

    # --- the poller thread --------------------------------------------------------------------

    def _poll(self) -> None:
        while not self._stopping:
            try:
                busy = self._turn()
            except BaseException:
                # The poller must survive anything: without it the worker is dead but looks alive.
                logger.exception("the dispatcher failed; it goes on")
                busy = False
                self._wake.wait(0.5)
            self._wake.wait(_POLL_BUSY_SECONDS if busy else _POLL_SECONDS)
            self._wake.clear()

    def _turn(self) -> bool:
        busy = False
        while self._accepting and not self._stopping and self.in_flight < self._concurrency:
            event = self._native.poll()
            if event is None:
                break
            busy = True
            self._launch(event)
        watch_clock(self._steps.all(), lambda step: cancel_handler(step, self.loop), self._time_out)
        self._loop_watch.look(self.loop, self._steps.async_handlers)
        for _ in range(_DOMAIN_EVENTS_PER_TURN):
            raw = self._native.poll_domain_event()
            if raw is None:
                break
            self._reports.emit_event(domain_event(raw))
        return busy or self.in_flight > 0

    def _launch(self, raw: dict[str, Any]) -> None:
        """Start a step; whatever goes wrong here must still answer it."""
        try:
            step = prepared(raw, self._registry)
        except BaseException as error:
            logger.exception("step %s cannot be read", raw.get("step_uuid"))
            text = f"the step cannot be read: {outcomes.text_of(error)}"
            self._answers.send_raw(raw, outcomes.failed(text, retryable=False))
            metrics.executions.labels("-", "failed").inc()
            return
        self._steps.add(step)
        try:
            asyncio.run_coroutine_threadsafe(self._execute(step), self.loop)
        except RuntimeError:  # the loop is closed
            self._answer(step, _stopped("the worker is stopping"), "cut")
            self._forget(step)

    # --- the event loop -----------------------------------------------------------------------

    async def _execute(self, step: Running) -> None:
        step.task = asyncio.current_task()
        try:
            if step.answered:
                return  # it waited for a blocked loop until it was timed out or cut
            span_of = (step.handler, step.fields, step.event.trace_id, step.event.span_id)
            with bound(step.fields), step_span(*span_of) as span:
                self._reports.emit(STEP_STARTED, step, {})
                outcome = await executed(step, self._app(), self._threads.run, self._is_stopping)
                span.set_outcome(outcome)
                if step.timed_out:
                    # A handler that came to an end after all still missed its time.
                    self._time_out(step)
                else:
                    self._answer(step, outcome)
        except BaseException as error:
            # Nothing of ours may leave a step without an answer, a tracer's exporter included.
            if not step.answered:
                logger.exception("%s could not be executed", step)
                self._answer(step, outcomes.from_exception(error))
        finally:
            self._forget(step)

    def _is_stopping(self) -> bool:
        return self._stopping

    def _forget(self, step: Running) -> None:
        """The handler returned."""
        if self._steps.remove(step):
            text = "hung handler came back after %.1f s; its result was discarded: %s"
            logger.warning(text, step.seconds, step)
        self._wake.set()

    # --- answers ------------------------------------------------------------------------------

    def _time_out(self, step: Running) -> None:
        outcome = outcomes.failed(
            f"the handler did not end within timeout_seconds = {step.timeout:g}",
            ERROR_TIMEOUT,
            retryable=True,
        )
        if not self._answer(step, outcome, "timed_out"):
            return
        self._steps.count_hung()
        self._reports.timed_out(step, self._concurrency)

    def _answer(self, step: Running, outcome: StepOutcome, word: str | None = None) -> bool:
        """Hand an outcome to Core, once. False when another answer was first."""
        if not step.answer_once():
            return False
        seconds = step.seconds
        outcome = self._answers.send(step, as_template_allows(step, outcome), seconds)
        self._steps.answered(step)
        self._reports.ended(step, outcome, seconds, word)
        return True


def _stopped(why: str) -> StepOutcome:
    return outcomes.failed(why, ERROR_WORKER_STOPPED, retryable=True, retry_after=CUT_RETRY_SECONDS)


__all__ = ["CutStep", "Dispatcher"]
