"""Imports handler modules. Core only logs an import that fails; here it stops the boot."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import HandlerImportError

if TYPE_CHECKING:
    from tasker_core import StepHandler


def import_handlers(modules: Sequence[str], *, optional: bool = False) -> list[ModuleType]:
    """Import modules with all their submodules.

    Args:
        modules: dotted names.
        optional: a named module itself need not exist (used for the default name).

    Raises:
        HandlerImportError: an import failed; the message has the module, the error and the line.
    """
    imported: list[ModuleType] = []
    problems: list[str] = []
    for name in modules:
        if optional and not _exists(name):
            continue
        module = _import(name, problems)
        if module is None:
            continue
        imported.append(module)
        for info in pkgutil.walk_packages(
            getattr(module, "__path__", []),
            prefix=f"{name}.",
            # Its default swallows import errors of packages; `_import` reports them below.
            onerror=lambda _: None,
        ):
            submodule = _import(info.name, problems)
            if submodule is not None:
                imported.append(submodule)
    if problems:
        raise HandlerImportError(problems)
    return imported


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


def _import(name: str, problems: list[str]) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name or name.startswith(f"{error.name}."):
            problem = (
                f"handler module {name!r} does not exist; correct the setting `handlers` "
                "(and start from the folder that holds the package)"
            )
        else:
            problem = f"handler module {name!r} needs {error.name!r}, which is not installed"
        problems.append(problem)
    except Exception as error:
        problems.append(f"handler module {name!r}: {type(error).__name__}: {error}{_line(error)}")
    return None


def _line(error: BaseException) -> str:
    """The last line of the traceback outside of the import machinery."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and "tasker_contrib" not in frame.filename
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def core_handlers(modules: Sequence[ModuleType]) -> dict[str, list[type[StepHandler]]]:
    """Handlers of Core's own styles in modules: classes and DSL functions, by name."""
    if "tasker_core" not in sys.modules:
        return {}
    from tasker_core import StepHandler

    found: dict[str, list[type[StepHandler]]] = {}
    for module in modules:
        for value in list(vars(module).values()):
            handler = value if isinstance(value, type) else getattr(value, "_handler_class", None)
            if not isinstance(handler, type) or not issubclass(handler, StepHandler):
                continue
            name = getattr(handler, "handler_name", "")
            if not name or inspect.isabstract(handler):
                continue
            classes = found.setdefault(name, [])
            if handler not in classes:
                classes.append(handler)
    return found


def register_core_handlers(found: dict[str, list[type[StepHandler]]]) -> None:
    """Put them into Core's registry, where `resolve` looks them up."""
    if not found:
        return
    from tasker_core import HandlerRegistry

    core = HandlerRegistry.instance(skip_bootstrap=True)
    for name, classes in found.items():
        if core.get_handler_class(name) is not classes[0]:
            core.register(name, classes[0])


def is_core_handler(name: str) -> bool:
    """Whether Core finds a handler by that name, which may be the dotted path of a class."""
    from tasker_core import HandlerRegistry

    return HandlerRegistry.instance(skip_bootstrap=True).resolve(name) is not None
