"""The local Tasker stack for integration tests: starts and stops ``tasker-dev``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from ..client import TaskerClient

ENV = "TASKER_DEV_BIN"
_LAST_BYTES = 4000


class StackError(RuntimeError):
    """The stack cannot be used; the message says what to do."""


@dataclass(frozen=True)
class TaskerStack:
    """A running stack.

    Attributes:
        orchestration_url: Where the server answers, for example ``http://127.0.0.1:41873``.
        database_url: The database of server and workers, with user and password.
        core_version: The version of Core that the server is.
        log: What ``tasker-dev`` writes; look here when a test fails.
        recovery: Whether tasks are recovered after a kill, and each step is claimed once.
    """

    orchestration_url: str
    database_url: str
    core_version: str
    log: Path
    recovery: bool = False

    def client(self) -> TaskerClient:
        """A client of this stack's server. Use it with ``async with``."""
        from ..client import TaskerClient

        return TaskerClient(self.orchestration_url)

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that point an app at this stack.

        Where recovery runs, which is the default, steps reach workers by notification.
        """
        delivery = {"TASKER_WORKER__DELIVERY": "Hybrid"} if self.recovery else {}
        return {
            "DATABASE_URL": self.database_url,
            "TASKER_ORCHESTRATION_URL": self.orchestration_url,
            **delivery,
        }


def find_binary(start: Path | None = None) -> Path:
    """``tasker-dev``: TASKER_DEV_BIN, then PATH, then the newest build above ``start``.

    Args:
        start: Where to begin looking for ``target/*/tasker-dev``; the working directory when
            left out.

    Raises:
        StackError: there is none.
    """
    configured = os.environ.get(ENV)
    if configured:
        found = shutil.which(configured)
        if found is None:
            raise StackError(f"{ENV}={configured} is not an executable file\n  fix: {_BUILD}")
        return Path(found)
    on_path = shutil.which("tasker-dev")
    if on_path:
        return Path(on_path)
    folder = (start or Path.cwd()).resolve()
    for ancestor in (folder, *folder.parents):
        built = [path for path in ancestor.glob("target/*/tasker-dev") if os.access(path, os.X_OK)]
        if built:
            return max(built, key=lambda path: path.stat().st_mtime)
    raise StackError(
        f"tasker-dev was not found: not in {ENV}, not on PATH, and no target/*/tasker-dev above "
        f"{folder}\n  fix: {_BUILD}"
    )


_BUILD = (
    "cargo build -p tasker-dev (or: cargo xtask build) in the tasker-contrib checkout, or set "
    f"{ENV} to the binary"
)


@contextlib.contextmanager
def start_stack(
    arguments: Sequence[str] = (), *, timeout: float = 60.0, log_dir: Path | None = None
) -> Iterator[TaskerStack]:
    """Start a throw-away stack on free ports and stop it at the end.

    Nothing is left behind, not even when this process is killed: ``tasker-dev`` notices that and
    cleans up after itself.

    Args:
        arguments: More options of ``tasker-dev up``.
        timeout: Seconds until it must be ready.
        log_dir: Where its log goes; a temporary folder when left out.

    Yields:
        The running stack.

    Raises:
        StackError: no binary, or it did not start; the message has the end of its log.

    Example:
        ```python
        with start_stack() as stack:
            app = create_app(TaskerSettings(database={"url": stack.database_url}))
        ```
    """
    binary = find_binary()
    with contextlib.ExitStack() as cleanup:
        if log_dir is None:
            folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tasker-stack-"))
            log_dir = Path(folder)
        log = log_dir / "tasker-dev.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [str(binary), "up", "--json", "--until-stdin-ends", *arguments],
                stdout=subprocess.PIPE,
                stderr=stderr,
                # Held as long as this process lives: its end stops the stack, even after SIGKILL.
                stdin=subprocess.PIPE,
                # Ctrl-C in pytest must not stop the stack before the tests' own teardown.
                start_new_session=True,
            )
        cleanup.callback(_stop, process)
        line = _first_line(process, timeout)
        if not line:
            raise StackError(_why(process, binary, log, timeout))
        try:
            ready = json.loads(line)
            stack = TaskerStack(
                orchestration_url=ready["orchestration_url"],
                database_url=ready["database_url"],
                core_version=str(ready.get("core_version", "")),
                recovery=bool(ready.get("recovery")),
                log=log,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StackError(f"{binary} up --json printed {line!r}, not its ready line") from error
        yield stack


def _first_line(process: subprocess.Popen[bytes], timeout: float) -> str:
    """The first line of its output; empty when it ended or took too long."""
    lines: list[bytes] = []
    got = threading.Event()

    def read(pipe: IO[bytes]) -> None:
        lines.append(pipe.readline())
        got.set()
        for _ in pipe:  # so that it never blocks on a full pipe
            pass

    assert process.stdout is not None
    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    got.wait(timeout)
    return lines[0].decode(errors="replace").strip() if lines else ""


def _why(process: subprocess.Popen[bytes], binary: Path, log: Path, timeout: float) -> str:
    try:
        # Its output may end a moment before the process does.
        what = f"ended with exit code {process.wait(2)} before it was ready"
    except subprocess.TimeoutExpired:
        what = f"was not ready within {timeout:g} s"
    tail = log.read_bytes()[-_LAST_BYTES:].decode(errors="replace").strip()
    return f"{binary} up {what}; the end of its log:\n{tail or '(empty)'}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()  # its guard process removes the rest
            process.wait()
