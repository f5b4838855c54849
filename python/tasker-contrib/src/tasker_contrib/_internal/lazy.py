"""Names of Core that are imported when they are first used.

A process that only creates tasks then needs no native library, and starts faster.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def attributes(module: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` for a module that hands out names of Core.

    Args:
        module: the module's name.
        places: for each name the module of Core that has it.
    """

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(importlib.import_module(places[name]), name)

    return get


def is_core(value: object, module: str, name: str) -> bool:
    """Whether a value is a class of Core. Before Core is imported, nothing is."""
    loaded = sys.modules.get(module)
    return loaded is not None and value is getattr(loaded, name)
