"""`tasker generate …`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from tasker_contrib.cli import generate, names
from tasker_contrib.cli.errors import UsageProblem
from tasker_contrib.cli.place import Fate, plan_undo, undo
from tasker_contrib.cli.render import RenderedFile

from .common import DryRun, Force, Namespace, Skip, Undo, place, reported, shown

generate_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Generate handlers, templates and subscribers.",
)


@generate_app.command("handler")
@reported
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
@reported
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
@reported
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
@reported
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


def _generate(
    files: Sequence[RenderedFile], force: bool, skip: bool, dry_run: bool, undone: bool
) -> bool:
    """Place the files in the working directory, or undo that; true if they are there now."""
    if not undone:
        place(Path.cwd(), files, force, skip, dry_run)
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
        typer.echo(f"{word:>15}  {shown(item.path)}")
    return False
