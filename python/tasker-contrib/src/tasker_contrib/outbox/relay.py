"""Creates the tasks of an outbox, in a thread or in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from typing_extensions import Self

from .._internal.names import counted
from ..client import SyncTaskerClient, Task
from ..client.base import INITIATOR, SOURCE_SYSTEM, arguments_from
from ..settings import TaskerSettings
from .delivery import LONGEST_WAIT, Created, Dead, Later, Pause, backoff, deliver
from .metrics import outbox_metrics
from .rows import Batch, OutboxRow, Store
from .schema import TABLE
from .store import SqlStore

logger = logging.getLogger("tasker_contrib.outbox")

_MEASURE_SECONDS = 5.0


@dataclass(frozen=True)
class Pass:
    """What one pass did.

    Attributes:
        created: rows whose tasks exist now.
        failed: rows that were put off, or are dead.
        pause: seconds in which the server should be left alone; None when it answers.
    """

    created: int = 0
    failed: int = 0
    pause: float | None = None


class OutboxRelay:
    """Creates the tasks of an outbox. Several may work on one table, in any processes.

    In an app, use it with `async with` in the lifespan; elsewhere call `start` and `stop`, or `run`
    in a thread of your own.

    Args:
        database: a URL (needs psycopg), a SQLAlchemy `Engine`, or a function that returns a new
            DB-API connection; for Django a `Store`.
        client: creates the tasks; by `settings` when left out.
        settings: of the app; from the environment when left out.
        table: its name, with a schema or without one.
        batch: rows in one transaction.
        poll: seconds between two looks at an empty table.
        on_created: called with each task that was created.

    Raises:
        TaskerConfigError: the database or the table's name cannot be used.

    Example:
        ```python
        @asynccontextmanager
        async def resources(app: FastAPI) -> AsyncIterator[None]:
            async with OutboxRelay(os.environ["APP_DATABASE_URL"]):
                yield

        app = FastAPI(lifespan=tasker.lifespan(wrap=resources))
        ```
    """

    def __init__(
        self,
        database: Any,
        *,
        client: SyncTaskerClient | None = None,
        settings: TaskerSettings | None = None,
        table: str = TABLE,
        batch: int = 10,
        poll: float = 1.0,
        on_created: Callable[[Task], Any] | None = None,
    ) -> None:
        self.store: Store = (
            database if hasattr(database, "batch") else SqlStore(database, table=table)
        )
        self._owns_client = client is None
        self._client = client or relay_client(settings or TaskerSettings())
        self._batch = batch
        self._poll = poll
        self._on_created = on_created
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._measured = -_MEASURE_SECONDS

    def start(self) -> None:
        """Begin, in a thread. A relay that runs goes on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="tasker-outbox", daemon=True)
            self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Finish the row in hand, then end. What is left stays in the table.

        Args:
            timeout: seconds to wait for that; None for as long as it takes.

        Returns:
            Whether it has ended.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def run(self) -> None:
        """Relay until `stop`. Nothing but that ends it: it waits for what is away."""
        failures = 0
        outbox_metrics.begin()
        try:
            while not self._stopping.is_set():
                failures, wait = self._turn(failures)
                self._rest(wait)
        finally:
            outbox_metrics.end()
            self.store.close()
            if self._owns_client:
                self._client.close()

    def _turn(self, failures: int) -> tuple[int, float]:
        """One pass; returns the failures in a row, and the seconds until the next pass."""
        try:
            done = self.relay_once()
            self._measure()
        except Exception as error:
            wait = backoff(failures + 1)
            logger.error("the outbox cannot be read: %s (next try in %.0f s)", error, wait)
            return failures + 1, wait
        if done.pause is not None:
            return failures + 1, max(done.pause, backoff(failures + 1))
        return 0, 0.0 if done.created or done.failed else self._poll

    def _rest(self, seconds: float) -> None:
        """Wait, and go on counting: what the metrics say must be true while the server is away."""
        end = time.monotonic() + seconds
        while not self._stopping.wait(min(max(end - time.monotonic(), 0), _MEASURE_SECONDS)):
            if time.monotonic() >= end:
                return
            with contextlib.suppress(Exception):  # the next turn tells of it
                self._measure()

    def relay_once(self) -> Pass:
        """Relay at most one batch of rows that are due.

        Raises:
            TaskerStartError: the table does not exist.
            Exception: of the database's driver.
        """
        tasks: list[Task] = []
        with self.store.batch(self._batch) as batch:
            done = self._relay(batch, tasks)
        for task in tasks:  # after the commit: what it does must not bring rows back
            self._tell(task)
        return done

    def _tell(self, task: Task) -> None:
        if self._on_created is None:
            return
        try:
            self._on_created(task)
        except Exception:
            logger.exception("on_created failed for task %s", task.task_uuid)

    def _relay(self, batch: Batch, tasks: list[Task]) -> Pass:
        created = failed = 0
        for row in batch.rows:
            if self._stopping.is_set():
                break
            outcome = deliver(self._client, row)
            if isinstance(outcome, Created):
                created += 1
                batch.done(row)
                if outcome.task is not None:
                    logger.debug("%s: created task %s", row, outcome.task.task_uuid)
                    tasks.append(outcome.task)
                continue
            failed += 1
            _put_off(batch, row, outcome)
            if isinstance(outcome, Pause):
                return Pass(created, failed, outcome.seconds)
        return Pass(created, failed)

    def _measure(self) -> None:
        now = time.monotonic()
        if now - self._measured < _MEASURE_SECONDS:
            return
        self._measured = now
        outbox_metrics.read(self.store.stats())


def _put_off(batch: Batch, row: OutboxRow, outcome: Later | Pause | Dead) -> None:
    if isinstance(outcome, Dead):
        logger.error("%s is dead: %s", row, outcome.error)
        batch.dead(row, outcome.error)
        return
    if isinstance(outcome, Pause):
        # The older it is, the longer: one that makes a gateway give up must not hold up the rest.
        age = (datetime.now(timezone.utc) - row.created_at).total_seconds()
        seconds = max(outcome.seconds, min(age / 4, LONGEST_WAIT))
        logger.warning("%s and all others wait for the server: %s", row, outcome.error)
        batch.wait(row, seconds, outcome.error)
        return
    failures = counted(row.attempts + 1, "failure")
    logger.warning("%s waits %.0f s after %s: %s", row, outcome.seconds, failures, outcome.error)
    batch.later(row, outcome.seconds, outcome.error)


def relay_client(
    settings: TaskerSettings, *, initiator: str = INITIATOR, source_system: str = SOURCE_SYSTEM
) -> SyncTaskerClient:
    """A client for a relay: it tries once, because the row is tried again."""
    arguments = {**arguments_from(settings), "max_retries": 0}
    return SyncTaskerClient(**arguments, initiator=initiator, source_system=source_system)
