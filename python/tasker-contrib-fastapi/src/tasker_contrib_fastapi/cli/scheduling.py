"""``tasker schedule …``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from tasker_contrib.cli import schedules
from tasker_contrib.schedules import load

from .common import reported
from .target import settings_of

schedule_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Recurring tasks (extra [schedules])."
)

File = Annotated[Path, typer.Option("--file", "-f", help="The schedules.")]
App = Annotated[
    str | None, typer.Option("--app", metavar="MODULE:APP", help="Take the settings of this app.")
]


@schedule_app.command("run")
@reported
def run(file: File = schedules.DEFAULT_FILE, app: App = None) -> None:
    """Create the tasks of a file when they are due, until SIGTERM or Ctrl-C.

    Any number of these processes may run: a slot has one task.

    Example: tasker schedule run --file schedules.yaml
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    schedules.run(settings_of(app), file)


@schedule_app.command("list")
@reported
def list_(file: File = schedules.DEFAULT_FILE) -> None:
    """Show each schedule and when it is due next.

    Example: tasker schedule list
    """
    for line in schedules.table(load(file)):
        typer.echo(line)


@schedule_app.command("now")
@reported
def now(
    name: Annotated[str, typer.Argument(help="The schedule.")],
    file: File = schedules.DEFAULT_FILE,
    app: App = None,
) -> None:
    """Create a schedule's task now, also when it is paused.

    Example: tasker schedule now nightly_report
    """
    task = schedules.now(settings_of(app), file, name)
    typer.echo(f"created {task.task_uuid}")
