"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from dotenv import load_dotenv
from tasker_contrib._internal.names import counted
from tasker_contrib.cli import checks, generate, names
from tasker_contrib.cli.errors import CliProblem, UsageProblem
from tasker_contrib.cli.place import (
    Ask,
    Fate,
    OnConflict,
    Placed,
    Verdict,
    plan,
    plan_undo,
    undo,
    write,
)
from tasker_contrib.cli.render import RenderedFile

from tasker_contrib_fastapi import TaskerConfigError, __version__
from tasker_contrib_fastapi.cli import project
from tasker_contrib_fastapi.cli.target import settings_of

F = TypeVar("F", bound=Callable[..., Any])

app = typer.Typer(
    name="tasker",
    help="Tasker workflows in FastAPI: projects, handlers, templates, checks and workers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=True,
)
generate_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Generate handlers, templates and subscribers.",
)
config_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the configuration."
)
app.add_typer(generate_app, name="generate")
app.add_typer(config_app, name="config")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 (failure) or 2 (usage)."""
    try:
        app(args=list(arguments) if arguments is not None else None)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _reported(command: F) -> F:
    """Turn the problems a user can correct into a message and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except CliProblem as problem:
            typer.echo(f"error: {problem.render()}", err=True)
            raise typer.Exit(problem.exit_code) from None
        except TaskerConfigError as problem:
            typer.echo(f"error: {problem}", err=True)
            raise typer.Exit(1) from None

    return wrapper  # type: ignore[return-value]


Force = Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")]
Skip = Annotated[bool, typer.Option("--skip", help="Keep files that differ.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be written; write nothing.")
]
Undo = Annotated[
    bool,
    typer.Option("--undo", help="Remove what the same command made, unless it was edited."),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Namespace of the task; each worker serves one or more namespaces."),
]
Target = Annotated[
    str | None,
    typer.Argument(metavar="[MODULE:APP]", help="The application, for example app.main:app."),
]


@app.callback(invoke_without_command=True)
@_reported
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
@_reported
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
    _place(directory, project.files(directory), force, skip, dry_run)
    if not dry_run:
        typer.echo(project.next_steps(directory))


@generate_app.command("handler")
@_reported
def generate_handler(
    name: Annotated[str, typer.Argument(help="For example charge_card.")],
    kind: Annotated[
        generate.HandlerType, typer.Option("--type", help="What kind of step.")
    ] = generate.HandlerType.BASE,
    namespace: Annotated[
        str | None,
        typer.Option(help="Namespace of the templates; becomes part of the name."),
    ] = None,
    module: Annotated[str, typer.Option(help="The package of the handlers.")] = "app.handlers",
    force: Force = False,
    skip: Skip = False,
    dry_run: DryRun = False,
    undo: Undo = False,
) -> None:
    """Make a step handler and its test.

    Example: tasker generate handler charge_card --type api --namespace billing
    """
    files = generate.handler(name, kind, namespace, module)
    if _generate(files, force, skip, dry_run, undo):
        called = generate.callable_name(name, namespace)
        typer.echo(
            f"next: add a step with `handler: {{callable: {called}}}` to a template in "
            "config/tasks; until then the handler never runs"
        )


@generate_app.command("template")
@_reported
def generate_template(
    name: Annotated[str, typer.Argument(help="For example monthly_report.")],
    namespace: Namespace = None,
    steps: Annotated[
        str | None,
        typer.Option(help="Each step, and what it waits for: fetch,clean:fetch,store:clean+fetch"),
    ] = None,
    force: Force = False,
    skip: Skip = False,
    dry_run: DryRun = False,
    undo: Undo = False,
) -> None:
    """Make a task template.

    Example: tasker generate template report --namespace billing --steps fetch,store:fetch
    """
    files = generate.template(name, namespace, steps)
    if _generate(files, force, skip, dry_run, undo):
        option = f" --namespace {namespace}" if namespace else ""
        for step, _ in names.steps(steps or "start"):
            typer.echo(f"next: tasker generate handler {step}{option}")


@generate_app.command("workflow")
@_reported
def generate_workflow(
    name: Annotated[str, typer.Argument(help="For example order.")],
    steps: Annotated[
        str, typer.Option(help="Each step, and what it waits for: validate,charge:validate")
    ],
    namespace: Namespace = None,
    module: Annotated[str, typer.Option(help="The package of the handlers.")] = "app.handlers",
    force: Force = False,
    skip: Skip = False,
    dry_run: DryRun = False,
    undo: Undo = False,
) -> None:
    """Make a task template with the handlers of all its steps, and their test.

    Example: tasker generate workflow order --steps validate,charge:validate,ship:charge
    """
    files = generate.workflow(name, namespace, steps, module)
    _generate(files, force, skip, dry_run, undo)


@generate_app.command("subscriber")
@_reported
def generate_subscriber(
    name: Annotated[str, typer.Argument(help="For example send_receipt.")],
    event: Annotated[
        str, typer.Option(help="The domain event, such as order.paid; * stands for anything.")
    ] = "*",
    module: Annotated[
        str, typer.Option(help="The package of the subscribers.")
    ] = "app.subscribers",
    force: Force = False,
    skip: Skip = False,
    dry_run: DryRun = False,
    undo: Undo = False,
) -> None:
    """Make a subscriber of domain events and its test.

    Example: tasker generate subscriber send_receipt --event order.paid
    """
    files = generate.subscriber(name, event, module)
    _generate(files, force, skip, dry_run, undo)


@app.command()
@_reported
def check(target: Target = None) -> None:
    """Check settings, task templates and handlers.

    Example: tasker check app.main:app
    """
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
@_reported
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
@_reported
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


def _generate(
    files: Sequence[RenderedFile], force: bool, skip: bool, dry_run: bool, undone: bool
) -> bool:
    """Place the files in the working directory, or undo that; true if they are there now."""
    if not undone:
        _place(Path.cwd(), files, force, skip, dry_run)
        return not dry_run
    if force or skip:
        raise UsageProblem(
            "--undo goes with neither --force nor --skip: it never touches edited files",
            fix="leave that out",
        )
    planned = plan_undo(Path.cwd(), files)
    if not dry_run:
        undo(Path.cwd(), planned)
    for item in planned:
        word = "would remove" if dry_run and item.fate is Fate.REMOVE else item.fate.value
        typer.echo(f"{word:>15}  {_shown(item.path)}")
    return False


def _place(
    root: Path, files: Sequence[RenderedFile], force: bool, skip: bool, dry_run: bool
) -> None:
    if force and skip:
        raise UsageProblem("--force and --skip exclude each other", fix="use one of them")
    rule = OnConflict.FORCE if force else OnConflict.SKIP if skip else OnConflict.ASK
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    ask: Ask | None = _ask if on_terminal and not dry_run else _never if dry_run else None
    placed = plan(root, files, rule, ask)
    if not dry_run:
        root.mkdir(parents=True, exist_ok=True)
        write(placed)
    for item in placed:
        typer.echo(f"{_verdict(item, dry_run):>15}  {_shown(item.path)}")


def _verdict(item: Placed, dry_run: bool) -> str:
    if dry_run and item.verdict in (Verdict.CREATE, Verdict.OVERWRITE):
        return f"would {item.verdict.value}"
    if dry_run and item.verdict is Verdict.SKIP:
        return "conflict"
    return item.verdict.value


def _shown(path: Path) -> str:
    """Relative to the working directory, when it lies in it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd().resolve()) else str(path)


def _ask(path: Path, difference: str) -> bool:
    typer.echo(difference)
    return typer.confirm(f"Overwrite {path}?", default=False)


def _never(_path: Path, _difference: str) -> bool:
    return False
