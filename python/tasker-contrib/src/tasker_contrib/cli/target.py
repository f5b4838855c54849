"""Finds the application that ``app.main:app`` names."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

from tasker_contrib.cli.errors import CliProblem, UsageProblem
from tasker_contrib.errors import TaskerConfigError


def look_in_working_directory() -> None:
    """Make ``import app`` work as it does for uvicorn."""
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)


def split(target: str) -> tuple[str, str]:
    """Split ``module:attribute``.

    Raises:
        UsageProblem: it is not of that form.
    """
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        raise UsageProblem(
            f"'{target}' does not name an application", fix="write module:attribute: app.main:app"
        )
    return module, attribute


def import_app(target: str) -> Any:
    """Import ``module:attribute``.

    Raises:
        UsageProblem: it is not of that form, or names nothing.
        CliProblem: the module raises while it is imported.
        TaskerConfigError: it makes settings that are wrong.
    """
    module_name, attribute = split(target)
    look_in_working_directory()
    try:
        value: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UsageProblem(
                f"there is no module '{module_name}' in {os.getcwd()}",
                fix="run the command in the folder that has it, or correct the name",
            ) from error
        raise CliProblem(_import_failed(module_name, error)) from error
    except TaskerConfigError:
        raise
    except Exception as error:
        raise CliProblem(_import_failed(module_name, error)) from error
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise UsageProblem(
                f"module '{module_name}' has no '{attribute}'", fix="correct the name after the :"
            )
        value = getattr(value, part)
    return value


def _import_failed(module: str, error: Exception) -> str:
    """The user's own code failed: the place matters, the import machinery does not."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and not frame.filename.startswith(__file__)
    ]
    where = f"\n  at {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""
    return f"importing '{module}' failed: {type(error).__name__}: {error}{where}"
