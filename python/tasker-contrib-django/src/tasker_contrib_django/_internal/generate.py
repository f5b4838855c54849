"""Renders and places the files of `tasker_handler` and `tasker_template`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path, PurePosixPath
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template import Context, Engine
from tasker_contrib.cli import generate as shared
from tasker_contrib.cli import names
from tasker_contrib.cli.cases import pascal_case
from tasker_contrib.cli.errors import CliProblem
from tasker_contrib.cli.place import (
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

from ..conf import tasker_settings
from ..discovery import MODULE

TEMPLATES = Path(__file__).parents[1] / "conf_templates"
TYPES = ("base", "api", "decision", "batchable")


def handler(
    name: str, kind: str, namespace: str, app: AppConfig
) -> tuple[Path, list[RenderedFile]]:
    """The folder to place in, and the files of a handler and its test.

    Raises:
        CommandError: the app has its handlers in one file.
        UsageProblem: a name is not usable.
    """
    name = names.handler_name(name)
    names.namespace(namespace)
    module = f"{app.name}.{MODULE}"
    folder = PurePosixPath(*app.name.split("."))
    root = Path(app.path).resolve()
    for part in reversed(folder.parts):
        if root.name == part:
            root = root.parent
    single = Path(app.path) / f"{MODULE}.py"
    if single.is_file():
        package = single.with_suffix("")
        raise CommandError(
            f"{_shown(single)} holds the handlers of this app, and a generated one has a file of "
            f"its own. Make it a package first: mkdir {_shown(package)} && git mv {_shown(single)} "
            f"{_shown(package / '__init__.py')}"
        )
    context = {
        "name": name,
        "camel": pascal_case(name),
        "upper": name.upper(),
        "callable": name if namespace == "default" else f"{namespace}.{name}",
        "module": module,
    }
    files = [
        RenderedFile(folder / MODULE / f"{name}.py", _render(kind, context)),
        RenderedFile(folder / f"test_{name}.py", _render(f"{kind}_test", context)),
    ]
    others = set((Path(app.path) / MODULE).glob("*.py")) - {Path(app.path) / MODULE / f"{name}.py"}
    initial = Path(app.path) / MODULE / "__init__.py"
    if others <= {initial}:
        text = (
            f'"""Step handlers of {app.label}; each module in here is imported by the worker."""\n'
        )
        if not initial.exists() or initial.read_text() == text:
            files.insert(0, RenderedFile(folder / MODULE / "__init__.py", text))
    return root, files


def template(name: str, namespace: str, steps: str) -> tuple[Path, list[RenderedFile]]:
    """The folder of task templates, and the file of a new one.

    Raises:
        UsageProblem: a name or the list of steps is not usable.
    """
    files = shared.template(name, namespace, steps)
    return tasker_settings().templates, [
        RenderedFile(PurePosixPath(file.path.name), file.content) for file in files
    ]


def own_app(label: str | None) -> AppConfig:
    """The app that gets the handler: the one named, or the only one of the project itself.

    Raises:
        CommandError: there is none, or there are several.
    """
    if label is not None:
        try:
            return apps.get_app_config(label)
        except LookupError as error:
            raise CommandError(str(error)) from None
    base = Path(getattr(settings, "BASE_DIR", Path.cwd())).resolve()
    own = [config for config in apps.get_app_configs() if _is_own(config, base)]
    if len(own) != 1:
        listed = ", ".join(config.label for config in own) or "none"
        raise CommandError(f"which app? Give --app LABEL; apps of this project: {listed}")
    return own[0]


def _is_own(config: AppConfig, base: Path) -> bool:
    path = Path(config.path).resolve()
    return path.is_relative_to(base) and "site-packages" not in path.parts


def _render(name: str, context: dict[str, str]) -> str:
    text = (TEMPLATES / f"{name}.py-tpl").read_text(encoding="utf-8")
    return Engine(autoescape=False).from_string(text).render(Context(context, autoescape=False))


class PlacingCommand(BaseCommand):
    """The options and the rules that all generators share."""

    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of placing."""
        parser.add_argument("--force", action="store_true", help="overwrite files that differ")
        parser.add_argument("--skip", action="store_true", help="keep files that differ")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument(
            "--undo", action="store_true", help="remove what was generated and not edited"
        )

    def place(self, root: Path, files: list[RenderedFile], options: dict[str, Any]) -> bool:
        """Place the files, or undo that; whether they are there now.

        Raises:
            CommandError: a file differs and there is nobody to ask, or the options exclude
                each other.
        """
        force, skip, dry_run = options["force"], options["skip"], options["dry_run"]
        if options["undo"] and (force or skip):
            raise CommandError("--undo goes with neither --force nor --skip")
        if force and skip:
            raise CommandError("--force and --skip exclude each other")
        try:
            if options["undo"]:
                self._undo(root, files, dry_run)
                return False
            rule = OnConflict.FORCE if force else OnConflict.SKIP if skip else OnConflict.ASK
            on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
            ask = (lambda *_: False) if dry_run else self._ask if on_terminal else None
            placed = plan(root, files, rule, ask)
            if not dry_run:
                root.mkdir(parents=True, exist_ok=True)
                write(placed)
        except CliProblem as problem:
            raise CommandError(problem.render()) from None
        for item in placed:
            self.stdout.write(f"{_word(item, dry_run):>15}  {_shown(item.path)}")
        return not dry_run

    def _undo(self, root: Path, files: list[RenderedFile], dry_run: bool) -> None:
        planned = plan_undo(root, files)
        if not dry_run:
            undo(root, planned)
        for item in planned:
            remove = dry_run and item.fate is Fate.REMOVE
            word = "would remove" if remove else item.fate.value
            self.stdout.write(f"{word:>15}  {_shown(item.path)}")

    def _ask(self, path: Path, difference: str) -> bool:
        self.stdout.write(difference)
        return input(f"Overwrite {path}? [y/N] ").strip().lower() in ("y", "yes")


def _word(item: Placed, dry_run: bool) -> str:
    if dry_run and item.verdict in (Verdict.CREATE, Verdict.OVERWRITE):
        return f"would {item.verdict.value}"
    return "conflict" if dry_run and item.verdict is Verdict.SKIP else item.verdict.value


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd().resolve()) else str(path)
