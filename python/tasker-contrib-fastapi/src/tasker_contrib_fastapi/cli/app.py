"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from dotenv import load_dotenv
from tasker_contrib._internal.names import counted
from tasker_contrib.cli import checks
from tasker_contrib.cli.errors import UsageProblem

from tasker_contrib_fastapi import __version__
from tasker_contrib_fastapi.cli import project
from tasker_contrib_fastapi.cli.target import find_target, settings_of

from .common import DryRun, Force, Skip, Target, place, reported
from .generating import generate_app
from .outbox import outbox_app
from .scheduling import schedule_app

app = typer.Typer(
    name="tasker",
    help="Tasker workflows in FastAPI: projects, handlers, templates, checks and workers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=True,
)

config_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the configuration."
)

app.add_typer(generate_app, name="generate")
app.add_typer(config_app, name="config")
app.add_typer(schedule_app, name="schedule")
app.add_typer(outbox_app, name="outbox")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 (failure) or 2 (usage)."""
    try:
        app(args=list(arguments) if arguments is not None else None)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@app.callback(invoke_without_command=True)
@reported
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(help="Read variables from this file; those that are set already win."),
    ] = None,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if env_file is not None:
        if not env_file.is_file():
            raise UsageProblem(
                f"--env-file {env_file} is not a file", fix="name a file of lines NAME=value"
            )
        load_dotenv(env_file)


@app.command()
@reported
def init(
    directory: Annotated[Path, typer.Argument(help="Where; made if missing.")] = Path("."),
    framework: Annotated[str, typer.Option(help="Only fastapi.")] = "fastapi",
    force: Force = False,
    skip: Skip = False,
    dry_run: DryRun = False,
) -> None:
    """Make a small FastAPI project with one workflow that runs.

    Example: tasker init --framework fastapi shop
    """
    if framework != "fastapi":
        raise UsageProblem(
            f"framework '{framework}' is not supported", fix="use --framework fastapi"
        )
    if directory.exists() and not directory.is_dir():
        raise UsageProblem(f"{directory} is a file", fix="name a folder")
    place(directory, project.files(directory), force, skip, dry_run)
    if not dry_run:
        typer.echo(project.next_steps(directory))


@app.command()
@reported
def check(target: Target = None) -> None:
    """Check settings, task templates and handlers.

    Without MODULE:APP it takes `app` of main.py or app/main.py.

    Example: tasker check app.main:app
    """
    if target is None:
        target = find_target()
        typer.echo(f"checking {target}", err=True)
    findings = checks.run(settings_of(target))
    for warning in findings.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for error in findings.errors:
        typer.echo(f"error: {error}", err=True)
    warnings = counted(len(findings.warnings), "warning")
    if findings.errors:
        typer.echo(f"{counted(len(findings.errors), 'error')}, {warnings}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{findings.summary}, {warnings}")


@config_app.command("explain")
@reported
def config_explain(
    target: Target = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show every effective value and where it comes from. Secrets are masked.

    Example: tasker config explain --json
    """
    rows = settings_of(target).explain()
    if as_json:
        typer.echo(json.dumps([row._asdict() for row in rows], indent=2))
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        typer.echo(f"{row.name:<{width}}  {row.value}  ({row.source})")


@app.command()
@reported
def worker(
    target: Annotated[
        str, typer.Argument(metavar="MODULE:APP", help="The application, for example app.main:app.")
    ],
    processes: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Restart when a file changes.")] = False,
    drain_timeout: Annotated[
        float | None,
        typer.Option(min=0, max=3600, help="Seconds that running steps get at stop."),
    ] = None,
    health_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Serve /live, /ready and /metrics here; each further process on the next port.",
        ),
    ] = None,
    health_host: Annotated[
        str, typer.Option(help="Address of --health-port; 0.0.0.0 in a container.")
    ] = "127.0.0.1",
) -> None:
    """Run the handlers of an app outside its web process.

    Start the web process with TASKER_MODE=client then. SIGTERM and Ctrl-C let running steps end,
    which takes ten seconds also when none runs; the second signal stops at once.

    Example: tasker worker app.main:app --processes 4 --health-port 9100
    """
    from tasker_contrib.cli.worker import must_exist, supervise

    must_exist(target)
    code = supervise(
        [sys.executable, "-m", "tasker_contrib_fastapi.worker", target],
        processes=processes,
        reload=reload,
        drain_timeout=drain_timeout,
        health_host=health_host,
        health_port=health_port,
    )
    raise typer.Exit(code)
