"""One connection to the outbox's database, made again after a failure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import TaskerConfigError, TaskerStartError

_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+:")
_UNDEFINED_TABLE = "42P01"


class Connections:
    """Transactions on one connection; one thread at a time may use it.

    Args:
        database: see `SqlStore`.
        table: for messages.
    """

    def __init__(self, database: str | Callable[[], Any] | Any, table: str) -> None:
        self._connect = _connect_function(database)
        self._table = table
        self._open: Any = None

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        """A cursor in a transaction that is committed at the end, or rolled back.

        Raises:
            TaskerStartError: the table does not exist.
            TaskerConfigError: the connection commits each statement by itself.
        """
        connection = self._connection()
        try:
            cursor = connection.cursor()
            yield cursor
            cursor.close()
            connection.commit()
        except BaseException as error:
            self.close()  # which rolls back, whatever state it is in
            if _state(error) == _UNDEFINED_TABLE:
                raise TaskerStartError(
                    f"table {self._table} does not exist: `tasker outbox sql` prints the SQL that "
                    "creates it"
                ) from error
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._open = self._open, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.rollback()
            with contextlib.suppress(Exception):
                connection.close()

    def _connection(self) -> Any:
        if self._open is None:
            connection = self._connect()
            if getattr(connection, "autocommit", False):
                connection.close()
                raise TaskerConfigError(
                    "the connection of the outbox's relay is in autocommit mode, and the relay "
                    "needs transactions: open it with autocommit off"
                )
            self._open = connection
        return self._open


def _connect_function(database: Any) -> Callable[[], Any]:
    if isinstance(database, str):
        return lambda: _psycopg(_DRIVER.sub(r"\1:", database))
    raw = getattr(database, "raw_connection", None)
    if raw is not None and "asyncio" in type(database).__module__:
        raise TaskerConfigError(
            "the outbox's relay works in a thread, and an AsyncEngine is of one event loop: give "
            "the database's URL"
        )
    connect = raw or database
    if not callable(connect):
        raise TaskerConfigError(
            f"the database of the outbox is {type(database).__name__}: give a URL, a SQLAlchemy "
            "Engine, or a function that returns a connection"
        )
    return connect  # type: ignore[no-any-return]


def _psycopg(url: str) -> Any:
    try:
        import psycopg
    except ModuleNotFoundError:
        raise TaskerConfigError(
            "the outbox's relay needs psycopg for a database URL: pip install 'psycopg[binary]'"
        ) from None
    # Prepared statements do not survive a pooler that changes the session between transactions.
    return psycopg.connect(
        url, prepare_threshold=None, application_name="tasker-outbox", connect_timeout=10
    )


def _state(error: BaseException | None) -> str | None:
    """The SQLSTATE of an error, in psycopg's words or those of psycopg2."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
