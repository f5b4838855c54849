"""`manage.py tasker …`: the worker, and what an operator asks or does."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError
from django.utils.autoreload import get_child_arguments
from tasker_contrib._internal.process import ProcessOptions
from tasker_contrib._internal.recovery import look_for_recovery
from tasker_contrib.client import Task
from tasker_contrib.client.operations import whoami
from tasker_contrib.client.records import Resolution
from tasker_contrib.errors import TaskerContribError

from tasker_contrib_django.client import client
from tasker_contrib_django.conf import SOURCE, tasker_settings
from tasker_contrib_django.health import readiness
from tasker_contrib_django.mode import decision
from tasker_contrib_django.operations import uuid_of
from tasker_contrib_django.outbox import commands as outbox_commands


class Command(BaseCommand):
    """Everything of Tasker that is not generating files."""

    help = "Runs Tasker's worker, checks the project, and looks after tasks."
    # `worker` and `check` run them by themselves; the others must work in a project with errors.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        def verb(name: str, help: str | None, run: Callable[..., None]) -> ArgumentParser:
            shown: dict[str, Any] = {} if help is None else {"help": help, "description": help}
            added: ArgumentParser = verbs.add_parser(name, **shown)
            added.set_defaults(run=run)
            return added

        worker = verb("worker", "Run the steps of tasks until SIGTERM or Ctrl-C.", self.worker)
        worker.add_argument("--processes", type=_count, default=1, help="worker processes (1)")
        reloads = worker.add_mutually_exclusive_group()
        reloads.add_argument(
            "--reload",
            action="store_true",
            default=None,
            help="restart when a file changes; the default when DEBUG is on",
        )
        reloads.add_argument("--no-reload", action="store_false", dest="reload")
        worker.add_argument("--drain-timeout", type=float, help="seconds for running steps at stop")
        worker.add_argument("--health-host", default="127.0.0.1", help="address of --health-port")
        worker.add_argument(
            "--health-port",
            type=int,
            help="serve /live, /ready and /metrics here; each further process on the next port",
        )
        ProcessOptions.add_arguments(verb("worker-process", None, self.worker_process))

        verb("check", "Check settings, task templates and handlers.", self.check_project)
        health = verb("health", "Ask the server; exit code 1 when it is not ready.", self.health)
        health.add_argument("--json", action="store_true", help="machine-readable")

        config = verb("config", "Show the settings.", self.config_explain)
        config.add_argument("what", choices=["explain"], help="every value, and where it is from")
        config.add_argument("--json", action="store_true", help="machine-readable")

        retry = verb("retry", "Let failed steps run again.", self.retry)
        _task_and_step(retry, "the step; all that failed when left out", optional=True)
        resolve = verb("resolve", "Count a failed step as done by hand.", self.resolve)
        _task_and_step(resolve, "the step", optional=False)
        resolve.add_argument("--result", type=_json_object, help="its result, a JSON object")
        cancel = verb("cancel", "Cancel a task; running steps are not interrupted.", self.cancel)
        cancel.add_argument("task", type=str, help="the task's UUID")
        dlq = verb("dlq", "List the tasks that were given up.", self.dlq)
        dlq.add_argument("--all", action="store_true", help="also those that were looked at")
        dlq.add_argument("--limit", type=int, default=50, help="how many (50)")
        dlq.add_argument("--json", action="store_true", help="machine-readable")
        outbox_commands.add_arguments(
            verb("outbox", "Relay the outbox, or see to it.", self.outbox)
        )

        schedule = verb("schedule", "Recurring tasks (extra [schedules]).", self.schedule)
        schedule.add_argument(
            "what", choices=["run", "list", "now"], help="run until SIGTERM, show, or create a task"
        )
        schedule.add_argument("name", nargs="?", help="of the schedule, for `now`")
        schedule.add_argument(
            "--file", type=Path, help="the schedules (schedules.yaml beside manage.py)"
        )

    def handle(self, *args: Any, run: Callable[..., None], **options: Any) -> None:
        """Run the verb; a user's mistake is one message and no traceback."""
        try:
            run(**options)
        except TaskerContribError as error:
            raise CommandError(str(error)) from None

    # --- the worker ---------------------------------------------------------------------------

    def worker(self, **options: Any) -> None:
        """Check, then supervise worker processes."""
        from tasker_contrib.cli.errors import CliProblem
        from tasker_contrib.cli.worker import supervise

        from tasker_contrib_django.worker import worker_settings

        self.check(tags=["tasker"])
        worker_settings()
        reload = django_settings.DEBUG if options["reload"] is None else options["reload"]
        try:
            code = supervise(
                _this_command("tasker", "worker-process", **options),
                processes=options["processes"],
                reload=reload,
                drain_timeout=options["drain_timeout"],
                health_host=options["health_host"],
                health_port=options["health_port"],
            )
        except CliProblem as problem:
            raise CommandError(problem.render()) from None
        sys.exit(code)

    def worker_process(self, **options: Any) -> None:
        """Be one worker process."""
        from tasker_contrib_django.worker import run

        names = ("parent_pid", "drain_timeout", "health_host", "health_port")
        sys.exit(run(ProcessOptions(**{name: options[name] for name in names})))

    # --- questions ----------------------------------------------------------------------------

    def check_project(self, **options: Any) -> None:
        """Run the checks `tasker.*`; say who recovers, and what this process would do."""
        self.check(tags=["tasker"], display_num_errors=True, fail_level=checks.ERROR)
        settings = tasker_settings()
        if "common.database.url" in settings.core_values():  # only workers need it
            works, text = look_for_recovery(settings.database_url)
            style = self.style.WARNING if works is False else str
            self.stdout.write(style(f"recovery: {text}"))
        decided = decision()
        self.stdout.write(f"mode: {decided.mode} ({decided.reason})")

    def health(self, **options: Any) -> None:
        """Say what `ready` says."""
        status, body = readiness()
        if options["json"]:
            self.stdout.write(json.dumps(body, indent=2))
        else:
            self.stdout.write(f"{body['status']} {body.get('detail', '')}".rstrip())
            for component in body["components"]:
                line = "{name}: {status} {detail}".format(**component)
                self.stdout.write(f"  {line}".rstrip())
        if status != 200:
            sys.exit(1)

    def config_explain(self, **options: Any) -> None:
        """Show every effective value; secrets are masked."""
        rows = [
            row._replace(source=row.source.replace("option", SOURCE))
            for row in tasker_settings().explain()
        ]
        if options["json"]:
            self.stdout.write(json.dumps([row._asdict() for row in rows], indent=2))
            return
        width = max(len(row.name) for row in rows)
        for row in rows:
            self.stdout.write(f"{row.name:<{width}}  {row.value}  ({row.source})")

    # --- tasks --------------------------------------------------------------------------------

    def retry(self, **options: Any) -> None:
        """Retry one step, or all of a task that failed."""
        task = uuid_of(options["task"])
        names = [options["step"]] if options["step"] else self._failed(task)
        if not names:
            raise CommandError(f"no step of task {task} has failed: there is nothing to retry")
        for name in names:
            step = client.retry_step(task, name, reason=options["reason"], by=options["by"])
            self.stdout.write(f"step {step.name}: {step.current_state}")

    def _failed(self, task: str) -> list[str]:
        return [step.step_uuid for step in client.steps(task) if step.current_state == "error"]

    def resolve(self, **options: Any) -> None:
        """Count a step as done."""
        task, name, result = uuid_of(options["task"]), options["step"], options["result"]
        words = {"reason": options["reason"], "by": options["by"]}
        if result is None:
            step = client.resolve_step(task, name, **words)
        else:
            step = client.complete_step(task, name, result, **words)
        self.stdout.write(f"step {step.name}: {step.current_state}")

    def cancel(self, **options: Any) -> None:
        """Cancel a task."""
        task: Task = client.cancel_task(uuid_of(options["task"]))
        self.stdout.write(f"task {task.namespace}/{task.name} {task.task_uuid}: {task.status}")

    def dlq(self, **options: Any) -> None:
        """List dead letters."""
        resolution: Resolution | None = None if options["all"] else "Pending"
        entries = client.dead_letters(resolution=resolution, limit=options["limit"])
        if options["json"]:
            self.stdout.write(json.dumps([e.model_dump(mode="json") for e in entries], indent=2))
            return
        for entry in entries:
            self.stdout.write(
                f"{entry.task_uuid}  {entry.dlq_reason}  was {entry.original_state}  "
                f"{entry.resolution_status}  since {entry.dlq_timestamp}"
            )
        if not entries:
            self.stdout.write("nothing is waiting for somebody to look at it")

    # --- recurring tasks ----------------------------------------------------------------------

    def schedule(self, **options: Any) -> None:
        """Create tasks when they are due, show when, or create one now."""
        from tasker_contrib.cli import schedules
        from tasker_contrib.cli.errors import CliProblem
        from tasker_contrib.schedules import load

        base = Path(getattr(django_settings, "BASE_DIR", "."))
        path = options["file"] or base / schedules.DEFAULT_FILE
        if (options["what"] == "now") != bool(options["name"]):
            raise CommandError("`now` takes the name of a schedule; `run` and `list` take none")
        if options["what"] == "run":
            schedules.run(tasker_settings(), path)
        elif options["what"] == "list":
            for line in schedules.table(load(path)):
                self.stdout.write(line)
        else:
            try:
                task = schedules.now(tasker_settings(), path, options["name"])
            except CliProblem as problem:
                raise CommandError(problem.render()) from None
            self.stdout.write(f"created {task.task_uuid}")

    # --- the outbox ---------------------------------------------------------------------------

    def outbox(self, **options: Any) -> None:
        """Relay the outbox, or look after its rows."""
        outbox_commands.run(self.stdout, options)


def _this_command(*words: str, **options: Any) -> list[str]:
    """The way this program was started, with other arguments behind it."""
    started = get_child_arguments()
    command = started[: len(started) - len(sys.argv[1:])]
    if options.get("settings"):
        words = (*words, "--settings", options["settings"])
    if options.get("pythonpath"):
        words = (*words, "--pythonpath", options["pythonpath"])
    return [*command, *words]


def _task_and_step(parser: ArgumentParser, help: str, *, optional: bool) -> None:
    parser.add_argument("task", help="the task's UUID")
    parser.add_argument("step", nargs="?" if optional else None, help=help)
    parser.add_argument("--reason", default="asked for with manage.py", help="for the history")
    parser.add_argument("--by", default=whoami(), help="who asks for it (%(default)s)")


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:
        raise ValueError
    return count


def _json_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value
