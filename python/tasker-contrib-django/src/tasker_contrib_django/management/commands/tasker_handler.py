"""`manage.py tasker_handler charge_card --app shop --type api`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from tasker_contrib.cli.errors import CliProblem

from tasker_contrib_django._internal.generate import TYPES, PlacingCommand, handler, own_app


class Command(PlacingCommand):
    """Makes a step handler and its test."""

    help = "Makes a step handler in an app, and its test."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what describes the handler."""
        parser.add_argument("name", help="what the step does, for example charge_card")
        parser.add_argument("--type", choices=TYPES, default="base", help="the kind of step (base)")
        parser.add_argument(
            "--app", help="label of the app; the only one of the project if left out"
        )
        parser.add_argument(
            "--namespace", default="default", help="of the templates; becomes part of the name"
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Render and place."""
        name, namespace = options["name"], options["namespace"]
        try:
            root, files = handler(name, options["type"], namespace, own_app(options["app"]))
        except CliProblem as problem:
            raise CommandError(problem.render()) from None
        if self.place(root, files, options):
            called = files[-2].path.stem if namespace == "default" else ""
            called = called or f"{namespace}.{files[-2].path.stem}"
            self.stdout.write(
                f"next: name it in a task template, `handler: {{callable: {called}}}`; until then "
                "it never runs"
            )
