"""``tasker worker``: supervises worker processes."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasker_contrib._internal.process import STOP_MARGIN_SECONDS
from tasker_contrib._internal.supervisor import Supervisor, SupervisorOptions
from tasker_contrib.cli.errors import UsageProblem
from tasker_contrib.cli.target import look_in_working_directory, split

_WATCHED = (".py", ".yaml", ".yml", ".toml", ".env")
# The child's own deadline should come first: it can say which handler is stuck.
_LATER_THAN_CHILD_SECONDS = 5.0
_LAST_PORT = 65535


def supervise(
    command: Sequence[str],
    *,
    processes: int,
    reload: bool,
    drain_timeout: float | None,
    health_host: str,
    health_port: int | None,
) -> int:
    """Run worker processes until a signal; returns the exit code.

    Args:
        command: starts one process; it takes the options of ``ProcessOptions``.
        processes: how many.
        reload: restart them when a file changes.
        drain_timeout: seconds that running steps get at a stop.
        health_host: address of ``health_port``.
        health_port: of the first process; the next one has the next port.

    Raises:
        UsageProblem: there are not enough ports.
    """
    command = [*command, "--parent-pid", str(os.getpid())]
    stop_timeout = None
    if drain_timeout is not None:
        command += ["--drain-timeout", str(drain_timeout)]
        stop_timeout = drain_timeout + STOP_MARGIN_SECONDS + _LATER_THAN_CHILD_SECONDS
    commands = [
        command + _health_options(health_host, health_port, number) for number in range(processes)
    ]
    options = SupervisorOptions(commands, stop_timeout=stop_timeout)
    return Supervisor(options, changes=_changes if reload else None).run()


def _health_options(host: str, first_port: int | None, number: int) -> list[str]:
    """Each process has a port of its own, so that each can be asked and scraped."""
    if first_port is None:
        return []
    port = first_port + number
    if port > _LAST_PORT:
        raise UsageProblem(
            f"--health-port {first_port} leaves no port for process {number + 1}",
            fix="each process takes one port, counted from --health-port: give a lower one",
        )
    return ["--health-host", host, "--health-port", str(port)]


def must_exist(target: str) -> None:
    """Look for ``module:attribute`` without importing it.

    The supervisor stays small and has nothing that a change makes old.

    Raises:
        UsageProblem: it names no module.
    """
    module, _ = split(target)
    look_in_working_directory()
    # find_spec imports the parents of a dotted name; only the first one is looked for here.
    root = module.partition(".")[0]
    if importlib.util.find_spec(root) is None or not _file_exists(module):
        raise UsageProblem(
            f"there is no module '{module}' in {os.getcwd()}",
            fix="run the command in the folder that has it, or correct the name",
        )


def _file_exists(module: str) -> bool:
    """Whether a dotted name that lies in the working directory has a file."""
    root, _, rest = module.partition(".")
    base = Path(root)
    if not rest or not base.is_dir():
        return True  # installed elsewhere: the worker process will tell
    path = base.joinpath(*rest.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _changes(ends: threading.Event) -> Iterator[str]:
    from watchfiles import Change, DefaultFilter, watch

    class Sources(DefaultFilter):
        def __call__(self, change: Change, path: str) -> bool:
            return path.endswith(_WATCHED) and super().__call__(change, path)

    for changed in watch(".", watch_filter=Sources(), stop_event=ends, raise_interrupt=False):
        paths = sorted(os.path.relpath(path) for _, path in changed)
        yield paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
