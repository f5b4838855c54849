"""Says whether `tasker-recovery` looks after the database; without it, a kill strands steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from .core_keys import host_of

# A pass is made every few seconds; this is long enough for a restart.
STALE_SECONDS = 60

_INSTALLED = "select to_regclass('tasker_contrib.watch') is not null"
_AGE = (
    "select extract(epoch from clock_timestamp() - max(passed_at))::bigint "
    "from tasker_contrib.watch"
)
_CONNECT_SECONDS = 3


class Recovery(NamedTuple):
    """What was found: `works` is None when it could not be looked at."""

    works: bool | None
    text: str


def look_for_recovery(database_url: str) -> Recovery:
    """Ask the database when it was looked after last.

    Args:
        database_url: Tasker's database.
    """
    connect = _driver()
    if connect is None:
        return Recovery(None, "was not looked for: psycopg is not installed here")
    try:
        with closing(connect(database_url, connect_timeout=_CONNECT_SECONDS)) as connection:
            return _judge(connection.cursor(), host_of(database_url))
    except Exception as error:  # of the driver, whichever it is
        text = " ".join(str(error).split()) or type(error).__name__
        return Recovery(None, f"was not looked for: {text}")


def _judge(cursor: Any, place: str) -> Recovery:
    cursor.execute(_INSTALLED)
    if not cursor.fetchone()[0]:
        return Recovery(
            False,
            f"tasker-recovery is not installed in {place}: a step whose worker is killed stays in "
            "progress for ever; run `tasker-recovery install`, then `tasker-recovery run` beside "
            "the server",
        )
    cursor.execute(_AGE)
    (age,) = cursor.fetchone()
    if age is None or age > STALE_SECONDS:
        since = "not yet" if age is None else f"{age} s ago"
        return Recovery(
            False,
            f"tasker-recovery is installed in {place}, and looked at it last {since}: a step whose "
            "worker is killed stays in progress; start `tasker-recovery run` beside the server",
        )
    return Recovery(True, f"tasker-recovery looked at {place} {age} s ago")


def _driver() -> Callable[..., Any] | None:
    """Whatever PostgreSQL driver is there: a project brings its own."""
    try:
        import psycopg
    except ImportError:
        pass
    else:
        return psycopg.connect
    try:
        import psycopg2  # type: ignore[import-untyped]
    except ImportError:
        return None
    return psycopg2.connect  # type: ignore[no-any-return]
