"""Keeps N worker processes running: start, restart with back-off, reload, stop together.

The supervisor knows nothing of Tasker: it runs N commands. It never forks a Python
process with the native library in it; every child is a fresh interpreter.

One thread per child waits for its end and two copy its output; they, the signal handlers and the
file watcher all put an event in one queue, which the main thread works off. So all decisions are
made in one place, one after the other.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from .children import Child, copy_output, describe, log_to_stderr

# A child ends with this code when its arguments or its configuration cannot work; a restart
# would fail the same way, so the supervisor gives up at once.
EXIT_UNUSABLE = 2

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_WAIT_FOR_OUTPUT_SECONDS = 2.0


@dataclass(frozen=True)
class SupervisorOptions:
    """What to run and how patient to be. All times are seconds.

    Args:
        commands: The argv of each child.
        stop_timeout: After SIGTERM, how long a child may take before it is killed; None when it
            sees to that itself.
        restart_delay: The delay before the first restart; doubles with each failure in a row.
        restart_delay_max: The longest delay.
        healthy_uptime: A child that lived longer begins with the first delay again.
        min_uptime: A child that ends sooner counts as an immediate failure.
        max_failures: After so many immediate failures of one child in a row, give up.
    """

    commands: Sequence[Sequence[str]]
    stop_timeout: float | None = None
    restart_delay: float = 0.5
    restart_delay_max: float = 30.0
    healthy_uptime: float = 60.0
    min_uptime: float = 5.0
    max_failures: int = 5


class Supervisor:
    """Runs the children until a stop signal comes or they fail for good.

    Args:
        options: What to run.
        changes: Yields whenever files changed (``--reload``); runs in a thread. With it a child
            that fails is not restarted before the next change.
        log: Where messages of the supervisor itself go.

    Example:
        >>> Supervisor(SupervisorOptions([[sys.executable, "-c", "pass"]])).run()  # doctest: +SKIP
    """

    def __init__(
        self,
        options: SupervisorOptions,
        *,
        changes: Callable[[threading.Event], Iterable[str]] | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._options = options
        self._changes = changes
        self._log = log or log_to_stderr
        # SimpleQueue.put is reentrant: a signal handler may interrupt another put.
        self._events: SimpleQueue[tuple[str, object]] = SimpleQueue()
        self._children = [
            Child(f"worker-{n}", command) for n, command in enumerate(options.commands, start=1)
        ]
        self._stopping = False
        self._exit_code = 0
        self._watch_ends = threading.Event()

    def run(self) -> int:
        """Run until everything has ended.

        Returns:
            0 after a stop in which every child ended with 0, else 1.
        """
        previous = {number: signal.signal(number, self._on_signal) for number in _STOP_SIGNALS}
        try:
            if self._changes is not None:
                threading.Thread(target=self._watch, name="reload", daemon=True).start()
            for child in self._children:
                self._spawn(child)
            while any(child.process or child.restart_at for child in self._children) or (
                self._changes is not None and not self._stopping
            ):
                self._step()
            return self._exit_code
        finally:
            self._watch_ends.set()
            self._kill_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    # Events

    def _step(self) -> None:
        try:
            kind, value = self._events.get(timeout=self._next_deadline())
        except Empty:
            kind, value = "tick", None
        if kind == "signal" and isinstance(value, int):
            self._on_stop_request(signal.Signals(value).name)
        elif kind == "exit" and isinstance(value, Child):
            self._on_exit(value)
        elif kind == "changed":
            self._on_change(str(value))
        self._work_off_deadlines()

    def _next_deadline(self) -> float | None:
        deadlines = [
            deadline
            for child in self._children
            for deadline in (child.restart_at, child.stop_before)
            if deadline is not None
        ]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _work_off_deadlines(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.restart_at is not None and child.restart_at <= now:
                child.restart_at = None
                self._spawn(child)
            if child.stop_before is not None and child.stop_before <= now:
                self._log(
                    f"{child.name} did not stop within {self._options.stop_timeout} s: killed. "
                    "A step it was running stays in progress until Tasker finds it stale."
                )
                self._kill(child)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._events.put(("signal", number))

    def _on_stop_request(self, why: str) -> None:
        if self._stopping:
            self._log(f"{why} again: stopping at once")
            self._exit_code = 1
            self._kill_all()
            return
        running = self._running()
        self._log(f"{why}: draining {running} worker {'process' if running == 1 else 'processes'}")
        self._stop_everything()

    def _on_change(self, what: str) -> None:
        if self._stopping:
            return
        self._log(f"{what} changed: restarting")
        for child in self._children:
            child.failures = child.immediate_failures = 0
            if child.process is None:
                self._spawn(child)
            else:
                child.respawn = True
                self._terminate(child)

    def _on_exit(self, child: Child) -> None:
        process = child.process
        if process is None:
            return
        for pump in child.pumps:
            # A grandchild may hold the pipe open; its output is not waited for.
            pump.join(_WAIT_FOR_OUTPUT_SECONDS)
        code = process.wait()
        uptime = time.monotonic() - child.started_at
        asked = child.stopping
        child.process, child.stop_before, child.stopping = None, None, False
        if process.stdin is not None:
            process.stdin.close()
        if self._stopping:
            self._log(f"{child.name} ended ({describe(code)})")
            if code != 0:
                self._exit_code = 1
        elif child.respawn and asked:
            child.respawn = False
            self._spawn(child)
        else:
            self._on_crash(child, code, uptime)

    def _on_crash(self, child: Child, code: int, uptime: float) -> None:
        ended = f"{child.name} ended unexpectedly ({describe(code)}) after {uptime:.1f} s"
        if self._changes is not None:
            self._log(f"{ended}; waiting for a file to change")
            return
        options = self._options
        child.failures = child.failures + 1 if uptime < options.healthy_uptime else 1
        # A database that is away makes a child fail late: that is waited for, not given up on.
        immediate = uptime < options.min_uptime
        child.immediate_failures = child.immediate_failures + 1 if immediate else 0
        if code == EXIT_UNUSABLE:
            self._give_up(child, f"{ended}: it cannot start with this configuration")
            return
        if child.immediate_failures >= options.max_failures:
            self._give_up(child, f"{ended}, {child.immediate_failures} times in a row")
            return
        delay = min(
            options.restart_delay * 2.0 ** min(child.failures - 1, 30), options.restart_delay_max
        )
        self._log(f"{ended}; restarting in {delay:g} s")
        child.restart_at = time.monotonic() + delay

    def _give_up(self, child: Child, reason: str) -> None:
        self._exit_code = 1
        lines = "\n".join(f"  {line}" for line in child.last_lines) or "  (it printed nothing)"
        self._log(f"{reason}. Giving up. Its last output:\n{lines}")
        self._stop_everything()

    # Processes

    def _spawn(self, child: Child) -> None:
        child.last_lines.clear()
        process = subprocess.Popen(
            child.command,
            # Never written to: a child sees the end of this pipe when the supervisor dies.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A Ctrl-C of the terminal reaches the supervisor only, which then stops the children.
            start_new_session=True,
        )
        child.process = process
        child.started_at = time.monotonic()
        self._log(f"{child.name} started (pid {process.pid})")
        child.pumps = [
            threading.Thread(target=copy_output, args=(child, pipe, sink), daemon=True)
            for pipe, sink in ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        ]
        for pump in child.pumps:
            pump.start()
        threading.Thread(target=self._wait_for, args=(child, process), daemon=True).start()

    def _wait_for(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._events.put(("exit", child))

    def _stop_everything(self) -> None:
        self._stopping = True
        self._watch_ends.set()
        for child in self._children:
            child.restart_at = None
            self._terminate(child)

    def _terminate(self, child: Child) -> None:
        if child.process is not None and not child.stopping:
            child.stopping = True
            if self._options.stop_timeout is not None:
                child.stop_before = time.monotonic() + self._options.stop_timeout
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()

    def _kill(self, child: Child) -> None:
        child.stop_before, child.stopping = None, True
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError):
                child.process.kill()

    def _kill_all(self) -> None:
        for child in self._children:
            child.restart_at = None
            self._kill(child)

    def _running(self) -> int:
        return sum(child.process is not None for child in self._children)

    def _watch(self) -> None:
        if self._changes is not None:
            for what in self._changes(self._watch_ends):
                self._events.put(("changed", what))
