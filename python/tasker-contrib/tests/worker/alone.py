"""Loads the supervisor without the package around it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load_supervisor() -> ModuleType:
    """The supervisor module alone: importing the package costs each process a second."""
    path = Path(__file__).parents[2] / "src/tasker_contrib/_internal/supervisor.py"
    spec = importlib.util.spec_from_file_location("supervisor", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supervisor"] = module
    spec.loader.exec_module(module)
    return module
