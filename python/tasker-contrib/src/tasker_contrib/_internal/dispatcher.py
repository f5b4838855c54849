"""Takes claimed steps from the native worker, executes them, and hands the ends back.

Core's own loop runs one handler at a time on the thread that polls, never interrupts one, and
answers every step that runs for more than 30 seconds as failed while its handler goes on. This one:

- executes up to `concurrency` steps at once: async handlers on one event loop that lives as long
  as the worker, sync handlers in a thread each;
- enforces `timeout_seconds`: an async handler is cancelled; a sync one cannot be, so its step is
  answered as timed out, the handler counts as hung until it returns, and readiness fails;
- sends the template's back-off along, without which Core retries at once;
- answers every step exactly once, also the ones that are cut when the worker stops.

Core's `cleanup_timeouts` and `check_starvation_warnings` are not called: the first answers steps
that still run, the second complains of every handler that takes more than ten seconds.

Two threads take part: the poller (which also watches the clock, so that timeouts work even when a
handler blocks the loop) and the event loop. `_Running.answer_once` decides who answers.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from tasker_core import FfiStepEvent, StepContext

from ..events import TaskerEvent, emit
from ..log import bound
from ..otel import step_span
from . import backoff, metrics
from . import outcome as outcomes
from ._contract import (
    DOMAIN_EVENT,
    ERROR_NOT_FOUND,
    ERROR_TIMEOUT,
    ERROR_WORKER_STOPPED,
    STEP_CHECKPOINTED,
    STEP_COMPLETED,
    STEP_FAILED,
    STEP_STARTED,
    STEP_TIMED_OUT,
)
from .injection import AppContext
from .invoke import Callee, invoke, resolve
from .native import NativeWorker
from .outcome import StepOutcome
from .registry import Registry

logger = logging.getLogger("tasker_contrib.dispatcher")

_POLL_SECONDS = 0.01
_POLL_BUSY_SECONDS = 0.002
_CANCEL_GRACE_SECONDS = 2.0
_BEAT_SECONDS = 1.0
_LOOP_BLOCKED_SECONDS = 5.0
_RECENT_SECONDS = 5.0
_DOMAIN_EVENTS_PER_TURN = 100

#: A cut step that came back at once would be claimed again by the worker that is just stopping.
CUT_RETRY_SECONDS = 2


@dataclass
class _Running:
    """A step between its claim and the return of its handler."""

    event: FfiStepEvent
    handler: str
    callee: Callee | None
    context: StepContext
    retry: dict[str, Any]
    timeout: float | None
    fields: dict[str, object]
    started: float = field(default_factory=time.monotonic)
    answered: bool = False
    sent: bool = False
    timed_out: bool = False
    cut: bool = False
    hung: bool = False
    task: asyncio.Task[None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_once(self) -> bool:
        """True for the first caller only."""
        with self.lock:
            first, self.answered = not self.answered, True
            return first

    @property
    def attempt(self) -> int:
        return self.context.retry_count + 1

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def __str__(self) -> str:
        return (
            f"step {self.fields['step']!r} (handler {self.handler!r}, task "
            f"{self.event.task_uuid}, step {self.event.step_uuid})"
        )


@dataclass(frozen=True)
class CutStep:
    """A step that was interrupted when the worker stopped. Core tries it again."""

    step: str
    handler: str
    task_uuid: str
    step_uuid: str
    seconds: float


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
        self._worker_id = worker_id
        self._hostname = socket.gethostname()
        self._app = app
        self._given_loop = loop
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._own_loop_thread: threading.Thread | None = None
        self._poller: threading.Thread | None = None
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = threading.Condition(self._lock)
        self._stopping = False
        self._accepting = True
        self._beat = time.monotonic()
        self._next_beat = 0.0
        self._blocked = False
        self._recent: dict[tuple[str, str], float] = {}
        self._last_arrival = time.monotonic()

    # --- life ---------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of async handlers."""
        loop = self._given_loop or self._own_loop
        assert loop is not None, "the dispatcher was not started"
        return loop

    def start(self) -> None:
        """Start polling."""
        if self._given_loop is None:
            self._own_loop = asyncio.new_event_loop()
            self._own_loop_thread = threading.Thread(
                target=self._own_loop.run_forever, name="tasker-loop", daemon=True
            )
            self._own_loop_thread.start()
        self._poller = threading.Thread(target=self._poll, name="tasker-poller", daemon=True)
        self._poller.start()

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
        end = time.monotonic() + timeout
        with self._ended:
            while True:
                now = time.monotonic()
                still = quiet - (now - self._last_arrival)
                if not self._waiting() and still <= 0:
                    return True
                if now >= end:
                    return False
                pause = end - now if self._waiting() else min(still, end - now)
                self._ended.wait(max(0.001, pause))

    def _waiting(self) -> list[_Running]:
        return [step for step in self._running.values() if not step.sent]

    def cut(self) -> list[CutStep]:
        """Interrupt what runs and answer it as a retryable failure, so that Core tries again."""
        self.pause()
        with self._lock:
            steps = self._waiting()
        for step in steps:
            step.cut = True
            outcome = outcomes.failed(
                f"the worker was stopped after {step.seconds:.1f} s of this attempt",
                ERROR_WORKER_STOPPED,
                retryable=True,
                retry_after=CUT_RETRY_SECONDS,
            )
            self._answer(step, outcome, "cut")
            self._cancel(step)
        return [
            CutStep(
                str(s.fields["step"]), s.handler, s.event.task_uuid, s.event.step_uuid, s.seconds
            )
            for s in steps
        ]

    def return_unstarted(self) -> int:
        """Answer claimed steps that nobody started as retryable failures; return their number."""
        count = 0
        while (raw := self._native.poll()) is not None:
            step_uuid = str(raw["step_uuid"])
            outcome = outcomes.failed(
                "the worker was stopped before the step began",
                ERROR_WORKER_STOPPED,
                retryable=True,
            )
            completion = self._completion(step_uuid, outcome, 0, CUT_RETRY_SECONDS)
            self._native.complete(str(raw["event_id"]), completion)
            with self._lock:
                self._recent[(str(raw["task_uuid"]), step_uuid)] = time.monotonic()
            count += 1
        return count

    def stop_polling(self) -> None:
        """End the poller thread; nothing calls the native worker any more."""
        self._stopping = True
        self._wake.set()
        if self._poller is not None:
            self._poller.join(timeout=5)

    def stop(self) -> None:
        """End both threads. Call `cut` before."""
        self.stop_polling()
        if self._own_loop is not None and self._own_loop_thread is not None:
            future = asyncio.run_coroutine_threadsafe(_cancel_all(), self._own_loop)
            try:
                future.result(timeout=2)
            except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
                logger.warning("the event loop of the handlers does not end: a handler blocks it")
                return
            self._own_loop.call_soon_threadsafe(self._own_loop.stop)
            self._own_loop_thread.join(timeout=2)
            if not self._own_loop_thread.is_alive():
                self._own_loop.close()

    # --- facts --------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Steps that run, hung ones included."""
        return len(self._running)

    def health(self) -> tuple[bool, str]:
        """Whether steps can be executed, and a text."""
        with self._lock:
            hung = [step for step in self._running.values() if step.hung]
        if hung:
            names = "; ".join(f"{step}, for {step.seconds:.0f} s" for step in hung)
            return False, f"hung: {names}"
        if self._blocked:
            return False, f"the event loop is blocked; async handlers: {self._async_handlers()}"
        if self._poller is not None and not self._poller.is_alive() and not self._stopping:
            return False, "the poller thread died; see the log"
        return True, f"{self.in_flight} of {self._concurrency} in flight"

    def recently_answered(self) -> list[tuple[str, str]]:
        """(task, step) ids answered within the last seconds."""
        since = time.monotonic() - _RECENT_SECONDS
        with self._lock:
            return [ids for ids, at in self._recent.items() if at >= since]

    # --- the poller thread --------------------------------------------------------------------

    def _poll(self) -> None:
        while not self._stopping:
            try:
                busy = self._turn()
            except Exception:
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
            self._last_arrival = time.monotonic()
            self._launch(event)
        self._watch_clock()
        self._watch_loop()
        for _ in range(_DOMAIN_EVENTS_PER_TURN):
            domain_event = self._native.poll_domain_event()
            if domain_event is None:
                break
            emit(_domain_event(domain_event), self.loop)
        return busy or bool(self._running)

    def _launch(self, raw: dict[str, Any]) -> None:
        """Start a step; whatever goes wrong here must still answer it."""
        try:
            step = self._prepare(raw)
        except Exception as error:
            logger.exception("step %s cannot be read", raw.get("step_uuid"))
            self._native.complete(
                str(raw["event_id"]),
                self._completion(
                    str(raw["step_uuid"]),
                    outcomes.failed(f"the step cannot be read: {error}", retryable=False),
                    0,
                    None,
                ),
            )
            return
        with self._lock:
            self._running[step.event.event_id] = step
            metrics.in_flight.set(len(self._running))
        try:
            asyncio.run_coroutine_threadsafe(self._execute(step), self.loop)
        except RuntimeError:  # the loop is closed
            self._answer(
                step,
                outcomes.failed(
                    "the worker is stopping",
                    ERROR_WORKER_STOPPED,
                    retryable=True,
                    retry_after=CUT_RETRY_SECONDS,
                ),
                "cut",
            )
            self._forget(step)

    def _prepare(self, raw: dict[str, Any]) -> _Running:
        event = FfiStepEvent.model_validate(raw)
        definition = event.task_sequence_step.get("step_definition") or {}
        workflow_step = event.task_sequence_step.get("workflow_step") or {}
        task = event.task_sequence_step.get("task") or {}
        name = str((definition.get("handler") or {}).get("callable") or definition.get("name"))
        context = StepContext.from_ffi_event(event, name)
        fields: dict[str, object] = {
            "task_uuid": event.task_uuid,
            "step_uuid": event.step_uuid,
            "step": workflow_step.get("name") or definition.get("name") or "-",
            "handler": name,
            "namespace": task.get("namespace_name") or "-",
            "correlation_id": event.correlation_id,
            "attempt": context.retry_count + 1,
        }
        timeout = definition.get("timeout_seconds")
        return _Running(
            event=event,
            handler=name,
            callee=resolve(name, self._registry),
            context=context,
            retry=definition.get("retry") or {},
            timeout=float(timeout) if timeout else None,
            fields=fields,
        )

    def _watch_clock(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [
                step
                for step in self._running.values()
                if step.timeout is not None
                and not step.answered
                and now - step.started > step.timeout
            ]
        for step in late:
            assert step.timeout is not None
            stoppable = step.callee is not None and step.callee.is_async
            if stoppable and not step.timed_out:
                step.timed_out = True
                self._cancel(step)
            elif not stoppable or now - step.started > step.timeout + _CANCEL_GRACE_SECONDS:
                step.timed_out = step.hung = True
                self._time_out(step)

    def _cancel(self, step: _Running) -> None:
        """Cancel an async handler. A sync one keeps its task, which closes its dependencies."""
        if step.callee is None or not step.callee.is_async:
            return

        def cancel() -> None:
            if step.task is not None:
                step.task.cancel()

        try:
            self.loop.call_soon_threadsafe(cancel)
        except RuntimeError:  # closed
            return

    def _watch_loop(self) -> None:
        """Notice an async handler that blocks the loop."""
        now = time.monotonic()
        if now < self._next_beat:
            return
        late = now - self._next_beat > _BEAT_SECONDS  # this thread itself stood still
        self._next_beat = now + _BEAT_SECONDS
        blocked = not late and now - self._beat > _LOOP_BLOCKED_SECONDS
        if blocked and not self._blocked:
            logger.error(
                "the event loop has been blocked for %.0f s; async handlers in flight: %s. "
                "Use `def` for handlers that block",
                now - self._beat,
                self._async_handlers(),
            )
        self._blocked = blocked

        def beat() -> None:
            self._beat = time.monotonic()

        try:
            self.loop.call_soon_threadsafe(beat)
        except RuntimeError:
            return

    def _async_handlers(self) -> str:
        with self._lock:
            steps = [s for s in self._running.values() if s.callee and s.callee.is_async]
        return "; ".join(map(str, steps)) or "none"

    # --- the event loop -----------------------------------------------------------------------

    async def _execute(self, step: _Running) -> None:
        step.task = asyncio.current_task()
        try:
            if step.answered:
                return  # it waited for a blocked loop until it was timed out or cut
            with (
                bound(step.fields),
                step_span(
                    step.handler, step.fields, step.event.trace_id, step.event.span_id
                ) as span,
            ):
                emit(self._event(STEP_STARTED, step, {}), self.loop)
                outcome = await self._outcome(step)
                span.set_outcome(outcome)
                if step.timed_out:
                    # A handler that came to an end after all still missed its time.
                    self._time_out(step)
                else:
                    self._answer(step, outcome)
        finally:
            self._forget(step)

    async def _outcome(self, step: _Running) -> StepOutcome:
        if step.callee is None:
            return outcomes.failed(
                f"no handler {step.handler!r} is registered in this worker",
                ERROR_NOT_FOUND,
                retryable=False,
            )
        try:
            return await invoke(step.callee, step.context, app=self._app())
        except asyncio.CancelledError:
            if not (step.timed_out or step.cut or self._stopping):
                # The handler's own doing, e.g. an awaited task that someone else cancelled.
                return outcomes.failed("the handler was cancelled", retryable=True)
            return outcomes.failed("cancelled", ERROR_WORKER_STOPPED, retryable=True, retry_after=0)

    def _forget(self, step: _Running) -> None:
        """The handler returned."""
        with self._ended:
            self._running.pop(step.event.event_id, None)
            metrics.in_flight.set(len(self._running))
            if step.hung:
                step.hung = False
                logger.warning(
                    "hung handler came back after %.1f s; its result was discarded: %s",
                    step.seconds,
                    step,
                )
            metrics.hung.set(sum(s.hung for s in self._running.values()))
            self._ended.notify_all()
        self._wake.set()

    # --- answers ------------------------------------------------------------------------------

    def _time_out(self, step: _Running) -> None:
        outcome = outcomes.failed(
            f"the handler did not end within timeout_seconds = {step.timeout:g}",
            ERROR_TIMEOUT,
            retryable=True,
        )
        if not self._answer(step, outcome, "timed_out"):
            return
        with self._lock:
            metrics.hung.set(sum(s.hung for s in self._running.values()))
        emit(
            self._event(STEP_TIMED_OUT, step, {"timeout_seconds": step.timeout, "hung": step.hung}),
            self.loop,
        )
        with bound(step.fields):
            if step.hung:
                logger.error(
                    "handler hangs: %s exceeded its timeout of %g s and cannot be stopped; it "
                    "occupies one of %d places until it returns",
                    step,
                    step.timeout,
                    self._concurrency,
                )
            else:
                logger.warning("%s was cancelled after its timeout of %g s", step, step.timeout)

    def _answer(self, step: _Running, outcome: StepOutcome, word: str | None = None) -> bool:
        """Hand an outcome to Core, once. False when another answer was first."""
        if not step.answer_once():
            return False
        seconds = step.seconds
        outcome = _as_template_allows(step, outcome)
        if outcome.checkpoint is not None:
            self._send_checkpoint(step, outcome)
        else:
            self._send(step, outcome, seconds)
        with self._ended:
            step.sent = True
            now = time.monotonic()
            self._recent = {k: at for k, at in self._recent.items() if now - at < _RECENT_SECONDS}
            self._recent[(step.event.task_uuid, step.event.step_uuid)] = now
            self._ended.notify_all()
        self._report(step, outcome, seconds, word)
        return True

    def _send(self, step: _Running, outcome: StepOutcome, seconds: float) -> None:
        retry_after = self._retry_after(step, outcome)
        completion = self._completion(
            step.event.step_uuid, outcome, int(seconds * 1000), retry_after
        )
        try:
            accepted = self._native.complete(step.event.event_id, completion)
        except Exception as error:
            logger.exception("Core refused the result of %s", step)
            fallback = outcomes.failed(
                f"the result cannot be handed to Core: {error}"[:500],
                outcomes.VALIDATION,
                retryable=False,
            )
            accepted = self._native.complete(
                step.event.event_id, self._completion(step.event.step_uuid, fallback, 0, None)
            )
        if not accepted:
            logger.error("Core did not accept the result of %s", step)

    def _send_checkpoint(self, step: _Running, outcome: StepOutcome) -> None:
        assert outcome.checkpoint is not None
        data = {
            "step_uuid": step.event.step_uuid,
            "cursor": outcome.checkpoint.cursor,
            "items_processed": outcome.checkpoint.items_processed,
            "accumulated_results": outcome.checkpoint.accumulated,
        }
        try:
            if self._native.checkpoint(step.event.event_id, data):
                return
            # Core answered the step as a retryable failure itself.
            logger.error("Core could not store the checkpoint of %s", step)
        except Exception as error:
            logger.exception("the checkpoint of %s cannot be handed to Core", step)
            failure = outcomes.failed(
                f"the checkpoint cannot be stored: {error}", outcomes.VALIDATION, retryable=False
            )
            self._send(step, failure, step.seconds)

    def _retry_after(self, step: _Running, outcome: StepOutcome) -> int | None:
        if outcome.failure is None or not outcome.failure.retryable:
            return None
        return backoff.seconds(step.retry, step.attempt, outcome.failure.retry_after)

    def _completion(
        self, step_uuid: str, outcome: StepOutcome, milliseconds: int, retry_after: int | None
    ) -> dict[str, Any]:
        """Core's StepExecutionResult. Keys that it does not know would be dropped silently."""
        failure = outcome.failure
        now = datetime.now(timezone.utc)
        completion: dict[str, Any] = {
            "step_uuid": step_uuid,
            "success": failure is None,
            "status": "completed" if failure is None else "error",
            "result": outcome.result,
            "metadata": {
                "execution_time_ms": milliseconds,
                "handler_version": None,
                "retryable": failure is not None and failure.retryable,
                "completed_at": now.isoformat(),
                "started_at": datetime.fromtimestamp(
                    now.timestamp() - milliseconds / 1000, timezone.utc
                ).isoformat(),
                "worker_id": self._worker_id,
                "worker_hostname": self._hostname,
                "custom": outcomes.as_result(outcome.metadata) if outcome.metadata else {},
                "context": {},
                "error_code": failure.error_code if failure else None,
                "error_type": failure.error_type if failure else None,
            },
        }
        if failure is not None:
            completion["error"] = {
                "message": failure.message,
                "error_type": failure.error_type,
                "backtrace": failure.backtrace or None,
                "retryable": failure.retryable,
                "context": {},
            }
        if retry_after is not None:
            completion["orchestration_metadata"] = {
                "headers": {"retry-after": str(retry_after)},
                "error_context": None,
                "backoff_hint": None,
                "custom": {},
            }
        return completion

    # --- reports ------------------------------------------------------------------------------

    def _report(
        self, step: _Running, outcome: StepOutcome, seconds: float, word: str | None
    ) -> None:
        failure = outcome.failure
        data: dict[str, Any] = {"duration_ms": round(seconds * 1000, 3)}
        if failure is not None:
            name = STEP_FAILED
            data |= {
                "error_type": failure.error_type,
                "message": failure.message,
                "retryable": failure.retryable,
                "retry_after": self._retry_after(step, outcome),
            }
            word = word or ("retryable" if failure.retryable else "failed")
            last = not failure.retryable or step.attempt >= step.context.max_retries
            with bound(step.fields):
                logger.log(
                    logging.ERROR if last else logging.WARNING,
                    "%s failed (attempt %d of %d, %s): %s",
                    step,
                    step.attempt,
                    step.context.max_retries,
                    "no retry" if last else f"retry in {data['retry_after']} s",
                    failure.message,
                )
        elif outcome.checkpoint is not None:
            name, word = STEP_CHECKPOINTED, word or "checkpointed"
            data |= {
                "cursor": outcome.checkpoint.cursor,
                "items_processed": outcome.checkpoint.items_processed,
            }
        else:
            name, word = STEP_COMPLETED, word or "completed"
            with bound(step.fields):
                logger.info("%s completed in %.0f ms", step, seconds * 1000)
        metrics.executions.labels(step.handler, word).inc()
        metrics.duration.labels(step.handler).observe(seconds)
        emit(self._event(name, step, data), self.loop)

    def _event(self, name: str, step: _Running, data: dict[str, Any]) -> TaskerEvent:
        return TaskerEvent(
            name=name,
            task_uuid=step.event.task_uuid,
            step_uuid=step.event.step_uuid,
            step=str(step.fields["step"]),
            namespace=str(step.fields["namespace"]),
            correlation_id=step.event.correlation_id,
            data={"handler": step.handler, "attempt": step.attempt, **data},
        )


def _as_template_allows(step: _Running, outcome: StepOutcome) -> StepOutcome:
    """A failure is final when the template says `retry: {retryable: false}`.

    Core would put the step into `waiting_for_retry`, from where nothing ever takes it: the task
    would never end.
    """
    failure = outcome.failure
    if failure is None or not failure.retryable or step.retry.get("retryable", True):
        return outcome
    return replace(outcome, failure=replace(failure, retryable=False))


def _domain_event(raw: dict[str, Any]) -> TaskerEvent:
    metadata = raw.get("metadata") or {}
    wrapped = raw.get("payload") or {}
    payload = wrapped.get("payload") if isinstance(wrapped, dict) else wrapped
    return TaskerEvent(
        name=DOMAIN_EVENT,
        task_uuid=_text(metadata.get("task_uuid")),
        step_uuid=_text(metadata.get("step_uuid")),
        step=_text(metadata.get("step_name")),
        namespace=_text(metadata.get("namespace")),
        correlation_id=_text(metadata.get("correlation_id")),
        data={
            "event_name": raw.get("event_name"),
            "event_version": raw.get("event_version"),
            "payload": payload,
        },
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


async def _cancel_all() -> None:
    """Cancel every task of this loop and let it end."""
    current = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not current]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1)


__all__ = ["CutStep", "Dispatcher"]
