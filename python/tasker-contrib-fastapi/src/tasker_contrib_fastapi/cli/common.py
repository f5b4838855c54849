"""Options that several commands have, and what happens to files and problems."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from tasker_contrib.cli.errors import CliProblem, UsageProblem
from tasker_contrib.cli.place import Ask, OnConflict, Placed, Verdict, plan, write
from tasker_contrib.cli.render import RenderedFile

from tasker_contrib_fastapi import TaskerConfigError

F = TypeVar("F", bound=Callable[..., Any])


def reported(command: F) -> F:
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


def place(
    root: Path, files: Sequence[RenderedFile], force: bool, skip: bool, dry_run: bool
) -> None:
    """Write files below a folder, and say what became of each."""
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
        typer.echo(f"{_verdict(item, dry_run):>15}  {shown(item.path)}")


def _verdict(item: Placed, dry_run: bool) -> str:
    if dry_run and item.verdict in (Verdict.CREATE, Verdict.OVERWRITE):
        return f"would {item.verdict.value}"
    if dry_run and item.verdict is Verdict.SKIP:
        return "conflict"
    return item.verdict.value


def shown(path: Path) -> str:
    """Relative to the working directory, when it lies in it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd().resolve()) else str(path)


def _ask(path: Path, difference: str) -> bool:
    typer.echo(difference)
    return typer.confirm(f"Overwrite {path}?", default=False)


def _never(_path: Path, _difference: str) -> bool:
    return False
