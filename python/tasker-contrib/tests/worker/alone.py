"""Loads the supervisor without the package around it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "src/tasker_contrib/_internal"


def load(name: str) -> ModuleType:
    """A module of that folder alone: importing the package costs each process a second."""
    if "alone_internal" not in sys.modules:
        package = ModuleType("alone_internal")
        package.__path__ = [str(FOLDER)]
        sys.modules["alone_internal"] = package
    return importlib.import_module(f"alone_internal.{name}")
