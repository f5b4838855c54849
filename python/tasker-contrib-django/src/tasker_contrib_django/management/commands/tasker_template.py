"""`manage.py tasker_template order --namespace shop --steps charge,ship:charge`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from tasker_contrib.cli.errors import CliProblem

from tasker_contrib_django._internal.generate import PlacingCommand, template


class Command(PlacingCommand):
    """Makes a task template."""

    help = "Makes a task template in the folder of TASKER['TEMPLATES']."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what describes the template."""
        parser.add_argument("name", help="for example monthly_report")
        parser.add_argument("--namespace", default="default", help="one for each pool of workers")
        parser.add_argument(
            "--steps",
            default="start",
            help="each step, and what it waits for: fetch,clean:fetch,store:clean+fetch",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Render and place."""
        try:
            root, files = template(options["name"], options["namespace"], options["steps"])
        except CliProblem as problem:
            raise CommandError(problem.render()) from None
        if self.place(root, files, options):
            self.stdout.write("next: manage.py tasker_handler for each step, then tasker check")
