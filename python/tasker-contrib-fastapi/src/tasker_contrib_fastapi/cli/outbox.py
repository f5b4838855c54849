"""``tasker outbox …``: the table, its relay, and what a person does about rows that are dead."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer
from tasker_contrib.cli import outbox as texts
from tasker_contrib.cli.errors import CliProblem, UsageProblem
from tasker_contrib.errors import TaskerContribError
from tasker_contrib.outbox import TABLE, OutboxRelay, SqlStore, ddl
from tasker_contrib.settings import TaskerSettings

from .common import Target, reported
from .target import settings_of

outbox_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Tasks that were written in the application's own transactions.",
)

Table = Annotated[str, typer.Option(help="The table, with a schema or without one.")]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="OUTBOX_DATABASE_URL",
        help="The database with the table; Tasker's own (DATABASE_URL) when left out.",
    ),
]
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Ids of rows.")]
AllDead = Annotated[bool, typer.Option("--all-dead", help="All rows that are dead.")]


@outbox_app.command()
@reported
def sql(table: Table = TABLE) -> None:
    """Print the SQL that creates the table, for PostgreSQL.

    Example: tasker outbox sql --table shop.tasker_outbox
    """
    typer.echo(ddl(table), nl=False)


@outbox_app.command()
@reported
def relay(
    target: Target = None,
    database_url: Database = None,
    table: Table = TABLE,
    poll: Annotated[
        float, typer.Option(min=0.01, max=3600, help="Seconds between two looks at the table.")
    ] = 1.0,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve /metrics on this port."),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="Address of --metrics-port; 0.0.0.0 in a container.")
    ] = "127.0.0.1",
) -> None:
    """Create the tasks of the outbox until SIGTERM or Ctrl-C. Several relays may run.

    Example: tasker outbox relay app.main:app --metrics-port 9110
    """
    from tasker_contrib.outbox.process import run_until_signal, serve_metrics

    settings = settings_of(target)
    url = _url(database_url, settings)
    if metrics_port is not None:
        serve_metrics(metrics_host, metrics_port)
    raise typer.Exit(run_until_signal(OutboxRelay(url, settings=settings, table=table, poll=poll)))


@outbox_app.command("list")
@reported
def list_rows(
    database_url: Database = None,
    table: Table = TABLE,
    dead: Annotated[bool, typer.Option("--dead", help="Only rows that are dead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show rows, the oldest first, with their last error.

    Example: tasker outbox list --dead
    """
    with _store(database_url, table) as store:
        if as_json:
            typer.echo(texts.listing_json(store, dead=dead, limit=limit))
            return
        for line in texts.listing(store, dead=dead, limit=limit):
            typer.echo(line)


@outbox_app.command()
@reported
def retry(
    ids: Ids = None, all_dead: AllDead = False, database_url: Database = None, table: Table = TABLE
) -> None:
    """Try rows again now.

    Example: tasker outbox retry 17
    """
    with _store(database_url, table) as store:
        typer.echo(texts.retry(store, ids or [], all_dead=all_dead))


@outbox_app.command()
@reported
def discard(
    ids: Ids = None, all_dead: AllDead = False, database_url: Database = None, table: Table = TABLE
) -> None:
    """Remove rows; their tasks are not created.

    Example: tasker outbox discard 17
    """
    with _store(database_url, table) as store:
        typer.echo(texts.discard(store, ids or [], all_dead=all_dead))


def _url(given: str | None, settings: TaskerSettings) -> str:
    known = "common.database.url" in settings.core_values()
    url = given or (settings.database_url if known else None)
    if url is None:
        raise UsageProblem(
            "which database has the table?",
            fix="give --database-url postgresql://user:password@host:port/database, or set "
            "OUTBOX_DATABASE_URL or DATABASE_URL",
        )
    return url


@contextlib.contextmanager
def _store(url: str | None, table: str) -> Iterator[SqlStore]:
    store = SqlStore(_url(url, settings_of(None)), table)
    try:
        yield store
    except CliProblem:
        raise
    except TaskerContribError as error:
        raise CliProblem(str(error)) from None
    except Exception as error:  # of the driver
        raise CliProblem(
            f"the database of the outbox cannot be used: {str(error).splitlines()[0]}",
            fix="correct --database-url (OUTBOX_DATABASE_URL, DATABASE_URL)",
        ) from None
    finally:
        store.close()
